// IRET, IRETD, IRETQ: real-address and virtual-8086 mode (with VME), nested tasks, returns to the same or an outer
// level, to virtual-8086 mode, and from 64-bit mode. SDM vol. 2, IRET; vol. 3, 20.3. RET shares returns.h.
#include "cpu/system/event_watch.h"
#include "cpu/system/handlers.h"
#include "cpu/system/returns.h"
#include "cpu/system/stack.h"
#include "cpu/system/task_switch.h"

namespace bantam {

Descriptor check_return_code(Cpu& cpu, u16 selector) {
    if (null_selector(selector)) cpu.raise(Vector::general_protection, 0);
    const Descriptor code = fetch_descriptor(cpu, selector);
    const unsigned rpl = selector & 3u;
    const bool level_ok = code.is_conforming() ? code.dpl() <= rpl : code.dpl() == rpl;
    const bool mode_ok = !(long_target(cpu, code) && code.default_big());
    if (!code.is_code() || rpl < cpu.state.cpl || !level_ok || !mode_ok) {
        cpu.raise(Vector::general_protection, selector_error(selector));
    }
    if (!code.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
    return code;
}

void return_with_stack(Cpu& cpu, const ReturnFrame& frame, Descriptor& code) {
    CpuState& s = cpu.state;
    const auto cpl = static_cast<u8>(frame.cs & 3u);
    const bool to_long = long_target(cpu, code);
    Descriptor ss;
    const bool null_ss = null_selector(frame.ss) && to_long && cpl != 3;
    if (null_ss) {
        if ((frame.ss & 3u) != cpl) cpu.raise(Vector::general_protection, selector_error(frame.ss));
    } else {
        ss = check_stack_segment(cpu, frame.ss, cpl, Vector::general_protection);
    }
    check_code_offset(cpu, code, frame.rip);
    if (!null_ss) set_accessed(cpu, ss);
    set_accessed(cpu, code);
    const bool outward = cpl > s.cpl;
    if (null_ss) {
        load_null_segment(cpu, kSs, frame.ss);
    } else {
        s.segment[kSs] = segment_from(frame.ss, ss);
    }
    load_code_segment(cpu, frame.cs, code, cpl);
    cpu.set_rsp(frame.rsp);
    s.rip() = frame.rip;
    if (outward) invalidate_inner_segments(cpu);
}

namespace {

constexpr u32 kAlways = kStatusFlags | kFlagTrap | kFlagDirection | kFlagNestedTask;
constexpr u32 kWideOnly = kFlagResume | kFlagAlignmentCheck | kFlagId;

void iret_real(Cpu& cpu, unsigned size) {
    CpuState& s = cpu.state;
    const PendingStack stack = current_stack(cpu);
    const u64 rip = peek_stack(cpu, stack, 0, size);
    const auto cs = static_cast<u16>(peek_stack(cpu, stack, size, size));
    const auto image = static_cast<u32>(peek_stack(cpu, stack, 2 * size, size));
    if (rip > s.segment[kCs].limit) cpu.raise(Vector::general_protection, 0);
    u32 mask = kAlways | kFlagInterrupt;
    if (!cpu.v86()) mask |= kFlagIopl;
    if (size == 4) mask |= kWideOnly;
    cpu.set_rsp(s.gpr[kRsp] + 3 * size);
    load_segment_real(cpu, kCs, cs);
    cpu.update_segments();
    s.rip() = rip;
    cpu.write_flags(image, mask);
}

/// Virtual-8086 mode, IOPL < 3, CR4.VME = 1, 16-bit operands: IF of the image goes to VIF.
void iret_virtual_interrupts(Cpu& cpu) {
    CpuState& s = cpu.state;
    const PendingStack stack = current_stack(cpu);
    const u64 rip = peek_stack(cpu, stack, 0, 2);
    const auto cs = static_cast<u16>(peek_stack(cpu, stack, 2, 2));
    const auto image = static_cast<u32>(peek_stack(cpu, stack, 4, 2));
    const bool enables = (image & kFlagInterrupt) != 0;
    if ((enables && (s.flags & kFlagVip) != 0) || (image & kFlagTrap) != 0 || rip > s.segment[kCs].limit) {
        cpu.raise(Vector::general_protection, 0);
    }
    cpu.set_rsp(s.gpr[kRsp] + 6);
    load_segment_real(cpu, kCs, cs);
    cpu.update_segments();
    s.rip() = rip;
    cpu.write_flags(image | (enables ? u32{kFlagVif} : 0), kAlways | kFlagVif);
}

void return_to_v86(Cpu& cpu, const PendingStack& stack, u64 rip, u16 cs, u32 image) {
    CpuState& s = cpu.state;
    const u64 rsp = peek_stack(cpu, stack, 12, 4);
    u16 selectors[5];
    for (unsigned n = 0; n < 5; ++n) selectors[n] = static_cast<u16>(peek_stack(cpu, stack, 16 + 4 * n, 4));
    if ((rip & 0xFFFFFFFF) > 0xFFFF) cpu.raise(Vector::general_protection, 0);
    s.set_eflags(image & 0x3F7FD7);
    s.cpl = 3;
    load_segment_real(cpu, kCs, cs);
    constexpr u8 kOrder[5] = {kSs, kEs, kDs, kFs, kGs};
    for (unsigned n = 0; n < 5; ++n) load_segment_real(cpu, kOrder[n], selectors[n]);
    cpu.update_mode();
    s.gpr[kRsp] = rsp;
    s.rip() = rip & 0xFFFF;
}

void iret_protected(Cpu& cpu, unsigned size) {
    CpuState& s = cpu.state;
    const PendingStack stack = current_stack(cpu);
    const u64 rip = peek_stack(cpu, stack, 0, size);
    const auto cs = static_cast<u16>(peek_stack(cpu, stack, size, size));
    const auto image = static_cast<u32>(peek_stack(cpu, stack, 2 * size, size));
    if (size == 4 && (image & kFlagVm) != 0 && s.cpl == 0 && !cpu.long_mode()) {
        return_to_v86(cpu, stack, rip, cs, image);
        return;
    }
    u32 mask = kAlways;
    if (size != 2) mask |= kWideOnly;
    if (s.cpl <= cpu.iopl()) mask |= kFlagInterrupt;
    if (s.cpl == 0) mask |= kFlagIopl | (size != 2 ? u32{kFlagVif | kFlagVip} : 0);
    Descriptor code = check_return_code(cpu, cs);
    if (cpu.code64() || (cs & 3u) != s.cpl) {
        ReturnFrame frame;
        frame.rip = rip;
        frame.cs = cs;
        frame.rsp = peek_stack(cpu, stack, 3 * size, size);
        frame.ss = static_cast<u16>(peek_stack(cpu, stack, 4 * size, size));
        return_with_stack(cpu, frame, code);
    } else {
        check_code_offset(cpu, code, rip);
        set_accessed(cpu, code);
        cpu.set_rsp(s.gpr[kRsp] + 3 * size);
        load_code_segment(cpu, cs, code, s.cpl);
        s.rip() = rip;
    }
    cpu.write_flags(image, mask);
}

void return_from_nested_task(Cpu& cpu) {
    CpuState& s = cpu.state;
    if (cpu.long_mode()) cpu.raise(Vector::general_protection, 0);
    switch_task(cpu, cpu.read_system<u16>({s.tr.base}), TaskSwitchSource::iret);
}

}  // namespace

namespace handlers {

void iret(Cpu& cpu, const isa::Instruction& i) {
    CpuState& s = cpu.state;
    // SDM vol. 3, 6.7.1: IRET unblocks NMI; also when it faults.
    s.nmi_blocked = false;
    const unsigned size = i.operand_size;
    const u8 from = s.cpl;
    if (!cpu.protected_mode()) {
        iret_real(cpu, size);
    } else if (cpu.v86()) {
        if (cpu.iopl() == 3) {
            iret_real(cpu, size);
        } else if (bit(s.cr4, 0) && size == 2) {
            iret_virtual_interrupts(cpu);
        } else {
            cpu.raise(Vector::general_protection, 0);
        }
    } else if ((s.flags & kFlagNestedTask) != 0) {
        return_from_nested_task(cpu);
    } else {
        iret_protected(cpu, size);
    }
    s.resume_armed = false;  // an RF that IRET has just loaded holds for the next instruction
    cpu.update_attention();
    if (from == 3 || s.cpl != 3) return;
    for (EventWatch* watch : cpu.event_watches) watch->returned();
}

}  // namespace handlers
}  // namespace bantam
