// Reading and writing the operands of a decoded instruction in the handlers of cpu/system (the interpreter has faster,
// specialised ways).
#pragma once

#include <cstring>

#include "cpu/cpu.h"

namespace bantam {

/// Zero-extended value of a general register operand.
[[nodiscard]] u64 read_gpr(const Cpu& cpu, const isa::Operand& operand);
/// Writes a general register operand; 32-bit writes clear bits 63:32.
void write_gpr(Cpu& cpu, const isa::Operand& operand, u64 value);

/// Value of a general register, memory or immediate operand of up to 8 bytes.
[[nodiscard]] u64 read_operand(Cpu& cpu, const isa::Instruction& i, const isa::Operand& operand);
/// The low `size` bytes of a register or memory operand.
[[nodiscard]] u64 read_operand(Cpu& cpu, const isa::Instruction& i, const isa::Operand& operand, unsigned size);
void write_operand(Cpu& cpu, const isa::Instruction& i, const isa::Operand& operand, u64 value);
/// Memory of 1, 2, 4 or 8 bytes.
[[nodiscard]] u64 read_memory(Cpu& cpu, unsigned segment, u64 offset, unsigned size);
void write_memory(Cpu& cpu, unsigned segment, u64 offset, unsigned size, u64 value);

/// Raises #GP(0) unless CPL = 0 (virtual-8086 mode has CPL 3).
inline void require_cpl0(Cpu& cpu) {
    if (cpu.state.cpl != 0) cpu.raise(Vector::general_protection, 0);
}

}  // namespace bantam
