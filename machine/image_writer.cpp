#include "machine/image_writer.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/check.h"

namespace bantam {
namespace {

constexpr unsigned kBytesPerPixel = 3;

void put_be32(std::vector<u8>& to, u32 value) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<u8>(value >> shift));
}

/// One PNG chunk: length, type, data, CRC of type and data.
void put_chunk(std::vector<u8>& to, std::string_view type, std::span<const u8> data) {
    put_be32(to, static_cast<u32>(data.size()));
    const std::size_t start = to.size();
    to.insert(to.end(), type.begin(), type.end());
    to.insert(to.end(), data.begin(), data.end());
    put_be32(to, static_cast<u32>(::crc32(0, to.data() + start, static_cast<uInt>(to.size() - start))));
}

void put_row(std::vector<u8>& to, const devices::Frame& frame, unsigned y) {
    for (unsigned x = 0; x < frame.width; ++x) {
        const u32 pixel = frame.pixels[std::size_t{y} * frame.width + x];
        to.push_back(static_cast<u8>(pixel >> 16));
        to.push_back(static_cast<u8>(pixel >> 8));
        to.push_back(static_cast<u8>(pixel));
    }
}

bool ends_with(const std::string& text, std::string_view ending) {
    return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

}  // namespace

std::vector<u8> encode_png(const devices::Frame& frame) {
    std::vector<u8> rows;
    rows.reserve(std::size_t{frame.height} * (1 + std::size_t{frame.width} * kBytesPerPixel));
    for (unsigned y = 0; y < frame.height; ++y) {
        rows.push_back(0);  // filter type: none
        put_row(rows, frame, y);
    }
    uLongf packed_size = ::compressBound(static_cast<uLong>(rows.size()));
    std::vector<u8> packed(packed_size);
    CHECK(::compress(packed.data(), &packed_size, rows.data(), static_cast<uLong>(rows.size())) == Z_OK);
    packed.resize(packed_size);

    std::vector<u8> header;
    put_be32(header, frame.width);
    put_be32(header, frame.height);
    header.insert(header.end(), {8, 2, 0, 0, 0});  // bit depth, RGB, deflate, adaptive filtering, no interlace

    std::vector<u8> file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    put_chunk(file, "IHDR", header);
    put_chunk(file, "IDAT", packed);
    put_chunk(file, "IEND", {});
    return file;
}

std::vector<u8> encode_ppm(const devices::Frame& frame) {
    const std::string header = fmt::format("P6\n{} {}\n255\n", frame.width, frame.height);
    std::vector<u8> file(header.begin(), header.end());
    for (unsigned y = 0; y < frame.height; ++y) put_row(file, frame, y);
    return file;
}

Result<void> write_picture(const devices::Frame& frame, const std::string& path) {
    if (ends_with(path, ".png")) return write_file(path, encode_png(frame));
    if (ends_with(path, ".ppm")) return write_file(path, encode_ppm(frame));
    return Error{ExitStatus::usage, fmt::format("'{}' must end in .png or .ppm, which chooses the format", path)};
}

Result<void> write_file(const std::string& path, std::span<const u8> bytes) {
    std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
    bool good = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
    if (good) good = std::fflush(file) == 0;
    const int cause = errno;
    if (file != nullptr && file != stdout && std::fclose(file) != 0) good = false;
    if (good) return {};
    return Error{ExitStatus::host_resource, fmt::format("cannot write '{}': {}", path, std::strerror(cause))};
}

}  // namespace bantam
