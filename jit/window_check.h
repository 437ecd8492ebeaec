// WindowCheck: tells by a load whether an address of 64-bit code is in the window that it is expected in. PERF: looking
// the window up (mmu/windows.h) makes an access wait seven cycles for its address; where the window is known, nothing
// waits for the check. It takes no branch and touches no flag.
//
// Bits 51:20 of the address + displacement_of(entry), 32 bits, are the address of the one page of a region that can be
// read if bits 51:32 are those of a canonical address in the window of `entry`, and for any other canonical address
// that of one that cannot be read. What is not canonical may come out beyond the region, and pass there: it is more
// than 2^48 from the window then, in its lowest 52 bits, so the host's processor, for which windows lie in [0, 2^47),
// finds the access not canonical either.
#pragma once

#include <memory>

#include "base/types.h"
#include "mmu/windows.h"

namespace bantam::jit {

class WindowCheck {
public:
    /// Null where the host has no room for the region in the first 4 GiB.
    static std::unique_ptr<WindowCheck> create();
    ~WindowCheck();
    WindowCheck(const WindowCheck&) = delete;
    WindowCheck& operator=(const WindowCheck&) = delete;

    /// The lowest bit of an address that is looked at.
    static constexpr unsigned kLowestBit = 20;

    [[nodiscard]] i32 displacement_of(u16 entry) const {
        return static_cast<i32>(page() - static_cast<u32>(Windows::first_linear(entry) >> kLowestBit));
    }
    /// Whether a fault of translated code at `address` means that an address was in another window: none of its other
    /// accesses faults there.
    [[nodiscard]] static bool refused(u64 address) { return address < kEnd; }

private:
    static constexpr u64 kEnd = u64{1} << 32;
    static constexpr u32 kPageBytes = 1u << (32 - kLowestBit);
    // In these units: canonical addresses are less than 2^28 apart, and what is beyond is 2^48 + 2^37 away.
    static constexpr u32 kMostDistance = (1u << 28) + (1u << 17);

    explicit WindowCheck(u32 region) : region_(region) {}
    [[nodiscard]] u32 page() const { return region_ + kMostDistance; }

    u32 region_;
};

}  // namespace bantam::jit
