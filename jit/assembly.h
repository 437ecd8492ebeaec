// Assembly: one piece of host code on its way into the code cache, and how operands in low memory are written.
#pragma once

#include <asmjit/x86.h>

#include "base/check.h"
#include "jit/code_cache.h"
#include "jit/register_map.h"

namespace bantam::jit {

/// Whether an instruction can have `value` as an immediate or a displacement of 64 bits.
[[nodiscard]] constexpr bool fits_signed_32(u64 value) {
    return static_cast<i64>(static_cast<i32>(value)) == static_cast<i64>(value);
}
/// `size` bytes at `address`, in low memory. PERF: relative to RIP. Some processors (AMD family 1Ah) give a load what a
/// store before it has written in no time, but not by an address without a base, where it takes eight cycles.
[[nodiscard]] inline x86::Mem low_operand(u64 address, std::size_t size) {
    return x86::ptr_rel(address, static_cast<u32>(size));
}
/// The object at `at`.
template <class T>
[[nodiscard]] x86::Mem low_operand(const T* at) {
    return low_operand(reinterpret_cast<u64>(at), sizeof(T));
}

class Assembly {
public:
    Assembly(const Assembly&) = delete;
    Assembly& operator=(const Assembly&) = delete;
    explicit Assembly(CodeCache& cache) : cache_(cache) { begin(); }

    /// Another piece. PERF: what the last one allocated is used again.
    void begin() {
        address_ = cache_.next_code();
        code_.reset(asmjit::ResetPolicy::kSoft);
        CHECK(code_.init(asmjit::Environment::host(), address_) == asmjit::kErrorOk);
        CHECK(code_.attach(&assembler_) == asmjit::kErrorOk);
        assembler_.addEncodingOptions(asmjit::EncodingOptions::kOptimizedAlign);  // long NOPs
    }

    [[nodiscard]] x86::Assembler& assembler() { return assembler_; }
    /// Where the code will be.
    [[nodiscard]] u64 address() const { return address_; }
    /// Valid once the label is bound and finish() was called.
    [[nodiscard]] u64 address_of(const asmjit::Label& label) const { return address_ + code_.labelOffset(label); }

    /// Puts the code into the cache; 0 when it could not be made or is too long.
    u64 finish() {
        if (code_.flatten() != asmjit::kErrorOk || code_.resolveUnresolvedLinks() != asmjit::kErrorOk) return 0;
        if (code_.relocateToBase(address_) != asmjit::kErrorOk) return 0;
        const std::size_t bytes = code_.codeSize();
        if (bytes > CodeCache::kMostPieceBytes) return 0;
        return code_.copyFlattenedData(cache_.take_code(bytes), bytes) == asmjit::kErrorOk ? address_ : 0;
    }

private:
    CodeCache& cache_;
    u64 address_ = 0;
    asmjit::CodeHolder code_;
    x86::Assembler assembler_;
};

}  // namespace bantam::jit
