// AnchorPlace: how far an anchor (jit/anchor.h) may be from where it pointed into its window, so that what lies beyond
// the window's end is in its guard (mmu/windows.h), where accesses fault.
#pragma once

#include "jit/anchor.h"
#include "mmu/windows.h"

namespace bantam::jit {

class AnchorPlace {
public:
    /// `anchor` points into its window here.
    explicit AnchorPlace(const Anchor& anchor) : anchor_(anchor) {}

    [[nodiscard]] const Anchor& anchor() const { return anchor_; }
    /// What holds of it holds of `other`, which has the same value.
    void pass_to(const Anchor& other) { anchor_ = other; }
    /// The access at the anchor + `offset`, which is at most Anchored::kMostOffset, is made.
    void note_access(const Range& offset);

    // These say whether it is near enough afterwards.
    /// A loop's turn begins: what the anchor moved in the turn before does not count. Where there was no access near
    /// where it is now, which would have found the end of the window, it is not near enough.
    [[nodiscard]] bool begin_turn();
    /// General register `number` + `change` is the new value.
    [[nodiscard]] bool move(u8 number, i64 change);
    /// What `i`, which was executed, does to the registers.
    [[nodiscard]] bool follow(const isa::Instruction& i);

private:
    // With all of them, and an operand's offset, an address is less than a guard from where the anchor was in the
    // window, also when that was found again on the way back from a handler.
    static constexpr i64 kMostMove = i64{1} << 29;
    static constexpr i64 kMostFromAccess = i64{1} << 28;
    static_assert(Anchored::kMostOffset + 2 * kMostMove + 2 * kMostFromAccess < static_cast<i64>(Windows::kGuardBytes));

    [[nodiscard]] bool move_anchor(i64 change);

    Anchor anchor_;
    i64 moved_ = 0;             // the anchor since then
    i64 from_access_ = 0;       // at most, from the last address that was accessed by it to where it is
    bool near_access_ = false;  // there was one in this turn
};

}  // namespace bantam::jit
