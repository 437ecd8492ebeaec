// Segmentation: descriptors and the rules for loading segment registers (SDM vol. 3, chapters 3 and 5).
#pragma once

#include "cpu/cpu.h"

namespace bantam {

/// System descriptor types (SDM vol. 3, table 3-2).
enum SystemType : u8 {
    kTypeTss16 = 1,
    kTypeLdt = 2,
    kTypeTss16Busy = 3,
    kTypeCallGate16 = 4,
    kTypeTaskGate = 5,
    kTypeInterruptGate16 = 6,
    kTypeTrapGate16 = 7,
    kTypeTss32 = 9,
    kTypeTss32Busy = 11,
    kTypeCallGate32 = 12,
    kTypeInterruptGate32 = 14,
    kTypeTrapGate32 = 15,
};

/// A descriptor of GDT, LDT or IDT as it lies in memory; `upper` is the second half of a 16-byte one, else 0.
struct Descriptor {
    u64 raw = 0;
    u64 upper = 0;
    Linear address{};  // of the descriptor

    [[nodiscard]] u8 type() const { return static_cast<u8>(bits(raw, 40, 4)); }
    [[nodiscard]] bool is_code_or_data() const { return bit(raw, 44); }
    [[nodiscard]] u8 dpl() const { return static_cast<u8>(bits(raw, 45, 2)); }
    [[nodiscard]] bool present() const { return bit(raw, 47); }
    [[nodiscard]] bool long_code() const { return bit(raw, 53); }
    [[nodiscard]] bool default_big() const { return bit(raw, 54); }
    [[nodiscard]] u16 attributes() const { return static_cast<u16>((raw >> 40) & 0xF0FF); }
    [[nodiscard]] u32 limit() const {
        const u32 l = static_cast<u32>(bits(raw, 0, 16) | bits(raw, 48, 4) << 16);
        return bit(raw, 55) ? l << 12 | 0xFFF : l;
    }
    [[nodiscard]] u64 base() const { return bits(raw, 16, 24) | bits(raw, 56, 8) << 24 | bits(upper, 0, 32) << 32; }

    [[nodiscard]] bool is_code() const { return is_code_or_data() && (type() & 8u) != 0; }
    [[nodiscard]] bool is_conforming() const { return is_code() && (type() & 4u) != 0; }
    [[nodiscard]] bool is_readable() const { return is_code_or_data() && (!is_code() || (type() & 2u) != 0); }
    [[nodiscard]] bool is_writable_data() const { return is_code_or_data() && !is_code() && (type() & 2u) != 0; }
    [[nodiscard]] bool is_system(u8 t) const { return !is_code_or_data() && type() == t; }

    // Gates.
    [[nodiscard]] u16 gate_selector() const { return static_cast<u16>(bits(raw, 16, 16)); }
    [[nodiscard]] u64 gate_offset() const {
        return bits(raw, 0, 16) | bits(raw, 48, 16) << 16 | bits(upper, 0, 32) << 32;
    }
    [[nodiscard]] unsigned gate_parameters() const { return static_cast<unsigned>(bits(raw, 32, 5)); }
    [[nodiscard]] unsigned gate_ist() const { return static_cast<unsigned>(bits(raw, 32, 3)); }
    /// 32-bit (or 64-bit) form rather than 16-bit.
    [[nodiscard]] bool gate_wide() const { return (type() & 8u) != 0; }
};

/// The selector without RPL: the error code that names it.
constexpr u32 selector_error(u16 selector) { return selector & 0xFFFCu; }
constexpr bool null_selector(u16 selector) { return (selector & 0xFFFCu) == 0; }

/// Reads the descriptor of a non-null selector from GDT or LDT. False: it lies outside its table.
[[nodiscard]] bool find_descriptor(Cpu& cpu, u16 selector, Descriptor& descriptor);
/// The same, raising `vector` with the selector when outside its table (#GP or #TS).
Descriptor fetch_descriptor(Cpu& cpu, u16 selector, Vector vector = Vector::general_protection);
/// Reads the second half of a 16-byte system descriptor (IA-32e mode); raises like fetch_descriptor.
void fetch_upper_half(Cpu& cpu, u16 selector, Descriptor& descriptor, Vector vector = Vector::general_protection);

/// Sets the accessed bit of a code or data descriptor, in memory and in `descriptor`.
void set_accessed(Cpu& cpu, Descriptor& descriptor);

/// The hidden part that `descriptor` gives; derived fields not yet computed.
[[nodiscard]] SegmentRegister segment_from(u16 selector, const Descriptor& descriptor);

/// MOV, POP, LDS... to ES, SS, DS, FS or GS with all checks. Raises #GP, #NP or #SS; changes nothing then.
void load_segment(Cpu& cpu, unsigned segment, u16 selector);
/// Real-address and virtual-8086 mode: base = 16 * selector.
void load_segment_real(Cpu& cpu, unsigned segment, u16 selector);
/// A null selector in a data segment register (or SS of 64-bit mode).
void load_null_segment(Cpu& cpu, unsigned segment, u16 selector);

/// CS and CPL after all checks; selector's RPL becomes `cpl`. Sets the accessed bit. Does not touch RIP.
void load_code_segment(Cpu& cpu, u16 selector, Descriptor& descriptor, u8 cpl);
/// Far JMP to a code segment: no gates, no tasks. Raises #GP or #NP; changes nothing then.
void jump_to_segment(Cpu& cpu, u16 selector, u64 offset);
/// Checks a stack segment for privilege level `cpl` and returns its descriptor; `vector` for wrong ones, #SS for
/// absent.
Descriptor check_stack_segment(Cpu& cpu, u16 selector, u8 cpl, Vector vector);
/// Raises #GP(0) unless RIP = `offset` would lie in the code segment `descriptor`.
void check_code_offset(Cpu& cpu, const Descriptor& descriptor, u64 offset);
/// True for a 64-bit code segment in IA-32e mode.
[[nodiscard]] inline bool long_target(const Cpu& cpu, const Descriptor& d) { return cpu.long_mode() && d.long_code(); }

/// After a return to an outer level: data segments the new CPL may not use become null (SDM vol. 3, 5.8.6).
void invalidate_inner_segments(Cpu& cpu);

}  // namespace bantam
