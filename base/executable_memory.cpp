#include "base/executable_memory.h"

#include <sys/mman.h>

namespace bantam {

Result<std::unique_ptr<ExecutableMemory>> ExecutableMemory::create(std::size_t bytes, Place place) {
    const Error refused{
        ExitStatus::host_resource,
        "the host gives no executable memory: mmap, mremap or mprotect failed; check its security policy"};
    std::unique_ptr<ExecutableMemory> memory(new ExecutableMemory);
    memory->size_ = bytes;
    constexpr int kFlags = MAP_SHARED | MAP_ANONYMOUS;
    void* executable = MAP_FAILED;
    if (place == Place::low) executable = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags | MAP_32BIT, -1, 0);
    if (executable == MAP_FAILED) executable = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (executable == MAP_FAILED) return refused;
    memory->executable_ = static_cast<u8*>(executable);
    // An old size of 0 maps shared pages a second time (mremap(2)).
    void* const writable = mremap(executable, 0, bytes, MREMAP_MAYMOVE);
    if (writable == MAP_FAILED) return refused;
    memory->writable_ = static_cast<u8*>(writable);
    if (mprotect(executable, bytes, PROT_READ | PROT_EXEC) != 0) return refused;
    return memory;
}

ExecutableMemory::~ExecutableMemory() {
    if (writable_ != nullptr) munmap(writable_, size_);
    if (executable_ != nullptr) munmap(executable_, size_);
}

}  // namespace bantam
