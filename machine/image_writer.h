// Image writer: a picture of 32-bit pixels to a file, as PNG (ISO/IEC 15948; 8-bit RGB, no filter, zlib stream) or PPM
// (P6).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace bantam {

struct Picture {
    unsigned width = 0;
    unsigned height = 0;
    std::vector<u32> pixels;  // row by row, 0x00RRGGBB
};

[[nodiscard]] std::vector<u8> encode_png(const Picture& picture);
[[nodiscard]] std::vector<u8> encode_ppm(const Picture& picture);

/// Writes `picture` to `path` by its ending, .png or .ppm. Errors: usage (another ending), host_resource (cannot
/// write).
Result<void> write_picture(const Picture& picture, const std::string& path);

/// Writes `bytes` to `path`; "-" is standard output.
Result<void> write_file(const std::string& path, std::span<const u8> bytes);

}  // namespace bantam
