#include "jit/anchor.h"

#include <algorithm>

#include "mmu/windows.h"

namespace bantam::jit {
namespace {

constexpr Range kNear{-Anchored::kMostOffset, Anchored::kMostOffset};

/// At one of `addresses`.
Anchored constant(i64 nearest, const Range& addresses) {
    const i64 address = std::clamp(nearest, addresses.low, addresses.high);
    return {Anchor::of_entry(Windows::entry_of(static_cast<u64>(address))), addresses.plus({-address, -address})};
}

}  // namespace

Anchored anchor_of(const isa::Instruction& i, const RegisterRanges& ranges, u64 next_rip) {
    constexpr Range kNothing{0, 0};
    const Range displacement{i.displacement, i.displacement};
    const bool has_base = i.base < isa::kSlotRip, has_index = i.index != isa::kSlotZero;
    if (!has_base && !has_index) {
        const u64 address = (i.base == isa::kSlotRip ? next_rip : 0) + static_cast<u64>(i.displacement);
        return {Anchor::of_entry(Windows::entry_of(address)), kNothing};
    }
    const Range base = has_base ? ranges.of(i.base) : kNothing;
    const Range index = has_index ? ranges.of(i.index) : kNothing;
    const bool base_near = base.known() && base.plus(displacement).within(kNear);
    const bool index_near = index.known() && index.shifted(i.scale).plus(displacement).within(kNear);
    if (base_near && index_near) {
        const Range addresses = base.plus(index.shifted(i.scale)).plus(displacement);
        if (addresses.within(kNear)) return constant(i.displacement, addresses);
    }
    if (has_base && index_near) return {Anchor::of_register(i.base), index.shifted(i.scale).plus(displacement)};
    if (has_index && i.scale == 0 && base_near) return {Anchor::of_register(i.index), base.plus(displacement)};
    return {{.base = i.base, .index = i.index, .scale = i.scale}, displacement};
}

}  // namespace bantam::jit
