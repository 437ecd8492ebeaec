// WindowPolicy: when data accesses go through windows (mmu/windows.h). A page that comes into a window costs a host
// fault and a mapping, and another when the TLB takes it back: 6 us where a soft TLB miss costs 0.05. So windows are
// for times in which the TLB misses little. It goes by counts, never by the host's clock.
#pragma once

#include <array>

#include "mmu/mmu.h"

namespace bantam::jit {

class WindowPolicy {
public:
    [[nodiscard]] bool enabled(Privilege privilege) const { return sides_[index_of(privilege)].enabled; }
    /// A host fault in a window.
    void count_fault(Privilege privilege) { ++sides_[index_of(privilege)].faults; }
    /// Such a fault, of a page that cannot come into a window now. True: there are so many that the interval ends here.
    [[nodiscard]] bool count_unsuited(Privilege privilege) {
        if (++sides_[index_of(privilege)].unsuited > kManyUnsuited) ended_ = true;
        return ended_;
    }
    /// Whether an interval has ended when so many instructions are retired.
    [[nodiscard]] bool due(u64 instructions) const { return ended_ || instructions - since_ >= kInterval; }
    /// It has, and so often the TLB has missed up to now.
    void end_interval(u64 instructions, u64 supervisor_misses, u64 user_misses);
    /// Intervals that have ended.
    [[nodiscard]] u32 interval() const { return interval_; }

private:
    /// Instructions between decisions, and events in that time: with fewer than kFewMisses windows are taken up, with
    /// more than kManyFaults given up. PERF: 128 events cost 0.8 ms, about what windows save in 2^21 instructions.
    static constexpr u64 kInterval = u64{1} << 21;
    static constexpr u64 kFewMisses = 48;
    static constexpr u64 kManyFaults = 128;
    /// PERF: two pages that displace each other in the TLB, a stack perhaps, had 12,000 in one interval: 30 ms.
    static constexpr u64 kManyUnsuited = 256;
    static constexpr u32 kLongestPause = 64;
    static constexpr u32 kCalm = 16;  // as many intervals of a pause is one with few misses

    struct Side {
        bool enabled = false;
        u64 faults = 0;
        u64 unsuited = 0;
        u64 misses = 0;   // Mmu's at the last decision
        u32 pause = 1;    // intervals to wait after windows were given up; doubles each time
        u32 waiting = 0;  // of them, left
        u32 kept = 0;     // intervals since they were taken up
    };
    static unsigned index_of(Privilege privilege) { return privilege == Privilege::user ? 1 : 0; }
    static void decide(Side& side, u64 misses);

    std::array<Side, 2> sides_{};
    bool ended_ = false;
    u64 since_ = 0;
    u32 interval_ = 0;
};

}  // namespace bantam::jit
