// Thunks: one piece of host code per distinct guest encoding, that executes exactly that instruction on the host CPU
// with the guest's vector registers, GPRs, status flags and MXCSR loaded, and stores back what it wrote. x87 and MMX
// registers need no loading: they live in the host's x87 unit while an engine runs (cpu/host/x87_unit.h).
//
// A thunk is called as u32 thunk(CpuState*, operand buffer). Vector registers keep their numbers; explicit GPRs are
// renamed to R8-R11, implied ones are RAX, RCX, RDX themselves; a memory operand becomes [RSI]. It returns 0, or 1 +
// the vector of the exception the host raised, in which case no register was written. LOCK is dropped: the buffer is
// private.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "cpu/host/code_arena.h"
#include "cpu/isa/instruction.h"
#include "cpu/state.h"

namespace bantam::host {

/// Which state an instruction uses: decides the checks before it.
enum class Unit : u8 {
    integer,      // general registers and flags only
    x87,          // waits for pending x87 exceptions; updates the instruction pointer
    x87_control,  // neither
    mmx,          // waits for pending x87 exceptions
    sse,          // XMM, MXCSR
    sse_mmx,      // XMM and MMX registers: the checks of both
    avx,
};

struct Thunk {
    u32 (*entry)(CpuState* state, void* buffer) = nullptr;
    u8 memory_size = 0;       // bytes of the memory operand; 0: none
    u8 memory_alignment = 1;  // #GP(0) unless aligned to this
};

/// Whether an instruction can raise SIMD floating-point exceptions or depends on MXCSR.
[[nodiscard]] bool uses_mxcsr(const isa::Instruction& instruction);

class ThunkCache {
public:
    explicit ThunkCache(std::unique_ptr<CodeArena> arena) : arena_(std::move(arena)) {}

    /// The thunk for this encoding, made when new; null when a thunk cannot express the instruction. The pointer is
    /// valid until clear().
    const Thunk* find(const isa::Instruction& instruction);
    [[nodiscard]] std::size_t size() const { return thunks_.size(); }
    [[nodiscard]] std::size_t free_bytes() const { return arena_->free_bytes(); }
    void clear();

private:
    /// Everything a thunk depends on, without the address of the memory operand.
    struct Key {
        u64 encoding = 0;
        u64 immediate = 0;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const {
            constexpr u64 kOdd = 0x9E3779B97F4A7C15u;
            return static_cast<std::size_t>((key.encoding * kOdd ^ key.immediate) * kOdd >> 16);
        }
    };
    static Key key_of(const isa::Instruction& instruction);

    std::unique_ptr<CodeArena> arena_;
    std::deque<Thunk> thunks_;
    std::unordered_map<Key, const Thunk*, KeyHash> index_;
};

}  // namespace bantam::host
