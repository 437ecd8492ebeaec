// Descriptor fetch and segment register loads: SDM vol. 3, 3.4, 3.5, 5.2-5.7, and vol. 2, MOV to segment register.
// Real-address mode changes selector and base only, so limits set in protected mode stay ("big real" mode);
// virtual-8086 mode sets limit and rights too (vol. 3, 20.1).
#include "cpu/system/segmentation.h"

namespace bantam {

bool find_descriptor(Cpu& cpu, u16 selector, Descriptor& descriptor) {
    const CpuState& s = cpu.state;
    u64 base = s.gdtr.base;
    u32 limit = s.gdtr.limit;
    if ((selector & 4u) != 0) {
        if (!s.ldtr.present()) return false;
        base = s.ldtr.base;
        limit = s.ldtr.limit;
    }
    const u32 index = selector & 0xFFF8u;
    if (u64{index} + 7 > limit) return false;
    descriptor.address = {base + index};
    descriptor.raw = cpu.read_system<u64>(descriptor.address);
    descriptor.upper = 0;
    return true;
}

Descriptor fetch_descriptor(Cpu& cpu, u16 selector, Vector vector) {
    Descriptor descriptor;
    if (!find_descriptor(cpu, selector, descriptor)) cpu.raise(vector, selector_error(selector));
    return descriptor;
}

void fetch_upper_half(Cpu& cpu, u16 selector, Descriptor& descriptor, Vector vector) {
    const u32 limit = (selector & 4u) != 0 ? cpu.state.ldtr.limit : cpu.state.gdtr.limit;
    if (u64{selector & 0xFFF8u} + 15 > limit) cpu.raise(vector, selector_error(selector));
    descriptor.upper = cpu.read_system<u64>(descriptor.address + 8);
}

void set_accessed(Cpu& cpu, Descriptor& descriptor) {
    constexpr u64 kAccessed = u64{1} << 40;
    if ((descriptor.raw & kAccessed) != 0) return;
    descriptor.raw |= kAccessed;
    cpu.write_system<u8>(descriptor.address + 5, static_cast<u8>(descriptor.raw >> 40));
}

SegmentRegister segment_from(u16 selector, const Descriptor& descriptor) {
    SegmentRegister s;
    s.selector = selector;
    s.attributes = descriptor.attributes();
    s.limit = descriptor.limit();
    s.hidden_base = s.base = descriptor.base();
    return s;
}

void load_segment_real(Cpu& cpu, unsigned segment, u16 selector) {
    SegmentRegister& s = cpu.state.segment[segment];
    s.selector = selector;
    s.hidden_base = u64{selector} << 4;
    if (cpu.v86()) {
        s.limit = 0xFFFF;
        s.attributes = 0xF3;
    }
    cpu.derive_segment(s, segment);
}

void load_null_segment(Cpu& cpu, unsigned segment, u16 selector) { cpu.set_segment(segment, selector, 0, 0, 0); }

Descriptor check_stack_segment(Cpu& cpu, u16 selector, u8 cpl, Vector vector) {
    if (null_selector(selector)) cpu.raise(vector, vector == Vector::invalid_tss ? selector_error(selector) : 0);
    const Descriptor d = fetch_descriptor(cpu, selector, vector);
    if ((selector & 3u) != cpl || d.dpl() != cpl || !d.is_writable_data()) cpu.raise(vector, selector_error(selector));
    if (!d.present()) cpu.raise(Vector::stack_fault, selector_error(selector));
    return d;
}

void load_segment(Cpu& cpu, unsigned segment, u16 selector) {
    if (cpu.real_or_v86()) {
        load_segment_real(cpu, segment, selector);
        if (segment == kSs) cpu.update_segments();
        return;
    }
    const u8 cpl = cpu.state.cpl;
    if (segment == kSs) {
        if (null_selector(selector) && cpu.code64() && cpl < 3 && (selector & 3u) == cpl) {
            load_null_segment(cpu, kSs, selector);
        } else {
            Descriptor d = check_stack_segment(cpu, selector, cpl, Vector::general_protection);
            set_accessed(cpu, d);
            cpu.state.segment[kSs] = segment_from(selector, d);
        }
        cpu.update_segments();
        return;
    }
    if (null_selector(selector)) {
        load_null_segment(cpu, segment, selector);
        return;
    }
    Descriptor d = fetch_descriptor(cpu, selector);
    const unsigned rpl = selector & 3u;
    const bool privileged = !d.is_conforming() && (rpl > d.dpl() || cpl > d.dpl());
    if (!d.is_readable() || privileged) cpu.raise(Vector::general_protection, selector_error(selector));
    if (!d.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
    set_accessed(cpu, d);
    SegmentRegister s = segment_from(selector, d);
    cpu.derive_segment(s, segment);
    cpu.state.segment[segment] = s;
}

void load_code_segment(Cpu& cpu, u16 selector, Descriptor& descriptor, u8 cpl) {
    set_accessed(cpu, descriptor);
    cpu.state.segment[kCs] = segment_from(static_cast<u16>((selector & 0xFFFCu) | cpl), descriptor);
    cpu.state.cpl = cpl;
    cpu.update_segments();
}

void check_code_offset(Cpu& cpu, const Descriptor& descriptor, u64 offset) {
    const bool ok = long_target(cpu, descriptor) ? cpu.canonical(offset) : offset <= descriptor.limit();
    if (!ok) cpu.raise(Vector::general_protection, 0);
}

void invalidate_inner_segments(Cpu& cpu) {
    for (const unsigned segment : {kEs, kDs, kFs, kGs}) {
        const SegmentRegister& s = cpu.state.segment[segment];
        const bool conforming = (s.type() & 0xCu) == 0xCu;
        if (s.is_code_or_data() && !conforming && s.dpl() < cpu.state.cpl) load_null_segment(cpu, segment, 0);
    }
}

}  // namespace bantam
