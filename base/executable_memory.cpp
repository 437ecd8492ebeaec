#include "base/executable_memory.h"

#include <sys/mman.h>
#include <unistd.h>

namespace bantam {

Result<std::unique_ptr<ExecutableMemory>> ExecutableMemory::create(std::size_t bytes, Place place) {
    const Error refused{ExitStatus::host_resource,
                        "the host gives no executable memory: memfd_create or mmap failed; check its security policy"};
    const int fd = memfd_create("bantam-code", MFD_CLOEXEC);
    if (fd < 0) return refused;
    std::unique_ptr<ExecutableMemory> memory(new ExecutableMemory);
    memory->size_ = bytes;
    void* writable = MAP_FAILED;
    void* executable = MAP_FAILED;
    if (ftruncate(fd, static_cast<off_t>(bytes)) == 0) {
        constexpr int kProtection = PROT_READ | PROT_EXEC;
        writable = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (place == Place::low) executable = mmap(nullptr, bytes, kProtection, MAP_SHARED | MAP_32BIT, fd, 0);
        if (executable == MAP_FAILED) executable = mmap(nullptr, bytes, kProtection, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (writable != MAP_FAILED) memory->writable_ = static_cast<u8*>(writable);
    if (executable != MAP_FAILED) memory->executable_ = static_cast<u8*>(executable);
    if (memory->writable_ == nullptr || memory->executable_ == nullptr) return refused;
    return memory;
}

ExecutableMemory::~ExecutableMemory() {
    if (writable_ != nullptr) munmap(writable_, size_);
    if (executable_ != nullptr) munmap(executable_, size_);
}

}  // namespace bantam
