// KeptDistance: whose window's distance (mmu/windows.h) a scratch register still has after an access of 64-bit code, so
// that another by the same register needs not look it up again. The register may have moved a little since: what lies
// beyond the window's end is in its guard, where accesses fault.
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
    /// The scratch register has the distance of the window that general register `base` points into.
    void set(u8 base) {
        base_ = base;
        moved_ = 0;
        near_access_ = false;
    }
    /// Whether it serves for `base` + `displacement`.
    [[nodiscard]] bool serves(u8 base, i64 displacement) const;
    /// The access at the register + `displacement`, which it served, is made.
    void note_access(i64 displacement) {
        from_access_ = -displacement;
        near_access_ = true;
    }
    /// A loop's turn begins: what the register moved in the turn before does not count. Where there was no access near
    /// where it is now, which would have found the end of the window, it is forgotten.
    void begin_turn();
    /// The general register it belongs to; kNone: there is none.
    [[nodiscard]] u8 base() const { return base_; }
    /// General register `base` + `change` is the new value.
    void move(u8 base, i64 change);
    /// `i` was translated, through windows or without memory: what it does to the register.
    void follow(const isa::Instruction& i);

private:
    // With all of them, an address is less than 2 GiB, a guard, from where the register was in the window, also when
    // the distance was looked up again on the way back from a handler.
    static constexpr i64 kMostMove = i64{1} << 29;
    static constexpr i64 kMostOffset = i64{1} << 30;
    static constexpr i64 kMostFromAccess = i64{1} << 28;

    u8 base_ = kNone;
    i64 moved_ = 0;             // the register since then
    i64 from_access_ = 0;       // the register less the last address that was accessed by it
    bool near_access_ = false;  // there was one in this turn
};

}  // namespace bantam::jit
