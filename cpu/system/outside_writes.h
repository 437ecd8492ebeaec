// Segment and control registers as somebody outside the machine writes them, a debugger: with the checks and effects of
// the instruction that loads the register (SDM vol. 2, MOV and WRMSR), whatever the CPL. Not while the engine runs.
#pragma once

#include <optional>

#include "cpu/cpu.h"

namespace bantam {

/// Loads a segment register: CS as a far JMP to RIP in the new segment, the others as MOV. What that would raise, and
/// nothing has changed; or nothing.
std::optional<Exception> write_segment_from_outside(Cpu& cpu, unsigned segment, u16 selector);

enum class ControlRegister : u8 { cr0, cr2, cr3, cr4, efer };
/// The same of a control register; EFER.LMA is read-only, and left out.
std::optional<Exception> write_control_from_outside(Cpu& cpu, ControlRegister control, u64 value);

}  // namespace bantam
