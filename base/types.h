// Integer names and the two kinds of guest address.
// Linear and Physical are different types on purpose: only the MMU turns one into the other.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace bantam {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

inline constexpr u64 kPageSize = 4096;
inline constexpr u64 kPageMask = kPageSize - 1;

/// A linear address (SDM vol. 3, 3.1): segment base plus offset, before paging. 32 bits wide outside 64-bit mode.
struct Linear {
    u64 value = 0;
    constexpr auto operator<=>(const Linear&) const = default;
    constexpr Linear operator+(u64 bytes) const { return {value + bytes}; }
    [[nodiscard]] constexpr u64 page_offset() const { return value & kPageMask; }
    [[nodiscard]] constexpr Linear page() const { return {value & ~kPageMask}; }
};

/// A guest physical address, after paging and before the A20 gate.
struct Physical {
    u64 value = 0;
    constexpr auto operator<=>(const Physical&) const = default;
    constexpr Physical operator+(u64 bytes) const { return {value + bytes}; }
    [[nodiscard]] constexpr u64 page_offset() const { return value & kPageMask; }
    [[nodiscard]] constexpr Physical page() const { return {value & ~kPageMask}; }
};

}  // namespace bantam
