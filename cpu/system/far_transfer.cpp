// Far JMP, CALL and RET: direct, through call gates (16, 32 and 64 bits, with parameter copy and stack switch), to TSSs
// and task gates. SDM vol. 3, 5.8; vol. 2, CALL, JMP, RET. IRET is in iret.cpp.
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"
#include "cpu/system/returns.h"
#include "cpu/system/stack.h"
#include "cpu/system/task_switch.h"

namespace bantam {
namespace {

struct FarTarget {
    u16 selector = 0;
    u64 offset = 0;
};

FarTarget read_target(Cpu& cpu, const isa::Instruction& i) {
    const isa::Operand* memory = i.memory_operand();
    if (memory == nullptr) return {static_cast<u16>(i.immediate2), i.immediate & mask_for(i.operand_size)};
    const u64 address = cpu.effective_address(i);
    const u64 offset = read_memory(cpu, i.segment, address, i.operand_size);
    const u64 selector_at = (address + i.operand_size) & i.address_mask();
    return {cpu.read<u16>(i.segment, selector_at), offset};
}

[[noreturn]] void refuse(Cpu& cpu, u16 selector) { cpu.raise(Vector::general_protection, selector_error(selector)); }

void check_direct_code(Cpu& cpu, u16 selector, const Descriptor& code) {
    const u8 cpl = cpu.state.cpl;
    if (long_target(cpu, code) && code.default_big()) refuse(cpu, selector);
    const bool allowed = code.is_conforming() ? code.dpl() <= cpl : (selector & 3u) <= cpl && code.dpl() == cpl;
    if (!allowed) refuse(cpu, selector);
    if (!code.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
}

/// Gate or TSS: DPL must be at least CPL and RPL, and it must be present.
void check_system_access(Cpu& cpu, u16 selector, const Descriptor& d) {
    if (d.dpl() < cpu.state.cpl || d.dpl() < (selector & 3u)) refuse(cpu, selector);
    if (!d.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
}

bool is_call_gate(const Cpu& cpu, const Descriptor& d) {
    return d.is_system(kTypeCallGate32) || (d.is_system(kTypeCallGate16) && !cpu.long_mode());
}

/// Checks a call gate and fetches the code segment it leads to.
Descriptor fetch_gate_target(Cpu& cpu, u16 selector, Descriptor& gate) {
    if (cpu.long_mode()) {
        fetch_upper_half(cpu, selector, gate);
        if (bits(gate.upper, 40, 5) != 0) refuse(cpu, selector);
    }
    check_system_access(cpu, selector, gate);
    const u16 target = gate.gate_selector();
    if (null_selector(target)) cpu.raise(Vector::general_protection, 0);
    const Descriptor code = fetch_descriptor(cpu, target);
    const bool wrong_mode = cpu.long_mode() && (!code.long_code() || code.default_big());
    if (!code.is_code() || code.dpl() > cpu.state.cpl || wrong_mode) refuse(cpu, target);
    if (!code.present()) cpu.raise(Vector::segment_not_present, selector_error(target));
    return code;
}

u64 gate_entry(const Descriptor& gate) { return gate.gate_wide() ? gate.gate_offset() : gate.gate_offset() & 0xFFFF; }

unsigned gate_size(const Cpu& cpu, const Descriptor& gate) { return cpu.long_mode() ? 8 : gate.gate_wide() ? 4 : 2; }

void switch_through(Cpu& cpu, u16 selector, const Descriptor& d, TaskSwitchSource source) {
    if (cpu.long_mode()) refuse(cpu, selector);
    if (d.is_system(kTypeTaskGate)) {
        check_system_access(cpu, selector, d);
        switch_task(cpu, d.gate_selector(), source);
    } else if (d.is_system(kTypeTss16) || d.is_system(kTypeTss32)) {
        check_system_access(cpu, selector, d);
        switch_task(cpu, selector, source);
    } else {
        refuse(cpu, selector);
    }
}

void jump_real(Cpu& cpu, const FarTarget& target) {
    if (target.offset > cpu.state.segment[kCs].limit) cpu.raise(Vector::general_protection, 0);
    load_segment_real(cpu, kCs, target.selector);
    cpu.update_segments();
    cpu.state.rip() = target.offset;
}

void jump_to_code(Cpu& cpu, u16 selector, Descriptor& code, u64 offset) {
    if (!code.is_code()) refuse(cpu, selector);
    check_direct_code(cpu, selector, code);
    check_code_offset(cpu, code, offset);
    load_code_segment(cpu, selector, code, cpu.state.cpl);
    cpu.state.rip() = offset;
}

void call_real(Cpu& cpu, const FarTarget& target, unsigned size) {
    if (target.offset > cpu.state.segment[kCs].limit) cpu.raise(Vector::general_protection, 0);
    PendingStack stack = current_stack(cpu);
    push_to(cpu, stack, size, cpu.state.segment[kCs].selector);
    push_to(cpu, stack, size, cpu.state.rip());
    commit_stack_pointer(cpu, stack);
    jump_real(cpu, target);
}

void call_same_level(Cpu& cpu, u16 selector, Descriptor& code, u64 offset, unsigned size) {
    check_code_offset(cpu, code, offset);
    PendingStack stack = current_stack(cpu);
    push_to(cpu, stack, size, cpu.state.segment[kCs].selector);
    push_to(cpu, stack, size, cpu.state.rip());
    set_accessed(cpu, code);
    commit_stack_pointer(cpu, stack);
    load_code_segment(cpu, selector, code, cpu.state.cpl);
    cpu.state.rip() = offset;
}

void call_inner_long(Cpu& cpu, const Descriptor& gate, Descriptor& code) {
    CpuState& s = cpu.state;
    const u8 cpl = code.dpl();
    PendingStack stack = current_stack(cpu);
    stack.flat64 = true;
    stack.mask = ~u64{0};
    stack.sp = stack_pointer_from_tss64(cpu, cpl);
    stack.privilege = Privilege::supervisor;
    check_code_offset(cpu, code, gate.gate_offset());
    push_to(cpu, stack, 8, s.segment[kSs].selector);
    push_to(cpu, stack, 8, cpu.code64() ? s.gpr[kRsp] : s.gpr[kRsp] & 0xFFFFFFFF);
    push_to(cpu, stack, 8, s.segment[kCs].selector);
    push_to(cpu, stack, 8, s.rip());
    set_accessed(cpu, code);
    load_null_segment(cpu, kSs, cpl);
    load_code_segment(cpu, gate.gate_selector(), code, cpl);
    s.gpr[kRsp] = stack.sp;
    s.rip() = gate.gate_offset();
}

void call_inner(Cpu& cpu, const Descriptor& gate, Descriptor& code) {
    CpuState& s = cpu.state;
    const u8 cpl = code.dpl();
    const unsigned size = gate.gate_wide() ? 4 : 2;
    const InnerStack inner = inner_stack_from_tss(cpu, cpl);
    Descriptor ss = check_stack_segment(cpu, inner.ss, cpl, Vector::invalid_tss);
    const u64 entry = gate_entry(gate);
    check_code_offset(cpu, code, entry);
    const PendingStack caller = current_stack(cpu);
    PendingStack stack;
    stack.ss = segment_from(inner.ss, ss);
    cpu.derive_segment(stack.ss, kSs);
    stack.mask = ss.default_big() ? 0xFFFFFFFF : 0xFFFF;
    stack.sp = inner.sp & stack.mask;
    stack.error_code = selector_error(inner.ss);
    push_to(cpu, stack, size, s.segment[kSs].selector);
    push_to(cpu, stack, size, s.gpr[kRsp]);
    for (unsigned n = gate.gate_parameters(); n > 0; --n) {
        push_to(cpu, stack, size, peek_stack(cpu, caller, u64{n - 1} * size, size));
    }
    push_to(cpu, stack, size, s.segment[kCs].selector);
    push_to(cpu, stack, size, s.rip());
    set_accessed(cpu, ss);
    set_accessed(cpu, code);
    s.segment[kSs] = segment_from(inner.ss, ss);
    load_code_segment(cpu, gate.gate_selector(), code, cpl);
    commit_stack_pointer(cpu, stack);
    s.rip() = entry;
}

}  // namespace

void jump_to_segment(Cpu& cpu, u16 selector, u64 offset) {
    if (cpu.real_or_v86()) return jump_real(cpu, {selector, offset});
    if (null_selector(selector)) cpu.raise(Vector::general_protection, 0);
    Descriptor code = fetch_descriptor(cpu, selector);
    jump_to_code(cpu, selector, code, offset);
}

namespace handlers {

void jmp_far(Cpu& cpu, const isa::Instruction& i) {
    const FarTarget target = read_target(cpu, i);
    if (cpu.real_or_v86()) return jump_real(cpu, target);
    if (null_selector(target.selector)) cpu.raise(Vector::general_protection, 0);
    Descriptor d = fetch_descriptor(cpu, target.selector);
    if (d.is_code_or_data()) {
        jump_to_code(cpu, target.selector, d, target.offset);
    } else if (is_call_gate(cpu, d)) {
        Descriptor code = fetch_gate_target(cpu, target.selector, d);
        if (!code.is_conforming() && code.dpl() != cpu.state.cpl) refuse(cpu, d.gate_selector());
        check_code_offset(cpu, code, gate_entry(d));
        load_code_segment(cpu, d.gate_selector(), code, cpu.state.cpl);
        cpu.state.rip() = gate_entry(d);
    } else {
        switch_through(cpu, target.selector, d, TaskSwitchSource::jmp);
    }
}

void call_far(Cpu& cpu, const isa::Instruction& i) {
    const FarTarget target = read_target(cpu, i);
    if (cpu.real_or_v86()) return call_real(cpu, target, i.operand_size);
    if (null_selector(target.selector)) cpu.raise(Vector::general_protection, 0);
    Descriptor d = fetch_descriptor(cpu, target.selector);
    if (d.is_code_or_data()) {
        if (!d.is_code()) refuse(cpu, target.selector);
        check_direct_code(cpu, target.selector, d);
        call_same_level(cpu, target.selector, d, target.offset, i.operand_size);
    } else if (is_call_gate(cpu, d)) {
        Descriptor code = fetch_gate_target(cpu, target.selector, d);
        const bool inner = !code.is_conforming() && code.dpl() < cpu.state.cpl;
        if (!inner) {
            call_same_level(cpu, d.gate_selector(), code, gate_entry(d), gate_size(cpu, d));
        } else if (cpu.long_mode()) {
            call_inner_long(cpu, d, code);
        } else {
            call_inner(cpu, d, code);
        }
    } else {
        switch_through(cpu, target.selector, d, TaskSwitchSource::call);
    }
}

void ret_far(Cpu& cpu, const isa::Instruction& i) {
    const unsigned size = i.operand_size;
    const u64 released = i.operand_count > 0 ? i.immediate & 0xFFFF : 0;
    const PendingStack stack = current_stack(cpu);
    const u64 offset = peek_stack(cpu, stack, 0, size);
    const auto selector = static_cast<u16>(peek_stack(cpu, stack, size, size));
    if (cpu.real_or_v86()) {
        if (offset > cpu.state.segment[kCs].limit) cpu.raise(Vector::general_protection, 0);
        cpu.set_rsp(cpu.state.gpr[kRsp] + 2 * size + released);
        load_segment_real(cpu, kCs, selector);
        cpu.update_segments();
        cpu.state.rip() = offset;
        return;
    }
    Descriptor code = check_return_code(cpu, selector);
    if ((selector & 3u) == cpu.state.cpl) {
        check_code_offset(cpu, code, offset);
        set_accessed(cpu, code);
        cpu.set_rsp(cpu.state.gpr[kRsp] + 2 * size + released);
        load_code_segment(cpu, selector, code, cpu.state.cpl);
        cpu.state.rip() = offset;
        return;
    }
    ReturnFrame frame;
    frame.rip = offset;
    frame.cs = selector;
    frame.rsp = peek_stack(cpu, stack, 2 * size + released, size);
    frame.ss = static_cast<u16>(peek_stack(cpu, stack, 3 * size + released, size));
    return_with_stack(cpu, frame, code);
    cpu.set_rsp(cpu.state.gpr[kRsp] + released);
}

}  // namespace handlers
}  // namespace bantam
