// KeptDistance: whose window's distance (mmu/windows.h) a scratch register still has after an access of 64-bit code, so
// that another by the same anchor needs not look it up again. The anchor may have moved a little since
// (jit/anchor_place.h).
#pragma once

#include <optional>

#include "jit/anchor_place.h"

namespace bantam::jit {

class KeptDistance {
public:
    void forget() { place_.reset(); }
    /// The scratch register has the distance of the window that `anchor` points into.
    void set(const Anchor& anchor) { place_.emplace(anchor); }
    /// Whether it serves for an operand at `anchor` + `offset`, which is at most Anchored::kMostOffset.
    [[nodiscard]] bool serves(const Anchor& anchor) const { return place_ && place_->anchor() == anchor; }
    /// The access at the anchor + `offset`, which it served, is made.
    void note_access(const Range& offset) {
        if (place_) place_->note_access(offset);
    }
    /// A loop's turn begins (AnchorPlace).
    void begin_turn() {
        if (place_ && !place_->begin_turn()) forget();
    }
    /// What it belongs to, if there is anything.
    [[nodiscard]] std::optional<Anchor> anchor() const {
        return place_ ? std::optional(place_->anchor()) : std::nullopt;
    }
    /// General register `number` + `change` is the new value.
    void move(u8 number, i64 change) {
        if (place_ && !place_->move(number, change)) forget();
    }
    /// `i` was translated, through windows or without memory: what it does to the registers.
    void follow(const isa::Instruction& i);

private:
    std::optional<AnchorPlace> place_;
};

}  // namespace bantam::jit
