// What instructions of 64-bit code do to general registers, as far as it is known before they are executed.
#pragma once

#include <optional>

#include "cpu/isa/instruction.h"

namespace bantam::jit {

/// The number of the general register that `operand`, one of kind gpr, is in.
[[nodiscard]] constexpr unsigned number_of(const isa::Operand& operand) {
    return operand.is_high ? operand.reg - 4u : operand.reg;
}
/// The general registers that `i` may write, register n as bit n, where that is known. The translations of these write
/// no other ones, and kAddend at most for homed registers and memory operands (jit/register_map.h).
[[nodiscard]] std::optional<u32> written_by(const isa::Instruction& i);
/// What `i` adds to general register `number` of 8 bytes by its operands, if that is known: zero where none of them
/// writes it.
[[nodiscard]] std::optional<i64> added_by(const isa::Instruction& i, unsigned number);

}  // namespace bantam::jit
