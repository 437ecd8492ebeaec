// PUSHF, POPF, CLI, STI, CLAC, STAC with IOPL, virtual-8086 mode extensions (VME) and protected-mode virtual interrupts
// (PVI): SDM vol. 2; vol. 3, 20.3 and 20.4, table 20-2.
#include "cpu/system/handlers.h"
#include "cpu/system/interrupt.h"
#include "cpu/system/stack.h"

namespace bantam::handlers {
namespace {

/// CPL may not touch IF (IOPL too low), but CR4 gives it VIF instead.
bool virtual_interrupts(const Cpu& cpu) {
    const u64 cr4 = cpu.state.cr4;
    return cpu.v86() ? bit(cr4, 0) : bit(cr4, 1) && cpu.state.cpl == 3;
}

bool may_change_interrupt_flag(const Cpu& cpu) { return !cpu.protected_mode() || cpu.state.cpl <= cpu.iopl(); }

}  // namespace

void pushf(Cpu& cpu, const isa::Instruction& i) {
    CpuState& s = cpu.state;
    u32 image = s.eflags() & ~u32{kFlagVm | kFlagResume};
    if (cpu.v86() && cpu.iopl() < 3) {
        if (!bit(s.cr4, 0) || i.operand_size != 2) cpu.raise(Vector::general_protection, 0);
        image = (image | kFlagIopl) & ~u32{kFlagInterrupt};
        if ((s.flags & kFlagVif) != 0) image |= kFlagInterrupt;
    }
    PendingStack stack = current_stack(cpu);
    push_to(cpu, stack, i.operand_size, image);
    commit_stack_pointer(cpu, stack);
}

void popf(Cpu& cpu, const isa::Instruction& i) {
    CpuState& s = cpu.state;
    const unsigned size = i.operand_size;
    u32 mask = kStatusFlags | kFlagTrap | kFlagDirection | kFlagNestedTask;
    if (size != 2) mask |= kFlagAlignmentCheck | kFlagId;
    auto image = static_cast<u32>(peek_stack(cpu, current_stack(cpu), 0, size));
    if (cpu.v86() && cpu.iopl() < 3) {
        const bool enables = (image & kFlagInterrupt) != 0;
        const bool pending = enables && (s.flags & kFlagVip) != 0;
        if (!bit(s.cr4, 0) || size != 2 || pending || (image & kFlagTrap) != 0) {
            cpu.raise(Vector::general_protection, 0);
        }
        mask |= kFlagVif;
        if (enables) image |= kFlagVif;
    } else {
        if (may_change_interrupt_flag(cpu)) mask |= kFlagInterrupt;
        if (s.cpl == 0) mask |= kFlagIopl;
    }
    cpu.set_rsp(s.gpr[kRsp] + size);
    cpu.write_flags(image & ~u32{kFlagResume}, mask | kFlagResume);
}

void cli(Cpu& cpu, const isa::Instruction&) {
    if (may_change_interrupt_flag(cpu)) {
        cpu.write_flags(0, kFlagInterrupt);
    } else if (virtual_interrupts(cpu)) {
        cpu.write_flags(0, kFlagVif);
    } else {
        cpu.raise(Vector::general_protection, 0);
    }
}

void sti(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    if (may_change_interrupt_flag(cpu)) {
        if ((s.flags & kFlagInterrupt) != 0) return;
        cpu.write_flags(kFlagInterrupt, kFlagInterrupt);
        begin_interrupt_shadow(cpu, false);
    } else if (virtual_interrupts(cpu) && (s.flags & kFlagVip) == 0) {
        cpu.write_flags(kFlagVif, kFlagVif);
    } else {
        cpu.raise(Vector::general_protection, 0);
    }
}

void clac(Cpu& cpu, const isa::Instruction&) {
    if (cpu.state.cpl != 0) cpu.raise(Vector::invalid_opcode);
    cpu.write_flags(0, kFlagAlignmentCheck);
}

void stac(Cpu& cpu, const isa::Instruction&) {
    if (cpu.state.cpl != 0) cpu.raise(Vector::invalid_opcode);
    cpu.write_flags(kFlagAlignmentCheck, kFlagAlignmentCheck);
}

}  // namespace bantam::handlers
