// Patched immediates: programs of the DOS age, and some compilers, write the immediates of their own instructions to
// change loops before they run them. Such an instruction reads its immediate from memory each time, and the bytes of
// that are data then: writing them costs what other writes do.
#pragma once

#include "cpu/isa/instruction.h"

namespace bantam::interpreter {

/// Whether `instruction` may read its immediate, its last bytes, each time: two operands, the host's own arithmetic.
[[nodiscard]] bool can_read_immediate(const isa::Instruction& instruction);
/// It does from now on; the immediate is at physical address `at` (Instruction::reads_immediate).
void read_immediate(isa::Instruction& instruction, Physical at);

/// `instruction`, which reads its immediate, with what that is now.
[[nodiscard]] isa::Instruction with_immediate(Cpu& cpu, const isa::Instruction& instruction);

}  // namespace bantam::interpreter
