// The guest's vector registers and MXCSR between CpuState and the host's registers. They come when the first block that
// uses them is entered and stay until C++ runs again, so code without vectors pays nothing, and loops with them nothing
// a round.
#pragma once

#include "jit/records.h"
#include "jit/register_map.h"

namespace bantam::jit {

/// Loads them unless they are loaded. EFLAGS and all registers but R14, R15 stay as they are.
void write_vector_load(x86::Assembler& a, const CpuState& state, const Context& context);
/// Stores them if they are loaded and gives C++ its MXCSR. RAX, RCX and EFLAGS are overwritten.
void write_vector_store(x86::Assembler& a, const CpuState& state, const Context& context);

}  // namespace bantam::jit
