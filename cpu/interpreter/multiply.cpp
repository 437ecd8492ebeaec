// MUL, IMUL (one, two, three operands), DIV, IDIV (SDM vol. 2). Division checks for #DE first and then divides; the
// flags it leaves undefined keep their old values.
#include <limits>
#include <type_traits>

#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

__extension__ using u128 = unsigned __int128;
__extension__ using i128 = __int128;

template <class T>
struct Wider;
template <>
struct Wider<u8> {
    using type = u16;
    using signed_type = i16;
};
template <>
struct Wider<u16> {
    using type = u32;
    using signed_type = i32;
};
template <>
struct Wider<u32> {
    using type = u64;
    using signed_type = i64;
};
template <>
struct Wider<u64> {
    using type = u128;
    using signed_type = i128;
};

constexpr u8 kRaxOffset = 8 * kRax;
constexpr u8 kAhOffset = 8 * kRax + 1;
constexpr u8 kRdxOffset = 8 * kRdx;

/// The operand of the one-operand forms: the memory one, else the ModRM register, whatever implied operands are listed.
template <class T>
T explicit_operand(Cpu& cpu, const Instruction& i) {
    if (i.memory_operand() != nullptr) return read_memory<T>(cpu, i);
    const unsigned number = (i.modrm & 7u) | (i.rex & 1u) << 3;
    if constexpr (sizeof(T) == 1) {
        if (i.rex == 0 && number >= 4) return get_register<T>(cpu.state, static_cast<u8>(8 * (number - 4) + 1));
    }
    return get_register<T>(cpu.state, static_cast<u8>(8 * number));
}

template <bool kSigned, class T>
void multiply_wide(Cpu& cpu, const Instruction& i) {
    const T factor = explicit_operand<T>(cpu, i);
    CpuState& s = cpu.state;
    const T accumulator = get_register<T>(s, kRaxOffset);
    if constexpr (sizeof(T) == 1) {
        set_register<u16>(s, kRaxOffset, alu::multiply_bytes<kSigned>(accumulator, factor, s.status));
    } else {
        using Op = std::conditional_t<kSigned, alu::ImulWide, alu::MulWide>;
        const alu::Product<T> product = Op::apply(accumulator, factor, s.status);
        set_register<T>(s, kRaxOffset, product.low);
        set_register<T>(s, kRdxOffset, product.high);
    }
}

template <class T>
void multiply_two(Cpu& cpu, const Instruction& i) {
    const T factor = get_operand<T>(cpu, i, 1);
    set_register<T>(cpu, i, 0, alu::Imul::apply(get_register<T>(cpu, i, 0), factor, cpu.state.status));
}

template <class T>
void multiply_three(Cpu& cpu, const Instruction& i) {
    const T factor = get_operand<T>(cpu, i, 1);
    set_register<T>(cpu, i, 0, alu::Imul::apply(factor, static_cast<T>(i.immediate), cpu.state.status));
}

template <class T>
typename Wider<T>::type dividend(const CpuState& s) {
    using Wide = typename Wider<T>::type;
    if constexpr (sizeof(T) == 1) {
        return get_register<u16>(s, kRaxOffset);
    } else {
        return static_cast<Wide>(static_cast<Wide>(get_register<T>(s, kRdxOffset)) << (8 * sizeof(T)) |
                                 get_register<T>(s, kRaxOffset));
    }
}

template <class T>
void set_quotient(CpuState& s, T quotient, T remainder) {
    set_register<T>(s, kRaxOffset, quotient);
    set_register<T>(s, sizeof(T) == 1 ? kAhOffset : kRdxOffset, remainder);
}

template <class T>
void divide_unsigned(Cpu& cpu, const Instruction& i) {
    const T divisor = explicit_operand<T>(cpu, i);
    const auto number = dividend<T>(cpu.state);
    if (divisor == 0) cpu.raise(Vector::divide_error);
    const auto quotient = number / divisor;
    if (quotient > std::numeric_limits<T>::max()) cpu.raise(Vector::divide_error);
    set_quotient<T>(cpu.state, static_cast<T>(quotient), static_cast<T>(number % divisor));
}

template <class T>
void divide_signed(Cpu& cpu, const Instruction& i) {
    using Signed = std::make_signed_t<T>;
    using WideSigned = typename Wider<T>::signed_type;
    using WideUnsigned = typename Wider<T>::type;
    const auto divisor = static_cast<Signed>(explicit_operand<T>(cpu, i));
    const auto number = static_cast<WideSigned>(dividend<T>(cpu.state));
    if (divisor == 0) cpu.raise(Vector::divide_error);
    // The most negative dividend by -1 overflows even the wide type.
    constexpr auto kLowest = static_cast<WideSigned>(WideUnsigned{1} << (16 * sizeof(T) - 1));
    if (divisor == -1 && number == kLowest) cpu.raise(Vector::divide_error);
    const auto quotient = static_cast<WideSigned>(number / divisor);
    if (quotient != static_cast<Signed>(quotient)) cpu.raise(Vector::divide_error);
    set_quotient<T>(cpu.state, static_cast<T>(quotient), static_cast<T>(number % divisor));
}

template <bool kSigned>
struct MultiplyMaker {
    template <class T>
    static Handler make() {
        return &multiply_wide<kSigned, T>;
    }
};
struct MultiplyTwoMaker {
    template <class T>
    static Handler make() {
        return &multiply_two<T>;
    }
};
struct MultiplyThreeMaker {
    template <class T>
    static Handler make() {
        return &multiply_three<T>;
    }
};
template <bool kSigned>
struct DivideMaker {
    template <class T>
    static Handler make() {
        if constexpr (kSigned) return &divide_signed<T>;
        return &divide_unsigned<T>;
    }
};

/// Operand size of F6h (bytes) and F7h.
unsigned wide_size(const Instruction& i) { return i.opcode == 0xF6 ? 1u : i.operand_size; }

}  // namespace

Handler multiply_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    switch (instruction.mnemonic) {
        case Mnemonic::Mul:
            return by_size<MultiplyMaker<false>>(wide_size(instruction));
        case Mnemonic::Imul:
            // 69h, 6Bh: three operands; 0F AFh: two; F6h, F7h: one.
            if (instruction.opcode_map == 0 && (instruction.opcode == 0x69 || instruction.opcode == 0x6B)) {
                return by_word_size<MultiplyThreeMaker>(instruction.operands[0].size);
            }
            if (instruction.opcode_map == 1) return by_word_size<MultiplyTwoMaker>(instruction.operands[0].size);
            return by_size<MultiplyMaker<true>>(wide_size(instruction));
        case Mnemonic::Div:
            return by_size<DivideMaker<false>>(wide_size(instruction));
        case Mnemonic::Idiv:
            return by_size<DivideMaker<true>>(wide_size(instruction));
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
