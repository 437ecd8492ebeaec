// CodeArena: bounded memory for thunks. The start of every arena holds the common exits that a host fault inside a
// thunk is redirected to, with 1 + the exception's vector in EAX. Leaves out: freeing single pieces; an arena is
// emptied as a whole.
#pragma once

#include <memory>
#include <span>

#include "base/code_faults.h"
#include "base/executable_memory.h"

namespace bantam::host {

class CodeArena {
public:
    /// `bytes`: a multiple of the page size. Errors: host_resource when the host refuses executable memory.
    static Result<std::unique_ptr<CodeArena>> create(std::size_t bytes);
    ~CodeArena();
    CodeArena(const CodeArena&) = delete;
    CodeArena& operator=(const CodeArena&) = delete;

    /// Copies `code` in and returns its executable address, 16-byte aligned; null when it does not fit.
    const void* add(std::span<const u8> code);
    [[nodiscard]] std::size_t free_bytes() const { return memory_->size() - used_; }
    /// Address of the 32-bit MXCSR value of the host's C++ code, for RIP-independent LDMXCSR in thunks.
    [[nodiscard]] const void* host_mxcsr() const { return memory_->executable(); }
    /// Forgets all code but the exits. Nothing may run or be about to run in the arena.
    void clear() { used_ = prologue_; }

private:
    explicit CodeArena(std::unique_ptr<ExecutableMemory> memory) : memory_(std::move(memory)) {}
    void leave_by_exit(const CodeFault& fault) const;

    std::unique_ptr<ExecutableMemory> memory_;
    std::size_t used_ = 0;
    std::size_t prologue_ = 0;
    u64 simd_exit_ = 0;   // #XM: the guest's MXCSR is still loaded and holds the new flags
    u64 other_exit_ = 0;  // #DE, #UD, #MF
    CodeRange* range_ = nullptr;
};

}  // namespace bantam::host
