// BT, BTS, BTR, BTC, BSF, BSR, BSWAP (SDM vol. 2). A bit offset in a register may reach beyond the memory operand: the
// accessed word is displaced by the signed offset divided by its width.
#include <type_traits>

#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

enum class BitChange { test, set, reset, complement };

template <BitChange kChange, class T>
T apply_bit(T value, unsigned index, Status& status) {
    const T mask = static_cast<T>(T{1} << index);
    const bool was_set = (value & mask) != 0;
    status = static_cast<Status>((status & ~0x0100) | (was_set ? 0x0100 : 0));
    switch (kChange) {
        case BitChange::test:
            return value;
        case BitChange::set:
            return static_cast<T>(value | mask);
        case BitChange::reset:
            return static_cast<T>(value & ~mask);
        default:
            return static_cast<T>(value ^ mask);
    }
}

template <BitChange kChange, class T>
void bit_register(Cpu& cpu, const Instruction& i) {
    constexpr unsigned kIndexMask = 8 * sizeof(T) - 1;
    const auto index = static_cast<unsigned>(get_operand<T>(cpu, i, 1)) & kIndexMask;
    const T result = apply_bit<kChange>(get_register<T>(cpu, i, 0), index, cpu.state.status);
    if constexpr (kChange != BitChange::test) set_register<T>(cpu, i, 0, result);
}

template <BitChange kChange, class T>
void bit_memory(Cpu& cpu, const Instruction& i) {
    constexpr unsigned kIndexMask = 8 * sizeof(T) - 1;
    constexpr unsigned kIndexBits = sizeof(T) == 8 ? 6 : sizeof(T) == 4 ? 5 : 4;
    u64 address = cpu.effective_address(i);
    T offset = static_cast<T>(i.immediate);
    if (i.operands[1].kind == OperandKind::gpr) {
        offset = get_register<T>(cpu, i, 1);
        const auto words = static_cast<i64>(static_cast<std::make_signed_t<T>>(offset)) >> kIndexBits;
        address = (address + static_cast<u64>(words) * sizeof(T)) & i.address_mask();
    }
    const unsigned index = static_cast<unsigned>(offset) & kIndexMask;
    Status status = cpu.state.status;
    if constexpr (kChange == BitChange::test) {
        apply_bit<kChange>(cpu.read<T>(i.segment, address), index, status);
    } else {
        cpu.modify<T>(i.segment, address, [&](T old) { return apply_bit<kChange>(old, index, status); });
    }
    cpu.state.status = status;
}

template <class Op, class T>
void bit_scan(Cpu& cpu, const Instruction& i) {
    const T source = get_operand<T>(cpu, i, 1);
    // With a source of 0 the host leaves the whole 64-bit destination alone, even with 32-bit operands.
    const T result = Op::apply(get_register<T>(cpu, i, 0), source, cpu.state.status);
    if (source != 0) set_register<T>(cpu, i, 0, result);
}

/// BSWAP of a 16-bit register is undefined; hardware clears it.
template <class T>
void byte_swap(Cpu& cpu, const Instruction& i) {
    if constexpr (sizeof(T) == 2) {
        set_register<T>(cpu, i, 0, 0);
    } else if constexpr (sizeof(T) == 4) {
        set_register<T>(cpu, i, 0, __builtin_bswap32(get_register<T>(cpu, i, 0)));
    } else {
        set_register<T>(cpu, i, 0, __builtin_bswap64(get_register<T>(cpu, i, 0)));
    }
}

template <BitChange kChange, bool kMemory>
struct BitMaker {
    template <class T>
    static Handler make() {
        if constexpr (kMemory) return &bit_memory<kChange, T>;
        return &bit_register<kChange, T>;
    }
};
template <class Op>
struct ScanMaker {
    template <class T>
    static Handler make() {
        return &bit_scan<Op, T>;
    }
};
struct SwapMaker {
    template <class T>
    static Handler make() {
        return &byte_swap<T>;
    }
};

template <BitChange kChange>
Handler bit_operation(const Instruction& i) {
    const unsigned size = i.operands[0].size;
    if (i.operands[0].kind == OperandKind::memory) return by_word_size<BitMaker<kChange, true>>(size);
    return by_word_size<BitMaker<kChange, false>>(size);
}

}  // namespace

Handler bit_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    const unsigned size = instruction.operands[0].size;
    switch (instruction.mnemonic) {
        case Mnemonic::Bt:
            return bit_operation<BitChange::test>(instruction);
        case Mnemonic::Bts:
            return bit_operation<BitChange::set>(instruction);
        case Mnemonic::Btr:
            return bit_operation<BitChange::reset>(instruction);
        case Mnemonic::Btc:
            return bit_operation<BitChange::complement>(instruction);
        case Mnemonic::Bsf:
            return by_word_size<ScanMaker<alu::Bsf>>(size);
        case Mnemonic::Bsr:
            return by_word_size<ScanMaker<alu::Bsr>>(size);
        case Mnemonic::Bswap:
            return by_word_size<SwapMaker>(size);
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
