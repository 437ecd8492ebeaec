// HomeWindow: the window (mmu/windows.h) whose distance 64-bit code of one side, supervisor's or user's, has in kAddend
// at both ends of each block: the one that what was translated lately accesses most. PERF: an access behind a branch
// that was mispredicted would wait for the load of its distance.
#pragma once

#include <array>

#include "base/types.h"

namespace bantam::jit {

class HomeWindow {
public:
    /// In Windows::table.
    [[nodiscard]] u16 entry() const { return entry_; }
    /// An operand that is being translated is expected in the window of `entry`.
    void note_access(u16 entry);
    /// Whether another window is so much better that giving up all translations of the side is worth it; then entry()
    /// is that one. Each time it takes more.
    [[nodiscard]] bool moves();
    /// There are no translations of the side: any better one is taken.
    void settle();

private:
    struct Uses {
        u16 entry = 0;
        u32 count = 0;
    };
    [[nodiscard]] Uses most_used() const;
    [[nodiscard]] u32 uses_of(u16 entry) const;

    static constexpr u32 kFirstNeed = 256;  // accesses

    u16 entry_ = 0;
    u32 accesses_ = 0;
    u32 needed_ = kFirstNeed;
    std::array<Uses, 8> uses_{};  // one with a count of zero is free
};

}  // namespace bantam::jit
