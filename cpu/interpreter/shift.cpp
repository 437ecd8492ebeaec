// ROL, ROR, RCL, RCR, SHL/SAL, SHR, SAR, SHLD, SHRD. Counts are masked to 5 bits, 6 with 64-bit operands (SDM vol. 2).
#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

/// The host masks 8- and 16-bit counts to 5 bits as the guest would.
template <class T>
constexpr u8 mask_count(u64 count) {
    return static_cast<u8>(count & (sizeof(T) == 8 ? 63 : 31));
}

template <class T>
u8 shift_count(Cpu& cpu, const Instruction& i, unsigned operand) {
    switch (i.operands[operand].kind) {
        case OperandKind::gpr:
            return mask_count<T>(cpu.state.gpr[kRcx]);
        case OperandKind::constant:
            return i.operands[operand].reg;
        default:
            return mask_count<T>(i.immediate);
    }
}

template <class Op, class T>
void shift_register(Cpu& cpu, const Instruction& i) {
    const u8 count = shift_count<T>(cpu, i, 1);
    set_register<T>(cpu, i, 0, Op::apply(get_register<T>(cpu, i, 0), count, cpu.state.status));
}

template <class Op, class T>
void shift_memory(Cpu& cpu, const Instruction& i) {
    const u8 count = shift_count<T>(cpu, i, 1);
    modify_memory<T>(cpu, i, [&](T old) { return Op::apply(old, count, cpu.state.status); });
}

template <class Op, class T>
void double_shift(Cpu& cpu, const Instruction& i) {
    const u8 count = shift_count<T>(cpu, i, 2);
    const T source = get_register<T>(cpu, i, 1);
    if (i.operands[0].kind == OperandKind::memory) {
        modify_memory<T>(cpu, i, [&](T old) { return Op::apply(old, source, count, cpu.state.status); });
    } else {
        set_register<T>(cpu, i, 0, Op::apply(get_register<T>(cpu, i, 0), source, count, cpu.state.status));
    }
}

/// Whether the host's rotates of a register by an immediate count other than 1 leave OF, undefined by the SDM, as it
/// was. Intel's do; AMD's family 1Ah (Zen 5) sets it as rotates by CL do.
bool host_keeps_overflow() {
    u32 rotated = 1;
    u8 overflow = 0;
    asm("xor %%eax, %%eax; rol $31, %[rotated]; seto %[overflow]"
        : [rotated] "+r"(rotated), [overflow] "=q"(overflow)
        :
        : "cc", "eax");
    return overflow == 0;
}

/// `Op` on such hosts.
template <class Op>
struct KeepingOverflow {
    template <class T>
    static T apply(T a, u8 count, Status& status) {
        const Status overflow = status & 1u;
        const T result = Op::apply(a, count, status);
        status = static_cast<Status>((status & ~1u) | overflow);
        return result;
    }
};

template <class Op, bool kMemory>
struct ShiftMaker {
    template <class T>
    static Handler make() {
        if constexpr (kMemory) return &shift_memory<Op, T>;
        return &shift_register<Op, T>;
    }
};

template <class Op>
struct DoubleShiftMaker {
    template <class T>
    static Handler make() {
        return &double_shift<Op, T>;
    }
};

template <class Op>
Handler shift(const Instruction& i) {
    const unsigned size = i.operands[0].size;
    if (i.operands[0].kind == OperandKind::memory) return by_size<ShiftMaker<Op, true>>(size);
    return by_size<ShiftMaker<Op, false>>(size);
}

template <class Op>
Handler rotate(const Instruction& i) {
    const u64 count = i.immediate & (i.operands[0].size == 8 ? 63u : 31u);
    const bool of_register = i.operands[0].kind == OperandKind::gpr;
    static const bool kHostKeeps = host_keeps_overflow();
    const bool keeps = kHostKeeps && of_register && i.operands[1].kind == OperandKind::immediate && count != 1;
    return keeps ? shift<KeepingOverflow<Op>>(i) : shift<Op>(i);
}

}  // namespace

Handler shift_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    switch (instruction.mnemonic) {
        case Mnemonic::Rol:
            return rotate<alu::Rol>(instruction);
        case Mnemonic::Ror:
            return rotate<alu::Ror>(instruction);
        case Mnemonic::Rcl:
            return shift<alu::Rcl>(instruction);
        case Mnemonic::Rcr:
            return shift<alu::Rcr>(instruction);
        case Mnemonic::Shl:
        case Mnemonic::Sal:
            return shift<alu::Shl>(instruction);
        case Mnemonic::Shr:
            return shift<alu::Shr>(instruction);
        case Mnemonic::Sar:
            return shift<alu::Sar>(instruction);
        case Mnemonic::Shld:
            return by_word_size<DoubleShiftMaker<alu::Shld>>(instruction.operands[0].size);
        case Mnemonic::Shrd:
            return by_word_size<DoubleShiftMaker<alu::Shrd>>(instruction.operands[0].size);
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
