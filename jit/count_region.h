// CountRegion: addresses that count instructions. The count that is left is kept as an address this far above base(); a
// block subtracts its length and loads from there, which faults when the count was used up. PERF: two operations a
// block that touch no flag, where comparing takes five; a fault a run costs little, for runs end seldom.
#pragma once

#include "base/types.h"

namespace bantam::jit {

class CountRegion {
public:
    CountRegion();
    ~CountRegion();
    CountRegion(const CountRegion&) = delete;
    CountRegion& operator=(const CountRegion&) = delete;

    /// The most that can be left.
    static constexpr u64 kMost = u64{1} << 21;
    [[nodiscard]] u64 base() const { return memory_ + kGuardBytes; }
    /// Whether a fault at `address` means that the count was used up.
    [[nodiscard]] bool used_up(u64 address) const { return address - memory_ < kGuardBytes; }

private:
    static constexpr u64 kGuardBytes = 4096;  // more than the longest block
    static constexpr u64 kBytes = kGuardBytes + kMost + 4096;

    u64 memory_;
};

}  // namespace bantam::jit
