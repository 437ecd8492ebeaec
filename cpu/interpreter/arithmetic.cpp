// ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST, INC, DEC, NEG, NOT in every operand form (SDM vol. 2).
#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

template <class Op, class T, bool kWriteBack>
void register_register(Cpu& cpu, const Instruction& i) {
    const T result = Op::apply(get_register<T>(cpu, i, 0), get_register<T>(cpu, i, 1), cpu.state.status);
    if constexpr (kWriteBack) set_register<T>(cpu, i, 0, result);
}

template <class Op, class T, bool kWriteBack>
void register_immediate(Cpu& cpu, const Instruction& i) {
    const T result = Op::apply(get_register<T>(cpu, i, 0), static_cast<T>(i.immediate), cpu.state.status);
    if constexpr (kWriteBack) set_register<T>(cpu, i, 0, result);
}

template <class Op, class T, bool kWriteBack>
struct RegisterMemory {
    template <class Memory>
    static bool run(Cpu& cpu, const Instruction& i) {
        T source;
        if (!Memory::template read<T>(cpu, i, source)) return false;
        const T result = Op::apply(get_register<T>(cpu, i, 0), source, cpu.state.status);
        if constexpr (kWriteBack) set_register<T>(cpu, i, 0, result);
        return true;
    }
};

template <class Op, class T, bool kWriteBack, bool kImmediate>
struct MemorySource {
    template <class Memory>
    static bool run(Cpu& cpu, const Instruction& i) {
        const T source = kImmediate ? static_cast<T>(i.immediate) : get_register<T>(cpu, i, 1);
        if constexpr (kWriteBack) {
            return Memory::template modify<T>(cpu, i, [&](T old) { return Op::apply(old, source, cpu.state.status); });
        } else {
            T value;
            if (!Memory::template read<T>(cpu, i, value)) return false;
            Op::apply(value, source, cpu.state.status);
            return true;
        }
    }
};

template <class Op, class T>
void unary_register(Cpu& cpu, const Instruction& i) {
    set_register<T>(cpu, i, 0, Op::apply(get_register<T>(cpu, i, 0), cpu.state.status));
}

template <class Op, class T>
struct UnaryMemory {
    template <class Memory>
    static bool run(Cpu& cpu, const Instruction& i) {
        return Memory::template modify<T>(cpu, i, [&](T old) { return Op::apply(old, cpu.state.status); });
    }
};

template <class Op, bool kWriteBack, OperandKind kDestination, OperandKind kSource>
struct BinaryMaker {
    template <class T>
    static Handler make() {
        if constexpr (kDestination == OperandKind::memory) {
            return &with_memory<MemorySource<Op, T, kWriteBack, kSource == OperandKind::immediate>>;
        } else if constexpr (kSource == OperandKind::memory) {
            return &with_memory<RegisterMemory<Op, T, kWriteBack>>;
        } else if constexpr (kSource == OperandKind::gpr) {
            return &register_register<Op, T, kWriteBack>;
        } else {
            return &register_immediate<Op, T, kWriteBack>;
        }
    }
};

template <class Op, bool kWriteBack = true>
Handler binary(const Instruction& i) {
    const unsigned size = i.operands[0].size;
    const OperandKind source = i.operands[1].kind;
    if (i.operands[0].kind == OperandKind::memory) {
        if (source == OperandKind::gpr) {
            return by_size<BinaryMaker<Op, kWriteBack, OperandKind::memory, OperandKind::gpr>>(size);
        }
        return by_size<BinaryMaker<Op, kWriteBack, OperandKind::memory, OperandKind::immediate>>(size);
    }
    if (source == OperandKind::memory) {
        return by_size<BinaryMaker<Op, kWriteBack, OperandKind::gpr, OperandKind::memory>>(size);
    }
    if (source == OperandKind::gpr) {
        return by_size<BinaryMaker<Op, kWriteBack, OperandKind::gpr, OperandKind::gpr>>(size);
    }
    return by_size<BinaryMaker<Op, kWriteBack, OperandKind::gpr, OperandKind::immediate>>(size);
}

template <class Op, bool kMemory>
struct UnaryMaker {
    template <class T>
    static Handler make() {
        if constexpr (kMemory) return &with_memory<UnaryMemory<Op, T>>;
        return &unary_register<Op, T>;
    }
};

template <class Op>
Handler unary(const Instruction& i) {
    const unsigned size = i.operands[0].size;
    if (i.operands[0].kind == OperandKind::memory) return by_size<UnaryMaker<Op, true>>(size);
    return by_size<UnaryMaker<Op, false>>(size);
}

}  // namespace

Handler arithmetic_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    switch (instruction.mnemonic) {
        case Mnemonic::Add:
            return binary<alu::Add>(instruction);
        case Mnemonic::Or:
            return binary<alu::Or>(instruction);
        case Mnemonic::Adc:
            return binary<alu::Adc>(instruction);
        case Mnemonic::Sbb:
            return binary<alu::Sbb>(instruction);
        case Mnemonic::And:
            return binary<alu::And>(instruction);
        case Mnemonic::Sub:
            return binary<alu::Sub>(instruction);
        case Mnemonic::Xor:
            return binary<alu::Xor>(instruction);
        case Mnemonic::Cmp:
            return binary<alu::Sub, false>(instruction);
        case Mnemonic::Test:
            return binary<alu::And, false>(instruction);
        case Mnemonic::Inc:
            return unary<alu::Inc>(instruction);
        case Mnemonic::Dec:
            return unary<alu::Dec>(instruction);
        case Mnemonic::Neg:
            return unary<alu::Neg>(instruction);
        case Mnemonic::Not:
            return unary<alu::Not>(instruction);
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
