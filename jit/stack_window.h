// The stack's window: while 64-bit code with windows (mmu/windows.h) runs, the base of GS is the distance of the window
// that RSP pointed into a while ago, so that pushes, pops, calls and operands in the stack look nothing up. C++ sets it
// on the way into translated code; instructions that change RSP in any other way than by a small constant set it anew.
//
// RSP may drift from there: an access beyond the window ends in a guard, where it faults, as long as it is less than a
// guard away. Those that push, pop or return access memory at RSP, so they start from a page of the window; all others
// add at most kMostStep, and there are at most CountRegion::kMost until C++ sets GS again.
#pragma once

#include "base/types.h"
#include "jit/anchor.h"
#include "jit/count_region.h"
#include "mmu/windows.h"

namespace bantam::jit::stack_window {

inline constexpr i64 kMostStep = 1 << 10;
inline constexpr i64 kMostAfterAccess = 1 << 17;  // what a RET releases, or a block's pushes and pops move
static_assert(kMostStep * static_cast<i64>(CountRegion::kMost) + Anchored::kMostOffset + kMostAfterAccess <
              static_cast<i64>(Windows::kGuardBytes));

/// Whether the distance holds when RSP changes by `change` without an access there.
[[nodiscard]] constexpr bool outlasts(i64 change) { return -kMostStep <= change && change <= kMostStep; }

/// The base of GS for a window at `distance`. Where that is not canonical, which a base must be, it is 0: RSP, in the
/// upper half then, is where the host's processor lets no program access anything.
[[nodiscard]] constexpr u64 base_for(u64 distance) {
    const auto canonical = static_cast<u64>(static_cast<i64>(distance << 16) >> 16);
    return canonical == distance ? distance : 0;
}

/// Whether the host lets programs set the base of GS.
[[nodiscard]] bool host_allows();
/// The base of GS. The host must allow it.
[[nodiscard]] inline u64 distance() {
    u64 base;
    asm volatile("rdgsbase %0" : "=r"(base));
    return base;
}
inline void set_distance(u64 distance) { asm volatile("wrgsbase %0" : : "r"(distance)); }
/// Whether the host instruction at `code` accesses memory in GS.
[[nodiscard]] bool accesses(const u8* code);

}  // namespace bantam::jit::stack_window
