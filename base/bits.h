// Bit fields, sign extension and alignment.
#pragma once

#include <type_traits>

#include "base/types.h"

namespace bantam {

/// True when bit `index` of `value` is one.
constexpr bool bit(u64 value, unsigned index) { return ((value >> index) & 1u) != 0; }

/// The field of `value` from bit `low` up, `count` bits wide (1..63).
constexpr u64 bits(u64 value, unsigned low, unsigned count) { return (value >> low) & ((u64{1} << count) - 1); }

/// `value` with the bits of `mask` replaced by those of `with`.
template <class T>
constexpr T replace_bits(T value, T with, T mask) {
    return static_cast<T>((value & ~mask) | (with & mask));
}

/// Sign-extends the low `size` bytes (1, 2, 4 or 8) of `value` to 64 bits.
constexpr u64 sign_extend(u64 value, unsigned size) {
    const unsigned shift = 64 - 8 * size;
    return static_cast<u64>(static_cast<i64>(value << shift) >> shift);
}

/// All ones in the low `size` bytes (1..8).
constexpr u64 mask_for(unsigned size) { return ~u64{0} >> (64 - 8 * size); }

/// `value` rounded down / up to a multiple of `alignment`, a power of two.
constexpr u64 align_down(u64 value, u64 alignment) { return value & ~(alignment - 1); }
constexpr u64 align_up(u64 value, u64 alignment) { return (value + alignment - 1) & ~(alignment - 1); }

}  // namespace bantam
