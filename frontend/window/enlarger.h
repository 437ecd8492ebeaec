// Enlarger: a picture with more dots, for windows that no GPU draws. Each dot is the mean of the part of the picture
// that it covers, so that a dot of the picture becomes a rectangle whose edges are sharp at whole factors and one dot
// wide in between. Rows are made once and copied where the next ones are the same: twice the height costs less than
// twice the time.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "devices/frame.h"

namespace bantam::frontend {

class Enlarger {
public:
    /// Draws `from` at `width` x `height` dots, neither less than the picture's, to `to`, whose rows begin `pitch` dots
    /// apart.
    void draw(const devices::Frame& from, unsigned width, unsigned height, std::span<u32> to, std::size_t pitch);

private:
    /// A dot that shows one of the picture's, and of the next one this many 256ths.
    struct Share {
        unsigned first = 0, next = 0;
    };
    static void divide(unsigned size, unsigned larger, std::vector<Share>& shares);
    std::span<const u32> wide_row(const devices::Frame& from, unsigned row);

    std::vector<Share> across_, down_;
    std::array<std::vector<u32>, 2> wide_;  // rows of the picture in their full width: even and odd ones
    std::array<unsigned, 2> wide_has_{};    // which, counted from 1
};

}  // namespace bantam::frontend
