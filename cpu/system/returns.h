// What far RET and IRET share: checks on the code segment returned to, and returns that load SS:RSP (SDM vol.
// 3, 5.8.6).
#pragma once

#include "cpu/system/segmentation.h"

namespace bantam {

struct ReturnFrame {
    u64 rip = 0;
    u16 cs = 0;
    u64 rsp = 0;
    u16 ss = 0;
};

/// The descriptor of a CS selector popped by RET or IRET; raises #GP or #NP unless a return to it is allowed.
Descriptor check_return_code(Cpu& cpu, u16 selector);

/// Completes a return that pops SS:RSP: checks both, then loads CS, SS, CPL, RSP, RIP and drops data segments the outer
/// level may not use.
void return_with_stack(Cpu& cpu, const ReturnFrame& frame, Descriptor& code);

}  // namespace bantam
