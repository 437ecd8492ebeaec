// KeptDistance: whose window's distance (mmu/windows.h) kAddend still has after an access of 64-bit code, so that
// another by the same register needs not look it up again. The register may have moved a little since: what lies beyond
// the window's end is in its guard, where accesses fault.
#pragma once

#include <optional>

#include "cpu/isa/instruction.h"

namespace bantam::jit {

/// What `i` adds to general register `number` of 8 bytes by its operands, if that is known: zero where none of them
/// writes it.
[[nodiscard]] std::optional<i64> added_by(const isa::Instruction& i, unsigned number);

class KeptDistance {
public:
    static constexpr u8 kNone = 0xFF;

    void forget() { base_ = kNone; }
    /// KAddend has the distance of the window that general register `base` points into.
    void set(u8 base) {
        base_ = base;
        moved_ = 0;
    }
    /// Whether kAddend serves for `base` + `displacement`.
    [[nodiscard]] bool serves(u8 base, i64 displacement) const;
    /// The general register it belongs to; kNone: there is none.
    [[nodiscard]] u8 base() const { return base_; }
    /// General register `base` + `change` is the new value.
    void move(u8 base, i64 change);
    /// `i` was translated, through windows or without memory: what it does to the register.
    void follow(const isa::Instruction& i);

private:
    // With both, an address is less than 2 GiB, a guard, from where the register was, also when the distance was looked
    // up again on the way back from a handler.
    static constexpr i64 kMostMove = i64{1} << 29;
    static constexpr i64 kMostOffset = i64{1} << 30;

    u8 base_ = kNone;
    i64 moved_ = 0;  // the register since then
};

}  // namespace bantam::jit
