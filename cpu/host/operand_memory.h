// Memory operands of host-executed instructions: alignment rules and copies between guest memory and the operand
// buffer.
#pragma once

#include "cpu/cpu.h"

namespace bantam::host {

/// The two 8-byte-or-larger conversions that never raise #AC (SDM vol. 2, 2.4.11: exception class 11).
inline bool exempt_from_alignment_check(const isa::Instruction& i) {
    return i.mnemonic == isa::Mnemonic::Vcvtph2ps || i.mnemonic == isa::Mnemonic::Vcvtps2ph;
}

/// Raises what a misaligned operand raises: #GP(0) by `alignment` (legacy SSE 16-byte operands, aligned VEX moves), and
/// #AC when armed. As measured on a processor: an operand that needs alignment gives #GP(0) before anything else and
/// never #AC; limit and canonical form come before #AC; 10-byte reals must be 8-byte aligned, and of the limit only
/// their first eight bytes come before #AC; larger operands without requirement are never checked.
inline void check_alignment(Cpu& cpu, const isa::Instruction& i, u64 offset, unsigned size, unsigned alignment,
                            bool write = false) {
    const u64 linear = cpu.state.segment[i.segment].base + offset;
    if ((linear & (alignment - 1)) != 0) cpu.raise(Vector::general_protection, 0);
    if (!cpu.alignment_checks() || alignment > 1 || exempt_from_alignment_check(i)) return;
    const unsigned natural = size == 10 ? 8 : size;
    if (natural > 8 || (linear & (natural - 1)) == 0) return;
    static_cast<void>(write ? cpu.linear_for_write(i.segment, offset, natural)
                            : cpu.linear_for_read(i.segment, offset, natural));
    if (cpu.code64() && !cpu.canonical(linear)) cpu.raise_segment_limit(i.segment);
    cpu.raise(Vector::alignment_check, 0);
}

/// Operands of any size and alignment that never raise #AC.
inline void read_unchecked(Cpu& cpu, unsigned segment, u64 offset, u8* to, unsigned size) {
    static_cast<void>(cpu.linear_for_read(segment, offset, size));
    for (unsigned k = 0; k < size; ++k) to[k] = cpu.read<u8>(segment, offset + k);
}
inline void write_unchecked(Cpu& cpu, unsigned segment, u64 offset, const u8* from, unsigned size) {
    static_cast<void>(cpu.linear_for_write(segment, offset, size));
    for (unsigned k = 0; k < size; ++k) cpu.probe_write(segment, offset + k, 1);
    for (unsigned k = 0; k < size; ++k) cpu.write<u8>(segment, offset + k, from[k]);
}

inline void read_operand(Cpu& cpu, unsigned segment, u64 offset, void* to, unsigned size) {
    const auto copy = [to](auto value) { std::memcpy(to, &value, sizeof value); };
    switch (size) {
        case 1:
            return copy(cpu.read<u8>(segment, offset));
        case 2:
            return copy(cpu.read<u16>(segment, offset));
        case 4:
            return copy(cpu.read<u32>(segment, offset));
        case 8:
            return copy(cpu.read<u64>(segment, offset));
        case 16: {
            const Linear address = cpu.linear_for_read(segment, offset, 16);
            const u8* host = cpu.mmu.fast_read(address, 16, cpu.data_privilege());
            if (host != nullptr) {
                std::memcpy(to, host, 16);
                return;
            }
            break;
        }
        case 10:  // as processors do: the significand, then the exponent
            cpu.read_bytes(segment, offset, to, 8);
            cpu.read_bytes(segment, offset + 8, static_cast<u8*>(to) + 8, 2);
            return;
        default:
            break;
    }
    cpu.read_bytes(segment, offset, to, size);
}

inline void write_operand(Cpu& cpu, unsigned segment, u64 offset, const void* from, unsigned size) {
    const auto store = [&](auto value) {
        std::memcpy(&value, from, sizeof value);
        cpu.write(segment, offset, value);
    };
    switch (size) {
        case 1:
            return store(u8{});
        case 2:
            return store(u16{});
        case 4:
            return store(u32{});
        case 8:
            return store(u64{});
        default:
            break;
    }
    cpu.write_bytes(segment, offset, from, size);
}

}  // namespace bantam::host
