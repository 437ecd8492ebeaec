// MOV, MOVZX, MOVSX, MOVSXD, MOVBE, MOVNTI, LEA, XCHG, CMOVcc, SETcc, XLAT and the sign extensions of the accumulator.
#include <type_traits>

#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

template <class T>
void move_register_register(Cpu& cpu, const Instruction& i) {
    set_register<T>(cpu, i, 0, get_register<T>(cpu, i, 1));
}
template <class T>
void move_register_immediate(Cpu& cpu, const Instruction& i) {
    set_register<T>(cpu, i, 0, static_cast<T>(i.immediate));
}
template <class T>
struct Load {
    template <class Memory>
    static bool run(Cpu& cpu, const Instruction& i) {
        T value;
        if (!Memory::template read<T>(cpu, i, value)) return false;
        set_register<T>(cpu, i, 0, value);
        return true;
    }
};
template <class T, bool kImmediate>
struct Store {
    template <class Memory>
    static bool run(Cpu& cpu, const Instruction& i) {
        const T value = kImmediate ? static_cast<T>(i.immediate) : get_register<T>(cpu, i, 1);
        return Memory::template write<T>(cpu, i, value);
    }
};

template <OperandKind kDestination, OperandKind kSource>
struct MoveMaker {
    template <class T>
    static Handler make() {
        if constexpr (kDestination == OperandKind::memory) {
            return &with_memory<Store<T, kSource == OperandKind::immediate>>;
        } else if constexpr (kSource == OperandKind::memory) {
            return &with_memory<Load<T>>;
        } else if constexpr (kSource == OperandKind::gpr) {
            return &move_register_register<T>;
        } else {
            return &move_register_immediate<T>;
        }
    }
};

Handler move(const Instruction& i) {
    const unsigned size = i.operands[0].size;
    const OperandKind source = i.operands[1].kind;
    if (i.operands[0].kind == OperandKind::memory) {
        if (source == OperandKind::gpr) return by_size<MoveMaker<OperandKind::memory, OperandKind::gpr>>(size);
        return by_size<MoveMaker<OperandKind::memory, OperandKind::immediate>>(size);
    }
    if (source == OperandKind::memory) return by_size<MoveMaker<OperandKind::gpr, OperandKind::memory>>(size);
    if (source == OperandKind::gpr) return by_size<MoveMaker<OperandKind::gpr, OperandKind::gpr>>(size);
    return by_size<MoveMaker<OperandKind::gpr, OperandKind::immediate>>(size);
}

template <class To, class From>
void extend_register(Cpu& cpu, const Instruction& i) {
    set_register<To>(cpu, i, 0, static_cast<To>(get_register<From>(cpu, i, 1)));
}
template <class To, class From>
struct ExtendMemory {
    template <class Memory>
    static bool run(Cpu& cpu, const Instruction& i) {
        From source;
        if (!Memory::template read<From>(cpu, i, source)) return false;
        set_register<To>(cpu, i, 0, static_cast<To>(source));
        return true;
    }
};

template <class From, bool kMemory>
struct ExtendMaker {
    template <class T>
    static Handler make() {
        // The destination takes the signedness of the source, so that the conversion extends as the source does.
        using To = std::conditional_t<std::is_signed_v<From>, std::make_signed_t<T>, T>;
        if constexpr (kMemory) return &with_memory<ExtendMemory<To, From>>;
        return &extend_register<To, From>;
    }
};

template <class From>
Handler extend_from(const Instruction& i) {
    const unsigned size = i.operands[0].size;
    if (i.operands[1].kind == OperandKind::memory) return by_word_size<ExtendMaker<From, true>>(size);
    return by_word_size<ExtendMaker<From, false>>(size);
}

Handler zero_extend(const Instruction& i) { return i.operands[1].size == 1 ? extend_from<u8>(i) : extend_from<u16>(i); }

Handler sign_extend(const Instruction& i) {
    switch (i.operands[1].size) {
        case 1:
            return extend_from<i8>(i);
        case 2:
            return extend_from<i16>(i);
        default:
            return extend_from<i32>(i);
    }
}

template <class T>
T swap_bytes(T value) {
    if constexpr (sizeof(T) == 2) {
        return __builtin_bswap16(value);
    } else if constexpr (sizeof(T) == 4) {
        return __builtin_bswap32(value);
    } else {
        return __builtin_bswap64(value);
    }
}

template <class T>
void move_swapped(Cpu& cpu, const Instruction& i) {
    if (i.operands[0].kind == OperandKind::memory) {
        write_memory<T>(cpu, i, swap_bytes(get_register<T>(cpu, i, 1)));
    } else {
        set_register<T>(cpu, i, 0, swap_bytes(read_memory<T>(cpu, i)));
    }
}

