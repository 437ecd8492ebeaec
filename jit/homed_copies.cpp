#include "jit/homed_copies.h"

#include <algorithm>

namespace bantam::jit {

std::optional<x86::Gp> HomedCopies::place(std::span<const u32> taken) const {
    const auto allowed = [taken](unsigned place) {
        return std::find(taken.begin(), taken.end(), kPlaces[place].id()) == taken.end();
    };
    for (unsigned place = 0; place < kPlaces.size(); ++place) {
        if (guest_[place] == kNone && allowed(place)) return kPlaces[place];
    }
    for (const unsigned place : {next_, next_ ^ 1u}) {
        if (allowed(place)) return kPlaces[place];
    }
    return std::nullopt;
}

}  // namespace bantam::jit
