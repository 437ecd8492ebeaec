#include "jit/window_policy.h"

#include <algorithm>

namespace bantam::jit {

void WindowPolicy::end_interval(u64 instructions, u64 supervisor_misses, u64 user_misses) {
    since_ = instructions;
    ended_ = false;
    ++interval_;
    decide(sides_[index_of(Privilege::supervisor)], supervisor_misses);
    decide(sides_[index_of(Privilege::user)], user_misses);
}

void WindowPolicy::decide(Side& side, u64 misses) {
    const u64 new_misses = misses - side.misses;
    side.misses = misses;
    if (!side.enabled) {
        if (side.waiting > 0) {
            side.waiting -= std::min(side.waiting, new_misses < kFewMisses ? kCalm : 1u);
        } else if (new_misses < kFewMisses) {
            side.enabled = true;
            side.kept = 0;
        }
    } else if (side.unsuited > kManyUnsuited ||
               (side.faults > kManyFaults && side.kept > 0)) {  // the first interval maps what is in use
        side.enabled = false;
        side.waiting = side.pause;
        side.pause = std::min(2 * side.pause, kLongestPause);
    } else if (++side.kept > 2 * side.pause) {
        side.pause = std::max(side.pause / 2, 1u);
    }
    side.faults = side.unsuited = 0;
}

}  // namespace bantam::jit
