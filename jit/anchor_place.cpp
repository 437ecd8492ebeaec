#include "jit/anchor_place.h"

#include <algorithm>
#include <cstdlib>

#include "jit/register_effects.h"

namespace bantam::jit {

void AnchorPlace::note_access(const Range& offset) {
    const i64 farthest = std::max(std::abs(offset.low), std::abs(offset.high));
    if (farthest >= kMostFromAccess) return;
    from_access_ = farthest;
    near_access_ = true;
}

bool AnchorPlace::begin_turn() {
    if (anchor_.constant()) return true;
    if (!near_access_ || from_access_ >= kMostFromAccess) return false;
    moved_ = 0;
    near_access_ = false;
    return true;
}

bool AnchorPlace::move(u8 number, i64 change) {
    const bool small = -kMostMove < change && change < kMostMove;
    if (anchor_.base == number && !move_anchor(small ? change : kMostMove)) return false;
    return anchor_.index != number || move_anchor(small ? change * (i64{1} << anchor_.scale) : kMostMove);
}

bool AnchorPlace::move_anchor(i64 change) {
    from_access_ += std::abs(change);  // of few enough bits, or all is forgotten
    moved_ += change;
    return -kMostMove < moved_ && moved_ < kMostMove;
}

bool AnchorPlace::follow(const isa::Instruction& i) {
    const std::optional<u32> written = written_by(i);
    if (!written) return false;
    for (const u8 number : {anchor_.base, anchor_.index}) {
        if (number >= isa::kSlotRip || (*written >> number & 1) == 0) continue;
        const std::optional<i64> change = added_by(i, number);
        // Registers that are written without being operands are not added to.
        if (!change || *change == 0 || !move(number, *change)) return false;
    }
    return true;
}

}  // namespace bantam::jit
