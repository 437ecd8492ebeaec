// Low memory: pages of host memory below 2 GiB, so that generated code reaches what lies there by absolute 32-bit
// addresses and needs no register for it. mmap(2), MAP_32BIT.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include "base/types.h"

namespace bantam {

/// True when generated code can name every byte of [at, at + bytes) by a sign-extended 32-bit address.
[[nodiscard]] inline bool is_low(const void* at, std::size_t bytes) {
    return reinterpret_cast<u64>(at) + bytes <= u64{1} << 31;
}

/// How much of an allocation will be used soon. PERF: the kernel gives all pages at once in a tenth of the time that
/// faults for each of them take.
enum class LowUse : u8 { parts, whole };

/// `bytes` (rounded up to whole pages) of zeroed memory, below 2 GiB if the host has room there and anywhere otherwise.
/// Throws std::bad_alloc when there is no memory at all.
[[nodiscard]] void* allocate_low(std::size_t bytes, LowUse use = LowUse::parts);
void release_low(void* at, std::size_t bytes);

/// `kCount` zeros in low memory, as allocate_low: a page of them takes memory once it is written.
template <class T, std::size_t kCount>
class ZeroedLowArray {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    ZeroedLowArray() : at_(static_cast<T*>(allocate_low(kBytes))) {}
    ~ZeroedLowArray() { release_low(at_, kBytes); }
    ZeroedLowArray(const ZeroedLowArray&) = delete;
    ZeroedLowArray& operator=(const ZeroedLowArray&) = delete;
    [[nodiscard]] T& operator[](std::size_t index) { return at_[index]; }
    [[nodiscard]] const T& operator[](std::size_t index) const { return at_[index]; }
    [[nodiscard]] std::span<const T> first(std::size_t count) const { return {at_, count}; }
    [[nodiscard]] bool is_low() const { return bantam::is_low(at_, kBytes); }

private:
    static constexpr std::size_t kBytes = kCount * sizeof(T);
    T* const at_;
};

/// A pointer to something in low memory, in half the room.
template <class T>
class LowPointer {
public:
    LowPointer() = default;
    LowPointer(T* at) : address_(static_cast<u32>(reinterpret_cast<u64>(at))) {}
    [[nodiscard]] T* get() const { return reinterpret_cast<T*>(u64{address_}); }
    operator T*() const { return get(); }
    T* operator->() const { return get(); }

private:
    u32 address_ = 0;
};

}  // namespace bantam
