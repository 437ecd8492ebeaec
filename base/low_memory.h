// Low memory: pages of host memory below 2 GiB, so that generated code reaches what lies there by absolute 32-bit
// addresses and needs no register for it. mmap(2), MAP_32BIT.
#pragma once

#include <cstddef>

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
