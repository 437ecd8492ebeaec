// KeptDistance: whose window's distance (mmu/windows.h) a scratch register still has after an access of 64-bit code, so
// that another by the same anchor needs not look it up again. The anchor may have moved a little since: what lies
// beyond the window's end is in its guard, where accesses fault.
#pragma once

#include <optional>

#include "jit/anchor.h"
#include "mmu/windows.h"

namespace bantam::jit {

class KeptDistance {
public:
    void forget() { anchor_.reset(); }
    /// The scratch register has the distance of the window that `anchor` points into.
    void set(const Anchor& anchor) {
        anchor_ = anchor;
        moved_ = 0;
        near_access_ = false;
    }
    /// Whether it serves for an operand at `anchor` + `offset`, which is at most Anchored::kMostOffset.
    [[nodiscard]] bool serves(const Anchor& anchor) const { return anchor_ == anchor; }
    /// The access at the anchor + `offset`, which it served, is made.
    void note_access(const Range& offset);
    /// A loop's turn begins: what the anchor moved in the turn before does not count. Where there was no access near
    /// where it is now, which would have found the end of the window, it is forgotten.
    void begin_turn();
    /// What it belongs to, if there is anything.
    [[nodiscard]] const std::optional<Anchor>& anchor() const { return anchor_; }
    /// General register `number` + `change` is the new value.
    void move(u8 number, i64 change);
    /// `i` was translated, through windows or without memory: what it does to the registers.
    void follow(const isa::Instruction& i);

private:
    // With all of them, and an operand's offset, an address is less than a guard from where the anchor was in the
    // window, also when the distance was looked up again on the way back from a handler.
    static constexpr i64 kMostMove = i64{1} << 29;
    static constexpr i64 kMostFromAccess = i64{1} << 28;
    static_assert(Anchored::kMostOffset + 2 * kMostMove + 2 * kMostFromAccess < static_cast<i64>(Windows::kGuardBytes));

    void move_anchor(i64 change);

    std::optional<Anchor> anchor_;
    i64 moved_ = 0;             // the anchor since then
    i64 from_access_ = 0;       // at most, from the last address that was accessed by it to where it is
    bool near_access_ = false;  // there was one in this turn
};

}  // namespace bantam::jit
