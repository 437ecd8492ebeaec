#include "jit/count_region.h"

#include <sys/mman.h>

#include <new>

#include "base/check.h"

namespace bantam::jit {

CountRegion::CountRegion() {
    // Never written: every page is the kernel's one page of zeros.
    void* const at = mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    CHECK(mprotect(at, kGuardBytes, PROT_NONE) == 0);
    memory_ = reinterpret_cast<u64>(at);
}

CountRegion::~CountRegion() { munmap(reinterpret_cast<void*>(memory_), kBytes); }

}  // namespace bantam::jit
