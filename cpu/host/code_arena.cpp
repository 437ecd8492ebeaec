// See code_arena.h.
#include "cpu/host/code_arena.h"

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
    Result<std::unique_ptr<ExecutableMemory>> memory =
        ExecutableMemory::create(bytes, ExecutableMemory::Place::anywhere);
    if (!memory) return memory.error();
    std::unique_ptr<CodeArena> arena(new CodeArena(std::move(memory.value())));
    const u8* const executable = arena->memory_->executable();

    std::memcpy(arena->memory_->writable(), &kHostMxcsr, sizeof kHostMxcsr);
    arena->used_ = kAlignment;
    const void* simd_exit = arena->add(fault_exit(executable, true).code());
    const void* other_exit = arena->add(fault_exit(executable, false).code());
    arena->prologue_ = arena->used_;
    const u64 begin = reinterpret_cast<u64>(executable);
    arena->range_ = register_fault_range(begin + arena->prologue_, begin + bytes, reinterpret_cast<u64>(simd_exit),
                                         reinterpret_cast<u64>(other_exit));
    return arena;
}

CodeArena::~CodeArena() {
    if (range_ != nullptr) release_fault_range(range_);
}

const void* CodeArena::add(std::span<const u8> code) {
    if (code.size() + kAlignment > free_bytes()) return nullptr;
    std::memcpy(memory_->writable() + used_, code.data(), code.size());
    const void* address = memory_->executable() + used_;
    used_ = align_up(used_ + code.size(), kAlignment);
    return address;
}

}  // namespace bantam::host
