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

[[nodiscard]] bool is_64bit(Key key);
[[nodiscard]] bool is_16bit(Key key);
/// The highest offset that 16-bit code is translated for, and that its segments are known to allow.
inline constexpr u64 kTopOffset = 0xFFFF;
[[nodiscard]] bool at_cpl0(Key key);
/// As Cpu::fetch_privilege.
[[nodiscard]] Privilege fetch_privilege(Key key);
/// Not protected, not virtual-8086 mode.
[[nodiscard]] bool real_mode(Key key);
/// The TLB set of data accesses.
[[nodiscard]] Mmu::FastSet data_set(Key key);
/// What may be assumed of a segment register in 32 and 64-bit code: no limit or right stands in the way of a read
/// (write); its base is 0. FS and GS, whose bases change often, never count as based at 0.
[[nodiscard]] bool flat_read(Key key, unsigned segment);
[[nodiscard]] bool flat_write(Key key, unsigned segment);
[[nodiscard]] bool base_zero(Key key, unsigned segment);
/// In 16-bit code: neither does for reads (writes) below 64 KiB; no offset is beyond the limit.
[[nodiscard]] bool low_read(Key key, unsigned segment);
[[nodiscard]] bool low_write(Key key, unsigned segment);
[[nodiscard]] bool unlimited(Key key, unsigned segment);
[[nodiscard]] bool wide_stack(Key key);
[[nodiscard]] Privilege data_privilege(Key key);
/// Data accesses go through windows (mmu/windows.h).
[[nodiscard]] Key with_windows(Key key);
[[nodiscard]] bool windowed(Key key);
/// All SIMD (x87) floating-point exceptions are masked: host instructions raise none.
[[nodiscard]] bool simd_masked(Key key);
[[nodiscard]] bool x87_masked(Key key);

}  // namespace bantam::jit
