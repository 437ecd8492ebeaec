#include "jit/checked_anchors.h"

#include <algorithm>

#include "jit/register_effects.h"

namespace bantam::jit {

using isa::Mnemonic;
using isa::OperandKind;

template <class Known>
void CheckedAnchors::keep(const Known& known) {
    const auto end = std::remove_if(checked_.begin(), checked_.begin() + static_cast<std::ptrdiff_t>(count_),
                                    [&known](Checked& checked) { return !known(checked.place); });
    count_ = static_cast<std::size_t>(end - checked_.begin());
}

std::optional<u16> CheckedAnchors::entry_of(const Anchor& anchor) const {
    for (const Checked& checked : all()) {
        if (checked.place.anchor() == anchor) return checked.entry;
    }
    return std::nullopt;
}

void CheckedAnchors::add(const Anchor& anchor, u16 entry) { add({AnchorPlace(anchor), entry}); }

void CheckedAnchors::add(const Checked& checked) {
    if (count_ == kMost) std::copy(checked_.begin() + 1, checked_.end(), checked_.begin());
    count_ = std::min(count_ + 1, kMost);
    checked_[count_ - 1] = checked;
}

void CheckedAnchors::note_access(const Anchor& anchor, const Range& offset) {
    for (Checked& checked : std::span(checked_).first(count_)) {
        if (checked.place.anchor() == anchor) checked.place.note_access(offset);
    }
}

void CheckedAnchors::move(u8 number, i64 change) {
    keep([&](AnchorPlace& place) { return place.move(number, change); });
}

/// What is known of the register that `i` writes, since it is a known one and a constant.
std::optional<CheckedAnchors::Checked> CheckedAnchors::copied_by(const isa::Instruction& i) const {
    if (i.operand_count != 2 || i.operands[0].kind != OperandKind::gpr || i.operands[0].size != 8) return std::nullopt;
    const bool moves = i.mnemonic == Mnemonic::Mov && i.operands[1].kind == OperandKind::gpr;
    const bool adds =
        i.mnemonic == Mnemonic::Lea && i.base < isa::kSlotRip && i.index == isa::kSlotZero && i.address_size == 8;
    if (!moves && !adds) return std::nullopt;
    const u8 from = moves ? i.operands[1].reg : i.base, to = i.operands[0].reg;
    for (Checked checked : all()) {
        if (from == to || checked.place.anchor() != Anchor::of_register(from)) continue;
        checked.place.pass_to(Anchor::of_register(to));
        return moves || checked.place.move(to, i.displacement) ? std::optional(checked) : std::nullopt;
    }
    return std::nullopt;
}

void CheckedAnchors::follow(const isa::Instruction& i) {
    if (empty()) return;
    const std::optional<Checked> copied = copied_by(i);
    keep([&i](AnchorPlace& place) { return place.follow(i); });
    if (copied) add(*copied);
}

void CheckedAnchors::begin_turn() {
    keep([](AnchorPlace& place) { return place.begin_turn(); });
}

bool CheckedAnchors::contain(const CheckedAnchors& other) const {
    return std::all_of(other.all().begin(), other.all().end(),
                       [this](const Checked& checked) { return entry_of(checked.place.anchor()) == checked.entry; });
}

}  // namespace bantam::jit
