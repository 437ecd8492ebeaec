// RegisterSpace: how a bus reaches a chip's registers. A chip knows offsets from its own start, never its port or
// address. Sizes are 1, 2, 4 or 8 bytes and offsets multiples of the size: the bus splits everything else into such
// parts.
#pragma once

#include <functional>

#include "base/types.h"

namespace bantam {

struct RegisterSpace {
    /// Value of `size` bytes at `offset`, in the low bits. May have side effects.
    std::function<u64(u64 offset, unsigned size)> read;
    /// Stores the low `size` bytes of `value` at `offset`.
    std::function<void(u64 offset, unsigned size, u64 value)> write;
    /// read without side effects, for debugger and tracer. Null: the bus answers all ones.
    std::function<u64(u64 offset, unsigned size)> peek{};
    /// Widest access the chip takes whole; wider ones are split by the bus into parts of this size or less, low part
    /// first.
    unsigned max_size = 1;
};

}  // namespace bantam
