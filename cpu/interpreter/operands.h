// How handlers reach their operands: registers by byte offset into CpuState::gpr, memory through Cpu. Handlers are
// function templates over the operation, the operand type and the operand form.
#pragma once

#include <cstring>
#include <type_traits>

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
    u8* const to = reinterpret_cast<u8*>(state.gpr.data()) + offset;
    if constexpr (sizeof(T) == 4) {
        const u64 wide = static_cast<std::make_unsigned_t<T>>(value);
        std::memcpy(to, &wide, sizeof(wide));
    } else {
        std::memcpy(to, &value, sizeof(T));
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

// Hot handlers with a memory operand are bodies over one of two memories, `template <class Memory> static bool
// run(Cpu&, const Instruction&)`: first FastMemory, which gives up (false, nothing changed) where the fast path does
// not reach, then AnyMemory in a function of its own, so that the fast one needs no stack frame.
struct FastMemory {
    template <class T>
    static bool read(Cpu& cpu, const Instruction& i, T& value) {
        const u8* const host = cpu.fast_read(i.segment, cpu.effective_address(i), sizeof(T));
        if (host == nullptr) [[unlikely]]
            return false;
        std::memcpy(&value, host, sizeof(T));
        return true;
    }
    template <class T>
    static bool write(Cpu& cpu, const Instruction& i, T value) {
        u8* const host = cpu.fast_write(i.segment, cpu.effective_address(i), sizeof(T));
        if (host == nullptr) [[unlikely]]
            return false;
        std::memcpy(host, &value, sizeof(T));
        return true;
    }
    template <class T, class Change>
    static bool modify(Cpu& cpu, const Instruction& i, Change change) {
        u8* const host = cpu.fast_write(i.segment, cpu.effective_address(i), sizeof(T));
        if (host == nullptr) [[unlikely]]
            return false;
        T value;
        std::memcpy(&value, host, sizeof(T));
        value = change(value);
        std::memcpy(host, &value, sizeof(T));
        return true;
    }
};
struct AnyMemory {
    template <class T>
    static bool read(Cpu& cpu, const Instruction& i, T& value) {
        value = read_memory<T>(cpu, i);
        return true;
    }
    template <class T>
    static bool write(Cpu& cpu, const Instruction& i, T value) {
        write_memory<T>(cpu, i, value);
        return true;
    }
    template <class T, class Change>
    static bool modify(Cpu& cpu, const Instruction& i, Change change) {
        modify_memory<T>(cpu, i, change);
        return true;
    }
};
template <class Body>
[[gnu::noinline]] void with_any_memory(Cpu& cpu, const Instruction& i) {
    Body::template run<AnyMemory>(cpu, i);
}
template <class Body>
void with_memory(Cpu& cpu, const Instruction& i) {
    if (!Body::template run<FastMemory>(cpu, i)) [[unlikely]]
        return with_any_memory<Body>(cpu, i);
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

/// Picks the instantiation `Maker::make<T>()` for an operand of 2, 4 or 8 bytes; null for other sizes.
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
/// The same, or a byte.
template <class Maker>
[[nodiscard]] Handler by_size(unsigned size) {
    return size == 1 ? Maker::template make<u8>() : by_word_size<Maker>(size);
}

}  // namespace bantam::interpreter
