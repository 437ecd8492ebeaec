// AAA, AAS, AAM, AAD, DAA, DAS, from the operations given in SDM vol. 2. Undefined flags keep their old values.
#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

constexpr Status kCarry = 0x0100, kAdjust = 0x1000;

u8 low_byte(const CpuState& s) { return static_cast<u8>(s.gpr[kRax]); }

/// SF, ZF and PF from `value`; AF, CF as given; OF untouched.
void set_result_flags(CpuState& s, u8 value, bool adjust, bool carry) {
    Status result = 0;
    alu::Or::apply(value, u8{0}, result);
    constexpr Status kFromResult = 0xC400;
    s.status = static_cast<Status>((s.status & ~(kFromResult | kAdjust | kCarry)) | (result & kFromResult) |
                                   (adjust ? kAdjust : 0) | (carry ? kCarry : 0));
}

template <bool kAdd>
void ascii_adjust(Cpu& cpu, const Instruction&) {
    CpuState& s = cpu.state;
    const bool adjust = (low_byte(s) & 0x0F) > 9 || (s.status & kAdjust) != 0;
    auto ax = static_cast<u16>(s.gpr[kRax]);
    if (adjust) ax = static_cast<u16>(kAdd ? ax + 0x106 : ax - 0x106);
    set_register<u16>(s, 0, ax & 0xFF0F);
    s.status = static_cast<Status>((s.status & ~(kAdjust | kCarry)) | (adjust ? kAdjust | kCarry : 0));
}

template <bool kAdd>
void decimal_adjust(Cpu& cpu, const Instruction&) {
    CpuState& s = cpu.state;
    const u8 old = low_byte(s);
    const bool old_carry = (s.status & kCarry) != 0;
    const bool adjust = (old & 0x0F) > 9 || (s.status & kAdjust) != 0;
    const bool adjust_high = old > 0x99 || old_carry;
    int value = old;
    bool carry = false;
    if (adjust) {
        value += kAdd ? 6 : -6;
        carry = old_carry || value > 0xFF || value < 0;
    }
    if (adjust_high) {
        value += kAdd ? 0x60 : -0x60;
        carry = true;
    } else if constexpr (kAdd) {
        carry = false;
    }
    const u8 result = static_cast<u8>(value);
    set_register<u8>(s, 0, result);
    set_result_flags(s, result, adjust, carry);
}

void ascii_adjust_multiply(Cpu& cpu, const Instruction& i) {
    const u8 base = static_cast<u8>(i.immediate);
    if (base == 0) cpu.raise(Vector::divide_error);
    const u8 al = low_byte(cpu.state);
    const u8 remainder = al % base;
    set_register<u16>(cpu.state, 0, static_cast<u16>((al / base) << 8 | remainder));
    set_result_flags(cpu.state, remainder, false, false);
}

void ascii_adjust_divide(Cpu& cpu, const Instruction& i) {
    const auto ax = static_cast<u16>(cpu.state.gpr[kRax]);
    const u8 result = static_cast<u8>((ax & 0xFF) + (ax >> 8) * static_cast<u8>(i.immediate));
    set_register<u16>(cpu.state, 0, result);
    set_result_flags(cpu.state, result, false, false);
}

}  // namespace

Handler decimal_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    switch (instruction.mnemonic) {
        case Mnemonic::Aaa:
            return &ascii_adjust<true>;
        case Mnemonic::Aas:
            return &ascii_adjust<false>;
        case Mnemonic::Daa:
            return &decimal_adjust<true>;
        case Mnemonic::Das:
            return &decimal_adjust<false>;
        case Mnemonic::Aam:
            return &ascii_adjust_multiply;
        case Mnemonic::Aad:
            return &ascii_adjust_divide;
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
