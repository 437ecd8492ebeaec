// Image writer: a frame to a file, as PNG (ISO/IEC 15948; 8-bit RGB, no filter, zlib stream) or PPM
// (P6).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "devices/frame.h"

namespace bantam {

[[nodiscard]] std::vector<u8> encode_png(const devices::Frame& frame);
[[nodiscard]] std::vector<u8> encode_ppm(const devices::Frame& frame);

/// Writes `frame` to `path` by its ending, .png or .ppm. Errors: usage (another ending), host_resource (cannot
/// write).
Result<void> write_picture(const devices::Frame& frame, const std::string& path);

/// Writes the file, or to standard output for "-". Errors: host_resource.
Result<void> write_file(const std::string& path, std::span<const u8> bytes);
Result<void> write_file(const std::string& path, std::string_view text);

}  // namespace bantam
