// CheckedAnchors: which anchors (jit/anchor.h) are known to point into which windows, or a little beside
// (jit/anchor_place.h), at a place in a block: their windows were as expected (jit/window_check.h), and there is no way
// to that place on which they were not. So several anchors share the one distance of their window.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "jit/anchor_place.h"

namespace bantam::jit {

class CheckedAnchors {
public:
    /// The entry (Windows::table) of the window of `anchor`, if that is known.
    [[nodiscard]] std::optional<u16> entry_of(const Anchor& anchor) const;
    /// `anchor` points into the window of `entry`. Where there are many, the one that was added first is forgotten.
    void add(const Anchor& anchor, u16 entry);
    /// The access at `anchor` + `offset`, which is at most Anchored::kMostOffset, is made.
    void note_access(const Anchor& anchor, const Range& offset);
    /// General register `number` + `change` is the new value.
    void move(u8 number, i64 change);
    /// `i` was executed: what it does to the registers. A copy of a register is known as that is.
    void follow(const isa::Instruction& i);
    /// A loop's turn begins (AnchorPlace).
    void begin_turn();
    void forget() { count_ = 0; }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// Whether all that `other` knows is known.
    [[nodiscard]] bool contain(const CheckedAnchors& other) const;

private:
    struct Checked {
        AnchorPlace place{Anchor{}};
        u16 entry = 0;
    };
    static constexpr std::size_t kMost = 6;

    [[nodiscard]] std::span<const Checked> all() const { return std::span(checked_).first(count_); }
    [[nodiscard]] std::optional<Checked> copied_by(const isa::Instruction& i) const;
    void add(const Checked& checked);
    /// Forgets those for which `known` is false.
    template <class Known>
    void keep(const Known& known);

    std::array<Checked, kMost> checked_{};
    std::size_t count_ = 0;
};

}  // namespace bantam::jit
