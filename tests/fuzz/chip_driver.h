// Drives one chip from fuzzer input. Each step takes one byte for the act (read, write, peek, wait) with the width in
// its high bits, then two bytes of offset, and for writes the value, for waits the time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/register_space.h"
#include "base/scheduler.h"

namespace bantam::fuzz {

class Input {
public:
    Input(const u8* data, std::size_t size) : bytes_(data, size) {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    /// The next `size` bytes, little end first; zeroes behind the end.
    u64 take(unsigned size) {
        u64 value = 0;
        const std::size_t count = std::min<std::size_t>(size, bytes_.size());
        for (std::size_t i = 0; i < count; ++i) value |= u64{bytes_[i]} << (8 * i);
        bytes_ = bytes_.subspan(count);
        return value;
    }

private:
    std::span<const u8> bytes_;
};

/// Moves time by `ns`, firing every timer on the way, at most `limit` of them.
inline void advance(Scheduler& scheduler, u64 ns, unsigned limit = 1000) {
    const u64 end = scheduler.now() + ns;
    while (limit-- != 0 && scheduler.next_deadline() <= end) {
        scheduler.set_now(std::max(scheduler.next_deadline(), scheduler.now()));
        scheduler.run_due();
    }
    if (scheduler.next_deadline() > end) scheduler.set_now(end);
}

/// Runs one step on `space`, whose offsets are below `window`.
inline void step(Input& input, Scheduler& scheduler, RegisterSpace& space, u64 window) {
    const u8 act = static_cast<u8>(input.take(1));
    const unsigned size = std::min(space.max_size, 1u << (act >> 6));
    const u64 offset = input.take(window > 0x10000 ? 3 : 2) % window / size * size;
    switch (act & 3) {
        case 0:
            space.read(offset, size);
            break;
        case 1:
            space.write(offset, size, input.take(size));
            break;
        case 2:
            advance(scheduler, input.take(1) << (act >> 2 & 0x1F));
            break;
        default:
            if (space.peek) space.peek(offset, size);
            break;
    }
}

}  // namespace bantam::fuzz
