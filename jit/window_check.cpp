#include "jit/window_check.h"

#include <sys/mman.h>

#include "base/check.h"

namespace bantam::jit {

std::unique_ptr<WindowCheck> WindowCheck::create() {
    // From above: code and records need what is below 2 GiB.
    constexpr u64 kStep = u64{1} << 24, kLeast = u64{1} << 28, kBytes = 2 * u64{kMostDistance};
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    static_assert(kPageBytes == kPageSize);
    for (u64 wanted = kEnd - kBytes; wanted >= kLeast; wanted -= kStep) {
        void* const at = mmap(reinterpret_cast<void*>(wanted), kBytes, PROT_NONE, kFlags, -1, 0);
        if (at == MAP_FAILED) continue;
        if (reinterpret_cast<u64>(at) != wanted) {  // by a host that does not know the flag
            munmap(at, kBytes);
            continue;
        }
        CHECK(mprotect(reinterpret_cast<void*>(wanted + kMostDistance), kPageBytes, PROT_READ) == 0);
        return std::unique_ptr<WindowCheck>(new WindowCheck(static_cast<u32>(wanted)));
    }
    return nullptr;
}

WindowCheck::~WindowCheck() { munmap(reinterpret_cast<void*>(u64{region_}), 2 * std::size_t{kMostDistance}); }

}  // namespace bantam::jit
