// The key of a translation: everything besides bytes and RIP that its code takes for granted.
#pragma once

#include <optional>

#include "cpu/cpu.h"

namespace bantam::jit {

using Key = u64;

/// The key for the CPU's present state; none where code is left to the interpreter: 32-bit code whose CS has a base or
/// a limit, 16-bit code whose CS ends before 64 KiB, alignment checks.
[[nodiscard]] std::optional<Key> key_of(const Cpu& cpu);
/// The same where the floating-point exceptions that are masked are known to be those of `before`. PERF: reading the
/// x87 control word takes as long as all the rest.
[[nodiscard]] std::optional<Key> key_of(const Cpu& cpu, Key before);

/// Bits 15:0: Cpu::mode_key; 17:16: Privilege of data accesses; 18, 19: exceptions masked; from 20: three bits a
/// segment register; 40: windows; 41: CPL 0. Bases of segments are no part of 16-bit keys: programs there have many.
namespace key_bits {
inline constexpr unsigned kPrivilegeShift = 16;
inline constexpr Key kSimdMasked = Key{1} << 18;
inline constexpr Key kX87Masked = Key{1} << 19;
inline constexpr unsigned kSegmentShift = 20;
inline constexpr unsigned kSegmentBits = 3;
inline constexpr Key kWindowed = Key{1} << 40;
inline constexpr Key kCpl0 = Key{1} << 41;
enum SegmentFact : u64 { kFlatRead = 1, kFlatWrite = 2, kBaseZero = 4 };
enum LowSegmentFact : u64 { kLowRead = 1, kLowWrite = 2, kUnlimited = 4 };  // of 16-bit code

[[nodiscard]] inline bool has(Key key, unsigned segment, u64 fact) {
    return (key >> (kSegmentShift + kSegmentBits * segment) & fact) != 0;
}
}  // namespace key_bits

[[nodiscard]] inline bool is_64bit(Key key) { return (key & 3) == static_cast<Key>(isa::CodeSize::bits64); }
[[nodiscard]] inline bool is_16bit(Key key) { return (key & 3) == static_cast<Key>(isa::CodeSize::bits16); }
/// The highest offset that 16-bit code is translated for, and that its segments are known to allow.
inline constexpr u64 kTopOffset = 0xFFFF;
[[nodiscard]] inline bool at_cpl0(Key key) { return (key & key_bits::kCpl0) != 0; }
/// As Cpu::fetch_privilege.
[[nodiscard]] inline Privilege fetch_privilege(Key key) {
    return (key >> 4 & 1) != 0 ? Privilege::user : Privilege::supervisor;
}
/// Not protected, not virtual-8086 mode.
[[nodiscard]] inline bool real_mode(Key key) { return (key & 0xC) == 0; }
[[nodiscard]] inline bool wide_stack(Key key) { return (key >> 5 & 1) == 0; }
[[nodiscard]] inline Privilege data_privilege(Key key) {
    return static_cast<Privilege>(key >> key_bits::kPrivilegeShift & 3);
}
/// The TLB set of data accesses.
[[nodiscard]] inline Mmu::FastSet data_set(Key key) { return Mmu::fast_set(data_privilege(key)); }
/// What may be assumed of a segment register in 32 and 64-bit code: no limit or right stands in the way of a read
/// (write); its base is 0. FS and GS, whose bases change often, never count as based at 0.
[[nodiscard]] inline bool flat_read(Key key, unsigned segment) {
    return !is_16bit(key) && key_bits::has(key, segment, key_bits::kFlatRead);
}
[[nodiscard]] inline bool flat_write(Key key, unsigned segment) {
    return !is_16bit(key) && key_bits::has(key, segment, key_bits::kFlatWrite);
}
[[nodiscard]] inline bool base_zero(Key key, unsigned segment) {
    return !is_16bit(key) && key_bits::has(key, segment, key_bits::kBaseZero);
}
/// In 16-bit code: neither does for reads (writes) below 64 KiB; no offset is beyond the limit.
[[nodiscard]] inline bool low_read(Key key, unsigned segment) {
    return is_16bit(key) && key_bits::has(key, segment, key_bits::kLowRead);
}
[[nodiscard]] inline bool low_write(Key key, unsigned segment) {
    return is_16bit(key) && key_bits::has(key, segment, key_bits::kLowWrite);
}
[[nodiscard]] inline bool unlimited(Key key, unsigned segment) {
    return is_16bit(key) && key_bits::has(key, segment, key_bits::kUnlimited);
}
/// Data accesses go through windows (mmu/windows.h).
[[nodiscard]] inline Key with_windows(Key key) { return key | key_bits::kWindowed; }
[[nodiscard]] inline bool windowed(Key key) { return (key & key_bits::kWindowed) != 0; }
/// All SIMD (x87) floating-point exceptions are masked: host instructions raise none.
[[nodiscard]] inline bool simd_masked(Key key) { return (key & key_bits::kSimdMasked) != 0; }
[[nodiscard]] inline bool x87_masked(Key key) { return (key & key_bits::kX87Masked) != 0; }

}  // namespace bantam::jit
