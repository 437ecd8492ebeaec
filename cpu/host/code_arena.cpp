// See code_arena.h.
#include "cpu/host/code_arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "base/bits.h"
#include "cpu/host/emitter.h"
#include "cpu/host/fault_signals.h"
#include "cpu/state.h"

namespace bantam::host {
namespace {

constexpr u32 kHostMxcsr = 0x1F80;  // the ABI's: all exceptions masked, round to nearest
constexpr std::size_t kAlignment = 16;

/// Ends a thunk in which the host raised an exception; EAX was set by the signal handler.
Emitter fault_exit(const void* host_mxcsr, bool keep_flags) {
    Emitter emitter;
    if (keep_flags) emitter.stmxcsr(offsetof(CpuState, mxcsr));
    emitter.ldmxcsr_absolute(host_mxcsr);
    if (__builtin_cpu_supports("avx")) emitter.vzeroupper();
    emitter.ret();
    return emitter;
}

}  // namespace

Result<std::unique_ptr<CodeArena>> CodeArena::create(std::size_t bytes) {
    const Error refused{ExitStatus::host_resource,
                        "the host gives no executable memory: memfd_create or mmap failed; check its security policy"};
    const int fd = memfd_create("bantam-code", MFD_CLOEXEC);
    if (fd < 0) return refused;
    std::unique_ptr<CodeArena> arena(new CodeArena);
    arena->size_ = bytes;
    void* writable = MAP_FAILED;
    void* executable = MAP_FAILED;
    if (ftruncate(fd, static_cast<off_t>(bytes)) == 0) {
        writable = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        executable = mmap(nullptr, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (writable != MAP_FAILED) arena->writable_ = static_cast<u8*>(writable);
    if (executable != MAP_FAILED) arena->executable_ = static_cast<u8*>(executable);
    if (arena->writable_ == nullptr || arena->executable_ == nullptr) return refused;

    std::memcpy(arena->writable_, &kHostMxcsr, sizeof kHostMxcsr);
    arena->used_ = kAlignment;
    const void* simd_exit = arena->add(fault_exit(arena->executable_, true).code());
    const void* other_exit = arena->add(fault_exit(arena->executable_, false).code());
    arena->prologue_ = arena->used_;
    const u64 begin = reinterpret_cast<u64>(arena->executable_);
    arena->range_ = register_fault_range(begin + arena->prologue_, begin + bytes, reinterpret_cast<u64>(simd_exit),
                                         reinterpret_cast<u64>(other_exit));
    return arena;
}

CodeArena::~CodeArena() {
    if (range_ != nullptr) release_fault_range(range_);
    if (writable_ != nullptr) munmap(writable_, size_);
    if (executable_ != nullptr) munmap(executable_, size_);
}

const void* CodeArena::add(std::span<const u8> code) {
    if (code.size() + kAlignment > free_bytes()) return nullptr;
    std::memcpy(writable_ + used_, code.data(), code.size());
    const void* address = executable_ + used_;
    used_ = align_up(used_ + code.size(), kAlignment);
    return address;
}

}  // namespace bantam::host
