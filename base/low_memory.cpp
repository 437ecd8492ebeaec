#include "base/low_memory.h"

#include <sys/mman.h>

#include <new>

namespace bantam {

void* allocate_low(std::size_t bytes, LowUse use) {
    constexpr int kProtection = PROT_READ | PROT_WRITE;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (use == LowUse::whole ? MAP_POPULATE : 0);
    void* at = mmap(nullptr, bytes, kProtection, flags | MAP_32BIT, -1, 0);
    if (at == MAP_FAILED) at = mmap(nullptr, bytes, kProtection, flags, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    return at;
}

void release_low(void* at, std::size_t bytes) { munmap(at, bytes); }

}  // namespace bantam
