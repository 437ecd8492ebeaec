// How handlers reach their operands: registers by byte offset into CpuState::gpr, memory through Cpu. Handlers are
// function templates over the operation, the operand type and the operand form.
#pragma once

#include <cstring>

#include "cpu/cpu.h"
#include "cpu/isa/instruction.h"

namespace bantam::interpreter {

using isa::Handler;
using isa::Instruction;
using isa::OperandKind;

/// Value of the register whose first byte lies at `offset` in the register file.
template <class T>
[[nodiscard]] inline T get_register(const CpuState& state, u8 offset) {
    T value;
    std::memcpy(&value, reinterpret_cast<const u8*>(state.gpr.data()) + offset, sizeof(T));
    return value;
}

/// Writes a register; a 32-bit write clears bits 63:32, 8- and 16-bit writes keep the rest (SDM vol. 1, 3.4.1.1).
template <class T>
inline void set_register(CpuState& state, u8 offset, T value) {
    if constexpr (sizeof(T) == 4) {
        state.gpr[offset / 8] = value;
    } else {
        std::memcpy(reinterpret_cast<u8*>(state.gpr.data()) + offset, &value, sizeof(T));
    }
}

template <class T>
[[nodiscard]] inline T get_register(const Cpu& cpu, const Instruction& i, unsigned operand) {
    return get_register<T>(cpu.state, i.operands[operand].gpr_offset);
}
template <class T>
inline void set_register(Cpu& cpu, const Instruction& i, unsigned operand, T value) {
    set_register<T>(cpu.state, i.operands[operand].gpr_offset, value);
}

template <class T>
[[nodiscard]] inline T read_memory(Cpu& cpu, const Instruction& i) {
    return cpu.read<T>(i.segment, cpu.effective_address(i));
}
template <class T>
inline void write_memory(Cpu& cpu, const Instruction& i, T value) {
    cpu.write<T>(i.segment, cpu.effective_address(i), value);
}
template <class T, class Change>
inline void modify_memory(Cpu& cpu, const Instruction& i, Change change) {
    cpu.modify<T>(i.segment, cpu.effective_address(i), change);
}

/// Register, memory, immediate or constant operand, for handlers whose form does not matter for speed.
template <class T>
[[nodiscard]] inline T get_operand(Cpu& cpu, const Instruction& i, unsigned operand) {
    switch (i.operands[operand].kind) {
        case OperandKind::memory:
            return read_memory<T>(cpu, i);
        case OperandKind::gpr:
            return get_register<T>(cpu, i, operand);
        case OperandKind::constant:
            return static_cast<T>(i.operands[operand].reg);
        default:
            return static_cast<T>(i.immediate);
    }
}
template <class T>
inline void set_operand(Cpu& cpu, const Instruction& i, unsigned operand, T value) {
    if (i.operands[operand].kind == OperandKind::memory) {
        write_memory<T>(cpu, i, value);
    } else {
        set_register<T>(cpu, i, operand, value);
    }
}

/// Picks the instantiation `Maker::make<T>()` for an operand of `size` bytes; null for other sizes.
template <class Maker>
[[nodiscard]] Handler by_size(unsigned size) {
    switch (size) {
        case 1:
            return Maker::template make<u8>();
        case 2:
            return Maker::template make<u16>();
        case 4:
            return Maker::template make<u32>();
        case 8:
            return Maker::template make<u64>();
        default:
            return nullptr;
    }
}
/// The same without bytes.
template <class Maker>
[[nodiscard]] Handler by_word_size(unsigned size) {
    switch (size) {
        case 2:
            return Maker::template make<u16>();
        case 4:
            return Maker::template make<u32>();
        case 8:
            return Maker::template make<u64>();
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
