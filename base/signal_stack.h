// The alternate stack that handlers with SA_ONSTACK run on.
#pragma once

namespace bantam {

/// The calling thread has one from now on: code that faults may have no room on its own stack.
void ensure_signal_stack();

}  // namespace bantam
