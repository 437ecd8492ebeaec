// HomedCopies: which homed registers (jit/register_map.h) scratch registers still have from the instructions before, so
// that reading one again does not wait for memory. What is written goes to CpuState at once, so a copy may be forgotten
// at any time. KAddress may have a second distance (jit/kept_distance.h) instead.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "jit/register_map.h"

namespace bantam::jit {

class HomedCopies {
public:
    /// Scratch registers that may have one.
    static constexpr std::array<x86::Gp, 2> kPlaces{kSpare, kAddress};

    /// Where a copy of general register `guest` is.
    [[nodiscard]] std::optional<x86::Gp> find(unsigned guest) const {
        for (unsigned place = 0; place < kPlaces.size(); ++place) {
            if (guest_[place] == guest) return kPlaces[place];
        }
        return std::nullopt;
    }
    /// `reg` has the value of general register `guest` now, and no other has.
    void set(const x86::Gp& reg, unsigned guest) {
        forget_guest(guest);
        for (unsigned place = 0; place < kPlaces.size(); ++place) {
            if (kPlaces[place].id() != reg.id()) continue;
            guest_[place] = static_cast<u8>(guest);
            next_ = place ^ 1u;
        }
    }
    /// `reg` has another value now.
    void forget(const x86::Gp& reg) {
        for (unsigned place = 0; place < kPlaces.size(); ++place) {
            if (kPlaces[place].id() == reg.id()) guest_[place] = kNone;
        }
    }
    /// General register `guest` has another value now.
    void forget_guest(unsigned guest) {
        for (u8& copied : guest_) {
            if (copied == guest) copied = kNone;
        }
    }
    void forget() { guest_.fill(kNone); }
    /// KAddress has a distance now.
    void set_distance() { set(kAddress, kDistance); }
    [[nodiscard]] bool has_distance() const { return guest_[1] == kDistance; }
    /// What `reg`, one of kPlaces, has a copy of, if it has one.
    [[nodiscard]] std::optional<unsigned> in(const x86::Gp& reg) const {
        const u8 guest = guest_[reg.id() == kPlaces[0].id() ? 0 : 1];
        return guest < kDistance ? std::optional<unsigned>(guest) : std::nullopt;
    }
    [[nodiscard]] bool empty() const { return guest_[0] == kNone && guest_[1] == kNone; }

    /// Where the next copy should be, but in none of `taken`: an unused place, else that of the older copy.
    [[nodiscard]] std::optional<x86::Gp> place(std::span<const u32> taken) const;
    /// The copies there are: general register and place.
    template <class Visit>
    void each(const Visit& visit) const {
        for (unsigned place = 0; place < kPlaces.size(); ++place) {
            if (guest_[place] < kDistance) visit(guest_[place], kPlaces[place]);
        }
    }

private:
    static constexpr u8 kNone = 0xFF, kDistance = 0xFE;
    std::array<u8, kPlaces.size()> guest_{kNone, kNone};
    unsigned next_ = 0;  // the place whose copy is older
};

}  // namespace bantam::jit
