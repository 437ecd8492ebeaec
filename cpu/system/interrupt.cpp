// Delivery of one event through the IVT (real-address mode), 16/32-bit gates, task gates and 64-bit gates with IST:
// SDM vol. 3, 6.10-6.14 and 20.3, vol. 2, INT n. Escalation is in exception_delivery.cpp.
// Everything is checked and written to the handler's stack before CS, SS, RSP, EFLAGS and RIP change.
#include "cpu/system/interrupt.h"

#include "cpu/system/event_watch.h"
#include "cpu/system/segmentation.h"
#include "cpu/system/stack.h"
#include "cpu/system/task_switch.h"

namespace bantam {
namespace {

bool software(const Event& e) {
    return e.kind == EventKind::software_interrupt || e.kind == EventKind::software_exception;
}

/// Error code that names an IDT entry.
u32 idt_error(const Event& e) { return u32{e.vector} * 8 + 2; }

void finish(Cpu& cpu, u64 target, u32 clear_flags) {
    cpu.state.rip() = target;
    cpu.state.instruction_rip = target;
    cpu.write_flags(0, clear_flags);
}

void deliver_real(Cpu& cpu, const Event& e) {
    CpuState& s = cpu.state;
    if (u32{e.vector} * 4 + 3 > s.idtr.limit) cpu.raise(Vector::general_protection, idt_error(e));
    const u32 entry = cpu.read_system<u32>({s.idtr.base + u64{e.vector} * 4});
    PendingStack stack = current_stack(cpu);
    push_to(cpu, stack, 2, s.eflags());
    push_to(cpu, stack, 2, s.segment[kCs].selector);
    push_to(cpu, stack, 2, s.rip());
    commit_stack_pointer(cpu, stack);
    load_segment_real(cpu, kCs, static_cast<u16>(entry >> 16));
    cpu.update_segments();
    finish(cpu, entry & 0xFFFF, kFlagInterrupt | kFlagTrap | kFlagAlignmentCheck | kFlagResume);
}

/// INT n in virtual-8086 mode with CR4.VME: through the interrupt vector table of the 8086 program (SDM vol.
/// 3, 20.3.3).
void deliver_redirected(Cpu& cpu, const Event& e) {
    CpuState& s = cpu.state;
    const u32 entry = cpu.read_linear<u32>({u64{e.vector} * 4}, cpu.data_privilege());
    const bool virtual_interrupts = cpu.iopl() < 3;
    u32 image = s.eflags();
    if (virtual_interrupts) {
        image = (image | kFlagIopl) & ~u32{kFlagInterrupt};
        if ((s.flags & kFlagVif) != 0) image |= kFlagInterrupt;
    }
    PendingStack stack = current_stack(cpu);
    push_to(cpu, stack, 2, image);
    push_to(cpu, stack, 2, s.segment[kCs].selector);
    push_to(cpu, stack, 2, s.rip());
    commit_stack_pointer(cpu, stack);
    load_segment_real(cpu, kCs, static_cast<u16>(entry >> 16));
    cpu.update_segments();
    finish(cpu, entry & 0xFFFF, kFlagTrap | (virtual_interrupts ? kFlagVif : kFlagInterrupt));
}

/// True when the software interrupt redirection bit map of the TSS sends INT n to the 8086 program.
bool redirected_to_program(Cpu& cpu, u8 vector) {
    const SegmentRegister& tr = cpu.state.tr;
    if (103 > tr.limit) cpu.raise(Vector::general_protection, 0);
    const u32 map = cpu.read_system<u16>({tr.base + 102});
    const u32 offset = map - 32 + vector / 8u;
    if (map < 32 || offset > tr.limit) cpu.raise(Vector::general_protection, 0);
    return !bit(cpu.read_system<u8>({tr.base + offset}), vector % 8u);
}

Descriptor fetch_gate(Cpu& cpu, const Event& e) {
    const CpuState& s = cpu.state;
    const bool wide = cpu.long_mode();
    const u32 size = wide ? 16 : 8;
    if (u32{e.vector} * size + (size - 1) > s.idtr.limit) cpu.raise(Vector::general_protection, idt_error(e));
    Descriptor gate;
    gate.address = {s.idtr.base + u64{e.vector} * size};
    gate.raw = cpu.read_system<u64>(gate.address);
    if (wide) gate.upper = cpu.read_system<u64>(gate.address + 8);
    const u8 type = gate.type();
    const bool wide_gate = type == kTypeInterruptGate32 || type == kTypeTrapGate32;
    const bool narrow_gate = type == kTypeInterruptGate16 || type == kTypeTrapGate16 || type == kTypeTaskGate;
    if (gate.is_code_or_data() || !(wide_gate || (narrow_gate && !wide)) || (software(e) && gate.dpl() < s.cpl)) {
        cpu.raise(Vector::general_protection, idt_error(e));
    }
    if (!gate.present()) cpu.raise(Vector::segment_not_present, idt_error(e));
    return gate;
}

Descriptor fetch_handler_segment(Cpu& cpu, u16 selector) {
    if (null_selector(selector)) cpu.raise(Vector::general_protection, 0);
    const Descriptor code = fetch_descriptor(cpu, selector);
    const bool wrong_mode = cpu.long_mode() && (!code.long_code() || code.default_big());
    if (!code.is_code() || code.dpl() > cpu.state.cpl || wrong_mode) {
        cpu.raise(Vector::general_protection, selector_error(selector));
    }
    if (!code.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
    return code;
}

u32 flags_image(const Cpu& cpu, const Event& e) { return cpu.state.eflags() | (e.sets_resume ? u32{kFlagResume} : 0); }

u32 flags_cleared_by(const Descriptor& gate) {
    const bool interrupt_gate = (gate.type() & 1u) == 0;
    return kFlagTrap | kFlagNestedTask | kFlagResume | kFlagVm | (interrupt_gate ? u32{kFlagInterrupt} : 0);
}

void deliver_long(Cpu& cpu, const Event& e, const Descriptor& gate) {
    CpuState& s = cpu.state;
    const u16 selector = gate.gate_selector();
    Descriptor code = fetch_handler_segment(cpu, selector);
    const u8 cpl = code.is_conforming() ? s.cpl : code.dpl();
    const bool inner = cpl < s.cpl;
    PendingStack stack = current_stack(cpu);
    stack.flat64 = true;
    stack.mask = ~u64{0};
    if (gate.gate_ist() != 0) {
        stack.sp = stack_pointer_from_tss64(cpu, 3 + gate.gate_ist());
    } else if (inner) {
        stack.sp = stack_pointer_from_tss64(cpu, cpl);
    }
    if (!cpu.canonical(gate.gate_offset())) cpu.raise(Vector::general_protection, 0);
    stack.sp &= ~u64{15};
    stack.privilege = cpl == 3 ? Privilege::user : Privilege::supervisor;
    push_to(cpu, stack, 8, s.segment[kSs].selector);
    push_to(cpu, stack, 8, cpu.code64() ? s.gpr[kRsp] : s.gpr[kRsp] & 0xFFFFFFFF);
    push_to(cpu, stack, 8, flags_image(cpu, e));
    push_to(cpu, stack, 8, s.segment[kCs].selector);
    push_to(cpu, stack, 8, s.rip());
    if (e.has_error_code) push_to(cpu, stack, 8, e.error_code);
    set_accessed(cpu, code);
    if (inner) load_null_segment(cpu, kSs, cpl);
    load_code_segment(cpu, selector, code, cpl);
    s.gpr[kRsp] = stack.sp;
    finish(cpu, gate.gate_offset(), flags_cleared_by(gate));
}

void push_frame(Cpu& cpu, PendingStack& stack, const Event& e, unsigned size) {
    const CpuState& s = cpu.state;
    push_to(cpu, stack, size, flags_image(cpu, e));
    push_to(cpu, stack, size, s.segment[kCs].selector);
    push_to(cpu, stack, size, s.rip());
    if (e.has_error_code) push_to(cpu, stack, size, e.error_code);
}

void deliver_inner(Cpu& cpu, const Event& e, const Descriptor& gate, Descriptor& code) {
    CpuState& s = cpu.state;
    const bool from_v86 = cpu.v86();
    const u8 cpl = code.dpl();
    const unsigned size = gate.gate_wide() ? 4 : 2;
    const InnerStack inner = inner_stack_from_tss(cpu, cpl);
    Descriptor ss = check_stack_segment(cpu, inner.ss, cpl, Vector::invalid_tss);
    PendingStack stack;
    stack.ss = segment_from(inner.ss, ss);
    // Rights and limits of a protected-mode segment, also when virtual-8086 mode is being left.
    stack.ss.writable = true;
    stack.ss.low = (ss.type() & 4u) != 0 ? u64{ss.limit()} + 1 : 0;
    stack.ss.high = (ss.type() & 4u) == 0 ? ss.limit() : ss.default_big() ? 0xFFFFFFFF : 0xFFFF;
    stack.mask = ss.default_big() ? 0xFFFFFFFF : 0xFFFF;
    stack.sp = inner.sp & stack.mask;
    stack.error_code = selector_error(inner.ss);
    check_code_offset(cpu, code, gate.gate_wide() ? gate.gate_offset() : gate.gate_offset() & 0xFFFF);
    if (from_v86) {
        for (const unsigned segment : {kGs, kFs, kDs, kEs}) push_to(cpu, stack, size, s.segment[segment].selector);
    }
    push_to(cpu, stack, size, s.segment[kSs].selector);
    push_to(cpu, stack, size, s.gpr[kRsp]);
    push_frame(cpu, stack, e, size);
    set_accessed(cpu, ss);
    set_accessed(cpu, code);
    const u64 target = gate.gate_wide() ? gate.gate_offset() : gate.gate_offset() & 0xFFFF;
    if (from_v86) {
        s.flags &= ~u32{kFlagVm};
        for (const unsigned segment : {kEs, kDs, kFs, kGs}) load_null_segment(cpu, segment, 0);
    }
    s.segment[kSs] = segment_from(inner.ss, ss);
    load_code_segment(cpu, gate.gate_selector(), code, cpl);
    if (from_v86) cpu.update_mode();
    commit_stack_pointer(cpu, stack);
    finish(cpu, target, flags_cleared_by(gate));
}

void deliver_same_level(Cpu& cpu, const Event& e, const Descriptor& gate, Descriptor& code) {
    CpuState& s = cpu.state;
    const u64 target = gate.gate_wide() ? gate.gate_offset() : gate.gate_offset() & 0xFFFF;
    check_code_offset(cpu, code, target);
    PendingStack stack = current_stack(cpu);
    push_frame(cpu, stack, e, gate.gate_wide() ? 4 : 2);
    set_accessed(cpu, code);
    commit_stack_pointer(cpu, stack);
    load_code_segment(cpu, gate.gate_selector(), code, s.cpl);
    finish(cpu, target, flags_cleared_by(gate));
}

void deliver_protected(Cpu& cpu, const Event& e) {
    const Descriptor gate = fetch_gate(cpu, e);
    if (cpu.long_mode()) {
        deliver_long(cpu, e, gate);
        return;
    }
    if (gate.type() == kTypeTaskGate) {
        switch_task_for_interrupt(cpu, gate.gate_selector(), e.has_error_code, e.error_code);
        return;
    }
    Descriptor code = fetch_handler_segment(cpu, gate.gate_selector());
    const bool inner = !code.is_conforming() && code.dpl() < cpu.state.cpl;
    if (cpu.v86() && (!inner || code.dpl() != 0)) {
        cpu.raise(Vector::general_protection, selector_error(gate.gate_selector()));
    }
    if (inner) {
        deliver_inner(cpu, e, gate, code);
    } else {
        deliver_same_level(cpu, e, gate, code);
    }
}

}  // namespace

void deliver_event(Cpu& cpu, const Event& event) {
    CpuState& s = cpu.state;
    for (EventWatch* watch : cpu.event_watches) watch->delivering(event);
    if (!cpu.protected_mode()) {
        deliver_real(cpu, event);
    } else if (cpu.v86() && event.kind == EventKind::software_interrupt) {
        if (bit(s.cr4, 0) && redirected_to_program(cpu, event.vector)) {
            deliver_redirected(cpu, event);
        } else {
            if (cpu.iopl() < 3) cpu.raise(Vector::general_protection, 0);
            deliver_protected(cpu, event);
        }
    } else {
        deliver_protected(cpu, event);
    }
    if (event.kind == EventKind::nmi) s.nmi_blocked = true;
    s.step_armed = s.resume_armed = s.mov_ss_shadow = s.wake_on_masked = false;
    s.attention &= ~u32{kAttentionHalted | kAttentionFerr | kAttentionShadow};
    cpu.update_attention();
}

}  // namespace bantam