template <class T>
void load_effective_address(Cpu& cpu, const Instruction& i) {
    set_register<T>(cpu, i, 0, static_cast<T>(cpu.effective_address(i)));
}

template <class T>
void exchange(Cpu& cpu, const Instruction& i) {
    const unsigned memory = i.operands[0].kind == OperandKind::memory ? 0 : 1;
    const unsigned other = 1 - memory;
    const T value = get_register<T>(cpu, i, other);
    if (i.operands[memory].kind != OperandKind::memory) {
        const T second = get_register<T>(cpu, i, memory);
        set_register<T>(cpu, i, memory, value);
        set_register<T>(cpu, i, other, second);
        return;
    }
    T old_value{};
    modify_memory<T>(cpu, i, [&](T old) {
        old_value = old;
        return value;
    });
    set_register<T>(cpu, i, other, old_value);
}

template <u8 kCondition, class T>
void conditional_move(Cpu& cpu, const Instruction& i) {
    // The source is read, and a 32-bit destination's upper half cleared, whether or not the condition holds.
    const T source = get_operand<T>(cpu, i, 1);
    const T old = get_register<T>(cpu, i, 0);
    set_register<T>(cpu, i, 0, alu::condition_holds<kCondition>(cpu.state.status) ? source : old);
}

template <u8 kCondition>
void set_on_condition(Cpu& cpu, const Instruction& i) {
    set_operand<u8>(cpu, i, 0, alu::condition_holds<kCondition>(cpu.state.status) ? 1 : 0);
}

template <u8 kCondition>
struct ConditionalMoveMaker {
    template <class T>
    static Handler make() {
        return &conditional_move<kCondition, T>;
    }
};

template <u8... kConditions>
Handler conditional(const Instruction& i, std::integer_sequence<u8, kConditions...>) {
    const unsigned size = i.operands[0].size;
    if (i.mnemonic == isa::Mnemonic::Setcc) {
        constexpr std::array<Handler, 16> kSet{&set_on_condition<kConditions>...};
        return kSet[i.condition];
    }
    const std::array<Handler, 16> moves{by_word_size<ConditionalMoveMaker<kConditions>>(size)...};
    return moves[i.condition];
}

template <class From, class To>
void extend_accumulator(Cpu& cpu, const Instruction&) {
    const auto value = static_cast<To>(static_cast<std::make_signed_t<From>>(get_register<From>(cpu.state, 0)));
    set_register<To>(cpu.state, 0, value);
}

/// CWD, CDQ, CQO: the sign of the accumulator fills rDX.
template <class T>
void extend_to_rdx(Cpu& cpu, const Instruction&) {
    const auto value = static_cast<std::make_signed_t<T>>(get_register<T>(cpu.state, 0));
    set_register<T>(cpu.state, 8 * kRdx, static_cast<T>(value < 0 ? -1 : 0));
}

void translate_byte(Cpu& cpu, const Instruction& i) {
    const u64 address = (cpu.state.gpr[kRbx] + (cpu.state.gpr[kRax] & 0xFF)) & i.address_mask();
    set_register<u8>(cpu.state, 0, cpu.read<u8>(i.segment, address));
}

struct SwappedMaker {
    template <class T>
    static Handler make() {
        return &move_swapped<T>;
    }
};
struct LeaMaker {
    template <class T>
    static Handler make() {
        return &load_effective_address<T>;
    }
};
struct ExchangeMaker {
    template <class T>
    static Handler make() {
        return &exchange<T>;
    }
};

}  // namespace

Handler move_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    const unsigned size = instruction.operands[0].size;
    switch (instruction.mnemonic) {
        case Mnemonic::Mov:
        case Mnemonic::Movnti:
            return move(instruction);
        case Mnemonic::Movzx:
            return zero_extend(instruction);
        case Mnemonic::Movsx:
        case Mnemonic::Movsxd:
            return sign_extend(instruction);
        case Mnemonic::Movbe:
            return by_word_size<SwappedMaker>(size);
        case Mnemonic::Lea:
            return by_word_size<LeaMaker>(size);
        case Mnemonic::Xchg:
            return by_size<ExchangeMaker>(size);
        case Mnemonic::Cmovcc:
        case Mnemonic::Setcc:
            return conditional(instruction, std::make_integer_sequence<u8, 16>{});
        case Mnemonic::Cbw:
            return &extend_accumulator<u8, u16>;
        case Mnemonic::Cwde:
            return &extend_accumulator<u16, u32>;
        case Mnemonic::Cdqe:
            return &extend_accumulator<u32, u64>;
        case Mnemonic::Cwd:
            return &extend_to_rdx<u16>;
        case Mnemonic::Cdq:
            return &extend_to_rdx<u32>;
        case Mnemonic::Cqo:
            return &extend_to_rdx<u64>;
        case Mnemonic::Xlat:
            return &translate_byte;
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
