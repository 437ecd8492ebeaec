// The parts of a PNG file (ISO/IEC 15948): 8-bit RGB, no filter, zlib stream.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "devices/frame.h"

namespace bantam::png {

void put_be32(std::vector<u8>& to, u32 value);
/// One chunk: length, type, data, CRC of type and data.
void put_chunk(std::vector<u8>& to, std::string_view type, std::span<const u8> data);
/// Signature and IHDR.
[[nodiscard]] std::vector<u8> begin(unsigned width, unsigned height);
/// The image data of `frame`, compressed.
[[nodiscard]] std::vector<u8> packed_rows(const devices::Frame& frame);

}  // namespace bantam::png
