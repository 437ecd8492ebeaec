#include "jit/kept_distance.h"

#include <algorithm>
#include <cstdlib>

#include "jit/register_effects.h"
#include "jit/register_map.h"

namespace bantam::jit {
namespace {

using isa::Operand;

/// Whether homed registers take no more scratch registers than kSpare and kAddress.
bool few_homed(const isa::Instruction& i) {
    const auto homed = std::count_if(i.operands.begin(), i.operands.begin() + i.operand_count, [](const Operand& o) {
        return o.kind == isa::OperandKind::gpr && is_homed(number_of(o));
    });
    return homed <= 1 && (!is_homed_part(i.base) || !is_homed_part(i.index));
}

}  // namespace

void KeptDistance::note_access(const Range& offset) {
    const i64 farthest = std::max(std::abs(offset.low), std::abs(offset.high));
    if (farthest >= kMostFromAccess) return;
    from_access_ = farthest;
    near_access_ = true;
}

void KeptDistance::begin_turn() {
    if (!anchor_ || anchor_->constant()) return;
    if (!near_access_ || from_access_ >= kMostFromAccess) forget();
    moved_ = 0;
    near_access_ = false;
}

void KeptDistance::move(u8 number, i64 change) {
    if (!anchor_) return;
    const bool small = -kMostMove < change && change < kMostMove;
    if (anchor_->base == number) move_anchor(small ? change : kMostMove);
    if (anchor_ && anchor_->index == number) move_anchor(small ? change * (i64{1} << anchor_->scale) : kMostMove);
}

void KeptDistance::move_anchor(i64 change) {
    from_access_ += std::abs(change);  // of few enough bits, or all is forgotten
    moved_ += change;
    if (moved_ <= -kMostMove || moved_ >= kMostMove) forget();
}

void KeptDistance::follow(const isa::Instruction& i) {
    if (!anchor_) return;
    const std::optional<u32> written = written_by(i);
    if (!written || !few_homed(i)) return forget();
    for (const u8 number : {anchor_->base, anchor_->index}) {
        if (number >= isa::kSlotRip || (*written >> number & 1) == 0) continue;
        const std::optional<i64> change = added_by(i, number);
        // Registers that are written without being operands are not added to.
        if (!change || *change == 0) return forget();
        move(number, *change);
        if (!anchor_) return;
    }
}

}  // namespace bantam::jit
