#include "scenario/picture.h"

#include <fmt/format.h>
#include <png.h>

#include <cstdlib>

namespace bantam::scenario {
namespace {

constexpr u32 kMostPixels = 4096 * 4096;  // 64 MiB

/// libpng's simplified interface (png(3), "The simplified API"), freed whatever happens.
struct Image {
    png_image png{};
    Image() { png.version = PNG_IMAGE_VERSION; }
    ~Image() { ::png_image_free(&png); }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
};

bool near(u32 a, u32 b, unsigned tolerance) {
    for (int shift = 0; shift < 24; shift += 8) {
        const int difference = static_cast<int>(a >> shift & 0xFF) - static_cast<int>(b >> shift & 0xFF);
        if (static_cast<unsigned>(std::abs(difference)) > tolerance) return false;
    }
    return true;
}

}  // namespace

Result<ReferencePicture> decode_png(std::span<const u8> bytes) {
    Image image;
    const auto refuse = [&] { return Error{ExitStatus::bad_input, fmt::format("no PNG file: {}", image.png.message)}; };
    if (::png_image_begin_read_from_memory(&image.png, bytes.data(), bytes.size()) == 0) return refuse();
    if (u64{image.png.width} * image.png.height > kMostPixels)
        return Error{ExitStatus::bad_input,
                     fmt::format("{}x{} pixels are more than a screen has", image.png.width, image.png.height)};
    image.png.format = PNG_FORMAT_BGRA;  // a little-endian 0xAARRGGBB
    ReferencePicture picture{.width = image.png.width, .height = image.png.height, .pixels = {}};
    picture.pixels.resize(std::size_t{picture.width} * picture.height);
    if (::png_image_finish_read(&image.png, nullptr, picture.pixels.data(), 0, nullptr) == 0) return refuse();
    return picture;
}

Difference compare(const devices::Frame& screen, const ReferencePicture& wanted, unsigned x, unsigned y,
                   unsigned tolerance) {
    Difference difference;
    difference.outside = u64{x} + wanted.width > screen.width || u64{y} + wanted.height > screen.height;
    if (difference.outside) return difference;
    for (unsigned row = 0; row < wanted.height; ++row) {
        const u32* want = &wanted.pixels[std::size_t{row} * wanted.width];
        const u32* have = &screen.pixels[std::size_t{y + row} * screen.width + x];
        for (unsigned column = 0; column < wanted.width; ++column) {
            const bool compared = want[column] >> 24 == 0xFF;
            if (!compared || near(want[column], have[column], tolerance)) continue;
            if (difference.pixels++ == 0) {
                difference.x = x + column;
                difference.y = y + row;
            }
        }
    }
    return difference;
}

}  // namespace bantam::scenario
