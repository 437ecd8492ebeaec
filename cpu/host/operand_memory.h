// Memory operands of host-executed instructions: alignment rules and copies between guest memory and the operand
// buffer.
#pragma once

#include "cpu/cpu.h"

namespace bantam::host {

/// Raises what a misaligned operand raises: #GP(0) by `alignment` (legacy SSE 16-byte operands, aligned VEX moves), and
/// #AC when armed. As measured on a processor: with #AC armed, an operand that needs 16-byte alignment gives #AC when
/// even its doublewords are misaligned; 10-byte reals must be 8-byte aligned; larger operands without requirement are
/// never checked.
inline void check_alignment(Cpu& cpu, const isa::Instruction& i, u64 offset, unsigned size, unsigned alignment) {
    const u64 linear = cpu.state.segment[i.segment].base + offset;
    if ((linear & (alignment - 1)) != 0) {
        if (cpu.alignment_checks() && (linear & 3u) != 0) cpu.raise(Vector::alignment_check, 0);
        cpu.raise(Vector::general_protection, 0);
    }
    if (!cpu.alignment_checks() || alignment > 1) return;
    const u64 natural = size == 10 ? 8 : size;
    if (natural <= 8 && (linear & (natural - 1)) != 0) cpu.raise(Vector::alignment_check, 0);
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
