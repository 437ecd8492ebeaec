// ReferencePicture: a PNG file (ISO/IEC 15948) that a part of the screen is compared with. Pixels that are not opaque
// are not compared.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "devices/frame.h"

namespace bantam::scenario {

struct ReferencePicture {
    unsigned width = 0, height = 0;
    std::vector<u32> pixels;  // row by row, 0xAARRGGBB
};

/// Errors (bad_input): it is no PNG, damaged, or larger than a screen can be.
Result<ReferencePicture> decode_png(std::span<const u8> bytes);

struct Difference {
    u64 pixels = 0;         // that differ
    unsigned x = 0, y = 0;  // of the first, in the screen
    bool outside = false;   // the picture does not fit on the screen there
};
/// Compares the screen from x, y on with `wanted`: no component of a colour may be more than `tolerance` away.
[[nodiscard]] Difference compare(const devices::Frame& screen, const ReferencePicture& wanted, unsigned x, unsigned y,
                                 unsigned tolerance);

}  // namespace bantam::scenario
