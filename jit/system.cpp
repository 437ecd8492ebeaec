// See instructions.h. EFLAGS but the status flags, and the bases of segments, are in CpuState.
#include "jit/instructions.h"

namespace bantam::jit {
namespace {

/// Bits 15:8 of EFLAGS become those that `keep` (of Context) has, and `set`.
void change_flags(Emitter& e, const u64& keep, u64 set) {
    x86::Assembler& a = e.assembler();
    const u8* const byte = reinterpret_cast<const u8*>(&e.state().flags) + 1;
    a.movzx(kSpare.r32(), low_operand(byte));
    a.pext(kSpare, kSpare, low_operand(&keep));
    a.pdep(kSpare, kSpare, low_operand(&keep));
    if (set != 0) a.lea(kSpare.r32(), x86::ptr(kSpare, static_cast<i32>(set >> 8)));
    a.mov(low_operand(byte), kSpare.r8());
}

/// Virtual-8086 code, where it depends on IOPL, is 16-bit code. RF is clear while translated code runs.
bool push_flags(Emitter& e, unsigned size) {
    if (e.sixteen() || !native_stack(e, size)) return false;
    x86::Assembler& a = e.assembler();
    a.pushfq();
    a.pop(kSpare);
    a.pext(kSpare, kSpare, low_operand(&e.context().status_flags));
    a.pdep(kSpare, kSpare, low_operand(&e.context().status_flags));
    e.overwrite_addend();
    a.mov(kAddend.r32(), low_operand(&e.state().flags));
    a.lea(kSpare.r32(), x86::ptr(kSpare, kAddend));
    const SparedValue flags(e, kSpare);
    const x86::Mem to = begin_push(e, size);
    flags.restore();
    a.mov(to, Emitter::sized(kSpare, size));
    commit_push(e, size);
    return true;
}

/// Where no interrupt waits for it, and an instruction follows here: see Translator::pass_shadow.
bool set_interrupt_flag(Emitter& e) {
    if (e.site().after() == 0) return false;
    e.slow_path_unless_zero(e.state().intr_pin);
    change_flags(e, e.context().not_interrupt, kFlagInterrupt);
    return true;
}

void swap_gs(Emitter& e) {
    x86::Assembler& a = e.assembler();
    const SegmentRegister& gs = e.state().segment[kGs];
    a.mov(kAddress, low_operand(&gs.hidden_base));
    a.mov(kSpare, low_operand(&e.state().kernel_gs_base));
    a.mov(low_operand(&gs.hidden_base), kSpare);
    a.mov(low_operand(&gs.base), kSpare);
    a.mov(low_operand(&e.state().kernel_gs_base), kAddress);
}

}  // namespace

bool translate_system(Emitter& e, const isa::Instruction& i) {
    switch (i.mnemonic) {
        case isa::Mnemonic::Pushf:
        case isa::Mnemonic::Pushfd:
        case isa::Mnemonic::Pushfq:
            return push_flags(e, i.operand_size);
        case isa::Mnemonic::Sti:
            return at_cpl0(e.key()) && set_interrupt_flag(e);
        case isa::Mnemonic::Cld:
            change_flags(e, e.context().not_direction, 0);
            return true;
        case isa::Mnemonic::Std:
            change_flags(e, e.context().not_direction, kFlagDirection);
            return true;
        case isa::Mnemonic::Cli:
            // Where interrupts are enabled and one is due, no translated code runs.
            if (!at_cpl0(e.key())) return false;
            change_flags(e, e.context().not_interrupt, 0);
            return true;
        case isa::Mnemonic::Swapgs:
            if (!at_cpl0(e.key()) || !e.wide()) return false;
            swap_gs(e);
            return true;
        default:
            return false;
    }
}

}  // namespace bantam::jit
