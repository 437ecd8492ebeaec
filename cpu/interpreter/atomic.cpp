// XADD, CMPXCHG, CMPXCHG8B, CMPXCHG16B (SDM vol. 2). The destination is always written, as the hardware does.
#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

template <class T>
void exchange_add(Cpu& cpu, const Instruction& i) {
    const T addend = get_register<T>(cpu, i, 1);
    CpuState& s = cpu.state;
    if (i.operands[0].kind == OperandKind::memory) {
        T old_value{};
        modify_memory<T>(cpu, i, [&](T old) {
            old_value = old;
            return alu::Add::apply(old, addend, s.status);
        });
        set_register<T>(cpu, i, 1, old_value);
        return;
    }
    const T old_value = get_register<T>(cpu, i, 0);
    const T sum = alu::Add::apply(old_value, addend, s.status);
    set_register<T>(cpu, i, 1, old_value);
    set_register<T>(cpu, i, 0, sum);
}

template <class T>
void compare_exchange(Cpu& cpu, const Instruction& i) {
    CpuState& s = cpu.state;
    const T accumulator = get_register<T>(s, 8 * kRax);
    const T replacement = get_register<T>(cpu, i, 1);
    if (i.operands[0].kind == OperandKind::memory) {
        T old_value{};
        modify_memory<T>(cpu, i, [&](T old) {
            old_value = old;
            alu::Sub::apply(accumulator, old, s.status);
            return old == accumulator ? replacement : old;
        });
        if (old_value != accumulator) set_register<T>(s, 8 * kRax, old_value);
        return;
    }
    const T old_value = get_register<T>(cpu, i, 0);
    alu::Sub::apply(accumulator, old_value, s.status);
    if (old_value == accumulator) {
        set_register<T>(cpu, i, 0, replacement);
    } else {
        set_register<T>(s, 8 * kRax, old_value);
    }
}

void set_zero_flag(CpuState& s, bool zero) {
    s.status = static_cast<Status>((s.status & ~0x4000) | (zero ? 0x4000 : 0));
}

void compare_exchange_8_bytes(Cpu& cpu, const Instruction& i) {
    CpuState& s = cpu.state;
    const u64 expected = (s.gpr[kRdx] << 32) | (s.gpr[kRax] & 0xFFFFFFFF);
    const u64 replacement = (s.gpr[kRcx] << 32) | (s.gpr[kRbx] & 0xFFFFFFFF);
    u64 old_value = 0;
    modify_memory<u64>(cpu, i, [&](u64 old) {
        old_value = old;
        return old == expected ? replacement : old;
    });
    if (old_value != expected) {
        s.gpr[kRax] = old_value & 0xFFFFFFFF;
        s.gpr[kRdx] = old_value >> 32;
    }
    set_zero_flag(s, old_value == expected);
}

void compare_exchange_16_bytes(Cpu& cpu, const Instruction& i) {
    CpuState& s = cpu.state;
    const u64 address = cpu.effective_address(i);
    if (((s.segment[i.segment].base + address) & 15) != 0) cpu.raise(Vector::general_protection, 0);
    cpu.probe_write(i.segment, address, 16);
    u64 old_value[2];
    cpu.read_bytes(i.segment, address, old_value, 16);
    const bool equal = old_value[0] == s.gpr[kRax] && old_value[1] == s.gpr[kRdx];
    if (equal) {
        const u64 replacement[2] = {s.gpr[kRbx], s.gpr[kRcx]};
        cpu.write_bytes(i.segment, address, replacement, 16);
    } else {
        cpu.write_bytes(i.segment, address, old_value, 16);
        s.gpr[kRax] = old_value[0];
        s.gpr[kRdx] = old_value[1];
    }
    set_zero_flag(s, equal);
}

struct ExchangeAddMaker {
    template <class T>
    static Handler make() {
        return &exchange_add<T>;
    }
};
struct CompareExchangeMaker {
    template <class T>
    static Handler make() {
        return &compare_exchange<T>;
    }
};

}  // namespace

Handler atomic_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    switch (instruction.mnemonic) {
        case Mnemonic::Xadd:
            return by_size<ExchangeAddMaker>(instruction.operands[0].size);
        case Mnemonic::Cmpxchg:
            return by_size<CompareExchangeMaker>(instruction.operands[0].size);
        case Mnemonic::Cmpxchg8b:
            return &compare_exchange_8_bytes;
        case Mnemonic::Cmpxchg16b:
            return &compare_exchange_16_bytes;
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
