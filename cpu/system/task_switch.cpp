// Task switches by far JMP and CALL, interrupts through task gates, and IRET with NT = 1: SDM vol. 3, 8.2-8.4, table
// 8-1. Everything that can fail in the old task's name (descriptor of the new TSS, paging of both TSSs) is checked
// first; from the moment TR is loaded, faults belong to the new task, with its segment registers holding selectors
// only.
#include "cpu/system/task_switch.h"

#include <algorithm>

#include "cpu/system/control.h"
#include "cpu/system/debug.h"
#include "cpu/system/stack.h"

namespace bantam {
namespace {

/// The fields of a TSS that a switch saves and loads, widened to 32 bits.
struct TaskState {
    u32 cr3 = 0, eip = 0, eflags = 0;
    std::array<u32, 8> gpr{};
    std::array<u16, kSegmentCount> segment{};  // ES CS SS DS FS GS
    u16 ldt = 0;
    bool trap = false;
};

constexpr unsigned segments_of(bool wide) { return wide ? 6 : 4; }

TaskState read_task(Cpu& cpu, u64 base, bool wide) {
    TaskState t;
    if (wide) {
        t.cr3 = cpu.read_system<u32>({base + 28});
        t.eip = cpu.read_system<u32>({base + 32});
        t.eflags = cpu.read_system<u32>({base + 36});
        for (unsigned n = 0; n < 8; ++n) t.gpr[n] = cpu.read_system<u32>({base + 40 + 4 * n});
        for (unsigned n = 0; n < 6; ++n) t.segment[n] = cpu.read_system<u16>({base + 72 + 4 * n});
        t.ldt = cpu.read_system<u16>({base + 96});
        t.trap = bit(cpu.read_system<u16>({base + 100}), 0);
        return t;
    }
    t.eip = cpu.read_system<u16>({base + 14});
    t.eflags = cpu.read_system<u16>({base + 16});
    for (unsigned n = 0; n < 8; ++n) t.gpr[n] = cpu.read_system<u16>({base + 18 + 2 * n}) | 0xFFFF0000;
    for (unsigned n = 0; n < 4; ++n) t.segment[n] = cpu.read_system<u16>({base + 34 + 2 * n});
    t.ldt = cpu.read_system<u16>({base + 42});
    return t;
}

void write_task(Cpu& cpu, u64 base, bool wide, u32 eflags) {
    const CpuState& s = cpu.state;
    if (wide) {
        cpu.write_system<u32>({base + 32}, static_cast<u32>(s.rip()));
        cpu.write_system<u32>({base + 36}, eflags);
        for (unsigned n = 0; n < 8; ++n) cpu.write_system<u32>({base + 40 + 4 * n}, static_cast<u32>(s.gpr[n]));
        for (unsigned n = 0; n < 6; ++n) cpu.write_system<u16>({base + 72 + 4 * n}, s.segment[n].selector);
        return;
    }
    cpu.write_system<u16>({base + 14}, static_cast<u16>(s.rip()));
    cpu.write_system<u16>({base + 16}, static_cast<u16>(eflags));
    for (unsigned n = 0; n < 8; ++n) cpu.write_system<u16>({base + 18 + 2 * n}, static_cast<u16>(s.gpr[n]));
    for (unsigned n = 0; n < 4; ++n) cpu.write_system<u16>({base + 34 + 2 * n}, s.segment[n].selector);
}

void probe_system_write(Cpu& cpu, u64 address, unsigned size) {
    MemoryFault fault;
    if (!cpu.mmu.probe_write({address & 0xFFFFFFFF}, size, Privilege::supervisor, fault)) cpu.raise_page_fault(fault);
}

void set_busy(Cpu& cpu, const Descriptor& tss, bool busy) {
    const auto rights = static_cast<u8>(tss.raw >> 40);
    cpu.write_system<u8>(tss.address + 5, static_cast<u8>(busy ? rights | 2u : rights & ~2u));
}

Descriptor fetch_new_tss(Cpu& cpu, u16 selector, TaskSwitchSource source) {
    const bool iret = source == TaskSwitchSource::iret;
    const Vector vector = iret ? Vector::invalid_tss : Vector::general_protection;
    if ((selector & 4u) != 0 || null_selector(selector)) cpu.raise(vector, selector_error(selector));
    const Descriptor tss = fetch_descriptor(cpu, selector, vector);
    const bool available = tss.is_system(kTypeTss16) || tss.is_system(kTypeTss32);
    const bool busy = tss.is_system(kTypeTss16Busy) || tss.is_system(kTypeTss32Busy);
    if (iret ? !busy : !available) cpu.raise(vector, selector_error(selector));
    if (!tss.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
    const u32 least = (tss.type() & 8u) != 0 ? 0x67 : 0x2B;
    if (tss.limit() < least) cpu.raise(Vector::invalid_tss, selector_error(selector));
    return tss;
}

void load_new_ldt(Cpu& cpu, u16 selector) {
    CpuState& s = cpu.state;
    if (null_selector(selector)) return;
    if ((selector & 4u) != 0) cpu.raise(Vector::invalid_tss, selector_error(selector));
    const Descriptor ldt = fetch_descriptor(cpu, selector, Vector::invalid_tss);
    if (!ldt.is_system(kTypeLdt) || !ldt.present()) cpu.raise(Vector::invalid_tss, selector_error(selector));
    s.ldtr = segment_from(selector, ldt);
}

void load_new_code(Cpu& cpu, u16 selector) {
    if (null_selector(selector)) cpu.raise(Vector::invalid_tss, selector_error(selector));
    Descriptor code = fetch_descriptor(cpu, selector, Vector::invalid_tss);
    const unsigned rpl = selector & 3u;
    const bool level_ok = code.is_conforming() ? code.dpl() <= rpl : code.dpl() == rpl;
    if (!code.is_code() || !level_ok) cpu.raise(Vector::invalid_tss, selector_error(selector));
    if (!code.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
    load_code_segment(cpu, selector, code, static_cast<u8>(rpl));
}

void load_new_data(Cpu& cpu, unsigned segment, u16 selector) {
    if (null_selector(selector)) return;
    Descriptor d = fetch_descriptor(cpu, selector, Vector::invalid_tss);
    const unsigned level = std::max<unsigned>(cpu.state.cpl, selector & 3u);
    if (!d.is_readable() || (!d.is_conforming() && d.dpl() < level)) {
        cpu.raise(Vector::invalid_tss, selector_error(selector));
    }
    if (!d.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
    set_accessed(cpu, d);
    const SegmentRegister s = segment_from(selector, d);
    cpu.set_segment(segment, selector, s.hidden_base, s.limit, s.attributes);
}

void load_new_segments(Cpu& cpu, const TaskState& task) {
    CpuState& s = cpu.state;
    load_new_ldt(cpu, task.ldt);
    if (cpu.v86()) {
        for (unsigned n = 0; n < kSegmentCount; ++n) load_segment_real(cpu, n, task.segment[n]);
        cpu.update_segments();
        return;
    }
    load_new_code(cpu, task.segment[kCs]);
    Descriptor ss = check_stack_segment(cpu, task.segment[kSs], s.cpl, Vector::invalid_tss);
    set_accessed(cpu, ss);
    s.segment[kSs] = segment_from(task.segment[kSs], ss);
    cpu.update_segments();
    for (const unsigned n : {kEs, kDs, kFs, kGs}) load_new_data(cpu, n, task.segment[n]);
}

/// Registers, flags and selectors of the new task; its segments are not usable yet.
void enter_task(Cpu& cpu, const TaskState& task, bool wide) {
    CpuState& s = cpu.state;
    for (unsigned n = 0; n < 8; ++n) s.gpr[n] = task.gpr[n];
    s.rip() = s.instruction_rip = task.eip;
    s.set_eflags(task.eflags & 0x3F7FD7);
    s.cr0 |= 8;              // TS
    s.dr[7] &= ~u64{0x155};  // L0-L3, LE
    s.cpl = (task.eflags & kFlagVm) != 0 ? 3 : static_cast<u8>(task.segment[kCs] & 3u);
    s.ldtr = {.selector = task.ldt};
    for (unsigned n = 0; n < kSegmentCount; ++n)
        cpu.set_segment(n, n < segments_of(wide) ? task.segment[n] : 0, 0, 0, 0);
    cpu.update_mode();
    update_debug_watch(cpu);
}

}  // namespace

void switch_task(Cpu& cpu, u16 selector, TaskSwitchSource source) {
    CpuState& s = cpu.state;
    const bool nests = source == TaskSwitchSource::call || source == TaskSwitchSource::interrupt;
    const bool iret = source == TaskSwitchSource::iret;
    Descriptor tss = fetch_new_tss(cpu, selector, source);
    const bool wide = (tss.type() & 8u) != 0;
    const bool old_wide = (s.tr.type() & 8u) != 0;
    const u64 base = tss.base();
    const u32 old_length = old_wide ? 0x68 : 0x2C;
    if (s.tr.limit + 1 < old_length) cpu.raise(Vector::invalid_tss, selector_error(s.tr.selector));
    const TaskState task = read_task(cpu, base, wide);
    probe_system_write(cpu, s.tr.base, old_length);
    if (nests) probe_system_write(cpu, base, 2);
    std::array<u64, 4> pdptes{};
    const bool loads_cr3 = wide && cpu.mmu.controls().paging;
    if (loads_cr3 && !control_prepare_cr3(cpu, task.cr3, pdptes)) {
        cpu.raise(Vector::invalid_tss, selector_error(selector));
    }
    Descriptor old_tss;
    const bool old_found = !null_selector(s.tr.selector) && find_descriptor(cpu, s.tr.selector, old_tss);
    if (old_found) probe_system_write(cpu, old_tss.address.value, 8);
    probe_system_write(cpu, tss.address.value, 8);

    // The point of no return.
    u32 eflags = s.eflags();
    if (iret) eflags &= ~u32{kFlagNestedTask};
    write_task(cpu, s.tr.base, old_wide, eflags);
    if (!nests && old_found) set_busy(cpu, old_tss, false);
    if (nests) cpu.write_system<u16>({base}, s.tr.selector);
    if (!iret) set_busy(cpu, tss, true);
    tss.raw |= u64{2} << 40;
    s.tr = segment_from(selector, tss);
    TaskState loaded = task;
    if (nests) loaded.eflags |= kFlagNestedTask;
    if (loads_cr3) control_commit_cr3(cpu, task.cr3, pdptes);
    enter_task(cpu, loaded, wide);
    load_new_segments(cpu, loaded);
    if (!cpu.v86() && task.eip > s.segment[kCs].limit) cpu.raise(Vector::general_protection, 0);
    if (task.trap) debug_pend_trap(cpu, kDr6Bt);
    s.step_armed = s.resume_armed = false;
    cpu.update_attention();
}

void switch_task_for_interrupt(Cpu& cpu, u16 selector, bool has_error_code, u32 error_code) {
    switch_task(cpu, selector, TaskSwitchSource::interrupt);
    if (!has_error_code) return;
    PendingStack stack = current_stack(cpu);
    push_to(cpu, stack, (cpu.state.tr.type() & 8u) != 0 ? 4 : 2, error_code);
    commit_stack_pointer(cpu, stack);
}

}  // namespace bantam
