// Instructions that touch only some elements of their memory operand: MASKMOVQ, MASKMOVDQU, VMASKMOV, VPMASKMOV and the
// AVX2 gathers. Masked-off elements never fault; a gather that faults has finished the elements before and cleared
// their masks.
#pragma once

#include "cpu/cpu.h"

namespace bantam::host {

/// The handler of such an instruction, null for any other.
isa::Handler masked_access_handler(const isa::Instruction& instruction);

}  // namespace bantam::host
