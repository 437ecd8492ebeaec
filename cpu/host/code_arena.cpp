// See code_arena.h.
#include "cpu/host/code_arena.h"

#include <cstring>

#include "base/bits.h"
#include "cpu/host/emitter.h"
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
    arena->simd_exit_ = reinterpret_cast<u64>(arena->add(fault_exit(executable, true).code()));
    arena->other_exit_ = reinterpret_cast<u64>(arena->add(fault_exit(executable, false).code()));
    arena->prologue_ = arena->used_;
    const u64 begin = reinterpret_cast<u64>(executable);
    arena->range_ = register_code_range(
        begin + arena->prologue_, begin + bytes,
        [](void* self, const CodeFault& fault) {
            constexpr u64 kGeneralProtection = 13, kPageFault = 14;  // no: a thunk's operand is there and aligned
            if (fault.vector == kGeneralProtection || fault.vector == kPageFault) return false;
            static_cast<const CodeArena*>(self)->leave_by_exit(fault);
            return true;
        },
        arena.get());
    return arena;
}

CodeArena::~CodeArena() {
    if (range_ != nullptr) release_code_range(range_);
}

void CodeArena::leave_by_exit(const CodeFault& fault) const {
    constexpr u64 kSimdError = 19;
    fault.set(REG_RAX, fault.vector + 1);
    fault.set(REG_RIP, fault.vector == kSimdError ? simd_exit_ : other_exit_);
}

const void* CodeArena::add(std::span<const u8> code) {
    if (code.size() + kAlignment > free_bytes()) return nullptr;
    std::memcpy(memory_->writable() + used_, code.data(), code.size());
    const void* address = memory_->executable() + used_;
    used_ = align_up(used_ + code.size(), kAlignment);
    return address;
}

}  // namespace bantam::host
