// Anchor: what tells the window (mmu/windows.h) of a memory operand of 64-bit code. The operand is where the anchor
// points, or so near that beyond the window's end there is only its guard.
#pragma once

#include <optional>

#include "cpu/isa/instruction.h"
#include "jit/register_ranges.h"

namespace bantam::jit {

/// The sum of two general registers, or of one, or, without any, a place in the window of `entry`.
struct Anchor {
    u8 base = isa::kSlotZero;
    u8 index = isa::kSlotZero;
    u8 scale = 0;   // shift of the index
    u16 entry = 0;  // in Windows::table

    bool operator==(const Anchor&) const = default;
    [[nodiscard]] static constexpr Anchor of_register(unsigned number) { return {.base = static_cast<u8>(number)}; }
    [[nodiscard]] static constexpr Anchor of_entry(u16 entry) { return {.entry = entry}; }
    [[nodiscard]] bool constant() const { return base == isa::kSlotZero && index == isa::kSlotZero; }
};

/// The first 4 GiB.
inline constexpr Anchor kLowWindow = Anchor::of_entry(0);

/// An anchor, and how far from it an operand is.
struct Anchored {
    /// At most, on both sides: indices of 32 bits, zero- or sign-extended, with any displacement.
    static constexpr i64 kMostOffset = i64{36} << 30;

    Anchor anchor;
    Range offset;
};

/// The anchor of the memory operand of `i`, an instruction of 64-bit code with 64-bit addresses, in front of which
/// registers have `ranges`. `next_rip`: behind it.
[[nodiscard]] Anchored anchor_of(const isa::Instruction& i, const RegisterRanges& ranges, u64 next_rip);

}  // namespace bantam::jit
