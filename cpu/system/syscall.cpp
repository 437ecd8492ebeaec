// SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS, RDFSBASE...WRGSBASE (SDM vol. 2; vol. 3, 5.8.7 and 5.8.8), with Intel's
// rules: SYSCALL and SYSRET exist in 64-bit mode only.
#include "cpu/system/event_watch.h"
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"

namespace bantam::handlers {
namespace {

// Flat descriptors these instructions load without reading the GDT.
constexpr u16 kCode64 = 0xA09B, kCode32 = 0xC09B, kData = 0xC093, kUser = 0x0060;

void load_flat(Cpu& cpu, u64 cs, u16 code_attributes, u64 ss, u8 cpl) {
    const u16 user = cpl == 3 ? kUser : 0;
    cpu.state.cpl = cpl;
    cpu.set_segment(kCs, static_cast<u16>((cs & 0xFFFC) | cpl), 0, 0xFFFFFFFF,
                    static_cast<u16>(code_attributes | user));
    cpu.set_segment(kSs, static_cast<u16>((ss & 0xFFFC) | cpl), 0, 0xFFFFFFFF, static_cast<u16>(kData | user));
    cpu.update_segments();
}

/// SYSCALL and SYSRET look at the TF they leave behind, not at the one they began with: a kernel that masks TF is not
/// traced, and the trap of a traced SYSCALL comes when SYSRET has brought TF back. The SDM's general rule (vol. 3,
/// 17.3.1.4: TF as the instruction begins) does not name this exception to it; processors behave so, and kernels rely
/// on it (a trap between SYSCALL and the kernel's stack switch would run on the user's stack).
void step_by_new_flags(Cpu& cpu) {
    cpu.state.step_armed = (cpu.state.flags & kFlagTrap) != 0;
    cpu.update_attention();
}

void require_syscall(Cpu& cpu) {
    if (!cpu.code64() || (cpu.state.efer & 1) == 0) cpu.raise(Vector::invalid_opcode);
}

}  // namespace

void syscall(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    require_syscall(cpu);
    for (EventWatch* watch : cpu.event_watches) watch->entering(EventWatch::Entry::syscall);
    s.gpr[kRcx] = s.rip();
    s.gpr[kR11] = s.eflags() & ~u32{kFlagResume};
    s.rip() = s.lstar;
    const u64 cs = bits(s.star, 32, 16);
    load_flat(cpu, cs, kCode64, cs + 8, 0);
    cpu.write_flags(0, static_cast<u32>(s.syscall_mask) | kFlagResume);
    step_by_new_flags(cpu);
}

void sysret(Cpu& cpu, const isa::Instruction& i) {
    CpuState& s = cpu.state;
    require_syscall(cpu);
    require_cpl0(cpu);
    const bool wide = i.operand_size == 8;
    const u64 target = wide ? s.gpr[kRcx] : s.gpr[kRcx] & 0xFFFFFFFF;
    if (!cpu.canonical(target)) cpu.raise(Vector::general_protection, 0);
    const u64 base = bits(s.star, 48, 16);
    s.rip() = target;
    load_flat(cpu, wide ? base + 16 : base, wide ? kCode64 : kCode32, base + 8, 3);
    cpu.write_flags(static_cast<u32>(s.gpr[kR11]), 0x3C7FD7);
    step_by_new_flags(cpu);
    for (EventWatch* watch : cpu.event_watches) watch->returned();
}

void sysenter(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    if (!cpu.protected_mode() || (s.sysenter_cs & 0xFFFC) == 0) cpu.raise(Vector::general_protection, 0);
    for (EventWatch* watch : cpu.event_watches) watch->entering(EventWatch::Entry::sysenter);
    const bool wide = cpu.long_mode();
    cpu.write_flags(0, kFlagVm | kFlagInterrupt | kFlagResume);
    s.gpr[kRsp] = wide ? s.sysenter_esp : s.sysenter_esp & 0xFFFFFFFF;
    s.rip() = wide ? s.sysenter_eip : s.sysenter_eip & 0xFFFFFFFF;
    load_flat(cpu, s.sysenter_cs, wide ? kCode64 : kCode32, s.sysenter_cs + 8, 0);
}

void sysexit(Cpu& cpu, const isa::Instruction& i) {
    CpuState& s = cpu.state;
    if (!cpu.protected_mode() || (s.sysenter_cs & 0xFFFC) == 0 || s.cpl != 0) cpu.raise(Vector::general_protection, 0);
    const bool wide = i.operand_size == 8;
    const u64 mask = wide ? ~u64{0} : 0xFFFFFFFF;
    const u64 rsp = s.gpr[kRcx] & mask;
    const u64 rip = s.gpr[kRdx] & mask;
    if (!cpu.canonical(rip) || !cpu.canonical(rsp)) cpu.raise(Vector::general_protection, 0);
    s.gpr[kRsp] = rsp;
    s.rip() = rip;
    load_flat(cpu, s.sysenter_cs + (wide ? 32 : 16), wide ? kCode64 : kCode32, s.sysenter_cs + (wide ? 40 : 24), 3);
    for (EventWatch* watch : cpu.event_watches) watch->returned();
}

void swapgs(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    if (!cpu.code64()) cpu.raise(Vector::invalid_opcode);
    require_cpl0(cpu);
    SegmentRegister& gs = s.segment[kGs];
    const u64 base = gs.hidden_base;
    gs.hidden_base = gs.base = s.kernel_gs_base;
    s.kernel_gs_base = base;
}

void rdfsgsbase(Cpu& cpu, const isa::Instruction& i) {
    if (!cpu.code64() || !bit(cpu.state.cr4, 16)) cpu.raise(Vector::invalid_opcode);
    const unsigned segment = i.mnemonic == isa::Mnemonic::Rdfsbase ? kFs : kGs;
    write_gpr(cpu, i.operands[0], cpu.state.segment[segment].hidden_base);
}

void wrfsgsbase(Cpu& cpu, const isa::Instruction& i) {
    if (!cpu.code64() || !bit(cpu.state.cr4, 16)) cpu.raise(Vector::invalid_opcode);
    const u64 value = read_gpr(cpu, i.operands[0]);
    if (!cpu.canonical(value)) cpu.raise(Vector::general_protection, 0);
    SegmentRegister& s = cpu.state.segment[i.mnemonic == isa::Mnemonic::Wrfsbase ? kFs : kGs];
    s.hidden_base = s.base = value;
}

}  // namespace bantam::handlers
