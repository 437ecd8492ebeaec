#include "machine/png_parts.h"

#include <zlib.h>

#include "base/check.h"

namespace bantam::png {
namespace {
constexpr unsigned kBytesPerPixel = 3;
}  // namespace

void put_be32(std::vector<u8>& to, u32 value) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<u8>(value >> shift));
}

void put_chunk(std::vector<u8>& to, std::string_view type, std::span<const u8> data) {
    put_be32(to, static_cast<u32>(data.size()));
    const std::size_t start = to.size();
    to.insert(to.end(), type.begin(), type.end());
    to.insert(to.end(), data.begin(), data.end());
    put_be32(to, static_cast<u32>(::crc32(0, to.data() + start, static_cast<uInt>(to.size() - start))));
}

std::vector<u8> begin(unsigned width, unsigned height) {
    std::vector<u8> header;
    put_be32(header, width);
    put_be32(header, height);
    header.insert(header.end(), {8, 2, 0, 0, 0});  // bit depth, RGB, deflate, adaptive filtering, no interlace
    std::vector<u8> file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    put_chunk(file, "IHDR", header);
    return file;
}

std::vector<u8> packed_rows(const devices::Frame& frame) {
    std::vector<u8> rows;
    rows.reserve(std::size_t{frame.height} * (1 + std::size_t{frame.width} * kBytesPerPixel));
    for (unsigned y = 0; y < frame.height; ++y) {
        rows.push_back(0);  // filter type: none
        for (unsigned x = 0; x < frame.width; ++x) {
            const u32 pixel = frame.pixels[std::size_t{y} * frame.width + x];
            for (int shift = 16; shift >= 0; shift -= 8) rows.push_back(static_cast<u8>(pixel >> shift));
        }
    }
    uLongf packed_size = ::compressBound(static_cast<uLong>(rows.size()));
    std::vector<u8> packed(packed_size);
    CHECK(::compress(packed.data(), &packed_size, rows.data(), static_cast<uLong>(rows.size())) == Z_OK);
    packed.resize(packed_size);
    return packed;
}

}  // namespace bantam::png
