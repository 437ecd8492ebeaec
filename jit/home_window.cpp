#include "jit/home_window.h"

#include <algorithm>

namespace bantam::jit {

/// Where there is no room, all others lose one: what is used most stays (Misra and Gries).
void HomeWindow::note_access(u16 entry) {
    ++accesses_;
    const auto same = [entry](const Uses& uses) { return uses.count != 0 && uses.entry == entry; };
    auto found = std::find_if(uses_.begin(), uses_.end(), same);
    if (found == uses_.end()) {
        found = std::find_if(uses_.begin(), uses_.end(), [](const Uses& uses) { return uses.count == 0; });
    }
    if (found == uses_.end()) {
        for (Uses& uses : uses_) --uses.count;
    } else {
        *found = {entry, found->count + 1};
    }
}

bool HomeWindow::moves() {
    constexpr u32 kBetter = 4, kMoreNeed = 4, kMostNeed = 1u << 20;
    if (accesses_ < needed_) return false;
    const Uses best = most_used();
    const bool worth_it = best.entry != entry_ && best.count > kBetter * uses_of(entry_);
    if (worth_it) {
        entry_ = best.entry;
        needed_ = std::min(kMoreNeed * needed_, kMostNeed);
    }
    accesses_ = 0;
    uses_ = {};
    return worth_it;
}

void HomeWindow::settle() {
    if (const Uses best = most_used(); best.count > uses_of(entry_)) entry_ = best.entry;
    accesses_ = 0;
    uses_ = {};
}

HomeWindow::Uses HomeWindow::most_used() const {
    return *std::max_element(uses_.begin(), uses_.end(),
                             [](const Uses& a, const Uses& b) { return a.count < b.count; });
}

u32 HomeWindow::uses_of(u16 entry) const {
    for (const Uses& uses : uses_) {
        if (uses.entry == entry) return uses.count;
    }
    return 0;
}

}  // namespace bantam::jit
