// RegisterRanges: which values general registers can have at a place in a block of 64-bit code, as far as its
// instructions before tell: indices that are zero-extended, masked or constant. What is not followed may be anything.
#pragma once

#include <algorithm>
#include <array>

#include "cpu/isa/instruction.h"

namespace bantam::jit {

/// The values from `low` to `high`, as signed numbers of 64 bits; those beyond kMost are not told apart from all.
struct Range {
    static constexpr i64 kMost = i64{1} << 40;

    i64 low = -kMost;
    i64 high = kMost;

    bool operator==(const Range&) const = default;
    [[nodiscard]] constexpr bool known() const { return -kMost < low && high < kMost; }
    [[nodiscard]] constexpr bool within(const Range& other) const { return other.low <= low && high <= other.high; }
    [[nodiscard]] constexpr Range joined(const Range& other) const {
        return {std::min(low, other.low), std::max(high, other.high)};
    }
    /// The sums of its values and those of `other`; both known.
    [[nodiscard]] constexpr Range plus(const Range& other) const { return {low + other.low, high + other.high}; }
    /// Its values, known, << `shift`, at most 3.
    [[nodiscard]] constexpr Range shifted(unsigned shift) const {
        return {low * (i64{1} << shift), high * (i64{1} << shift)};
    }
};
inline constexpr Range kUnsigned32{0, 0xFFFFFFFF};

class RegisterRanges {
public:
    [[nodiscard]] const Range& of(unsigned number) const { return ranges_.at(number); }
    void forget() { ranges_ = {}; }
    /// `i` was executed.
    void follow(const isa::Instruction& i);
    /// The registers are as here, or as in `other`.
    void join(const RegisterRanges& other) {
        for (std::size_t n = 0; n < ranges_.size(); ++n) ranges_[n] = ranges_[n].joined(other.ranges_[n]);
    }

private:
    [[nodiscard]] Range value_of(const isa::Instruction& i, const isa::Operand& operand) const;
    [[nodiscard]] Range result_of(const isa::Instruction& i) const;
    [[nodiscard]] Range address_of(const isa::Instruction& i) const;

    std::array<Range, 16> ranges_{};
};

}  // namespace bantam::jit
