// Films: chunks in order, times, sizes; libpng takes the file for a PNG.
#include "scenario/film.h"

#include <gtest/gtest.h>

#include <string>

#include "scenario/picture.h"

namespace bantam::scenario {
namespace {

devices::Frame plain(unsigned width, unsigned height, u32 colour) {
    return {.width = width, .height = height, .pixels = std::vector<u32>(std::size_t{width} * height, colour)};
}

struct Chunk {
    std::string type;
    std::vector<u8> data;
};
u32 be32(const std::vector<u8>& from, std::size_t at) {
    return static_cast<u32>(from.at(at) << 24 | from.at(at + 1) << 16 | from.at(at + 2) << 8 | from.at(at + 3));
}
std::vector<Chunk> chunks(const std::vector<u8>& file) {
    std::vector<Chunk> found;
    for (std::size_t at = 8; at < file.size();) {
        const std::size_t size = be32(file, at);
        const auto data = file.begin() + static_cast<std::ptrdiff_t>(at) + 8;
        found.push_back({std::string(data - 4, data), {data, data + static_cast<std::ptrdiff_t>(size)}});
        at += 12 + size;
    }
    return found;
}

TEST(Film, HasPicturesWithTheirTimes) {
    Film film;
    film.add(plain(8, 4, 0xFF0000), 0);
    film.add(plain(6, 6, 0x00FF00), 250'000'000);
    film.add(plain(8, 6, 0x0000FF), 1'000'000'000'000);
    const std::vector<u8> file = film.encode(1'000'500'000'000);
    const std::vector<Chunk> all = chunks(file);
    std::string types;
    std::vector<u32> delays, sequence;
    for (const Chunk& chunk : all) {
        types += chunk.type + " ";
        if (chunk.type == "fcTL") delays.push_back(be32(chunk.data, 20) >> 16);
        if (chunk.type == "fcTL" || chunk.type == "fdAT") sequence.push_back(be32(chunk.data, 0));
    }
    EXPECT_EQ(types, "IHDR acTL IDAT fcTL fdAT fcTL fdAT fcTL fdAT IEND ");
    EXPECT_EQ(delays, (std::vector<u32>{250, 0xFFFF, 500}));
    EXPECT_EQ(sequence, (std::vector<u32>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(be32(all[1].data, 0), 3u);
    const Result<ReferencePicture> still = decode_png(file);
    ASSERT_TRUE(still) << still.error().message;
    EXPECT_EQ(still.value().width, 8u);
    EXPECT_EQ(still.value().height, 6u);
    EXPECT_EQ(still.value().pixels[0], 0xFF0000FFu) << "the last picture";
}

TEST(Film, WithoutPicturesThereIsNone) { EXPECT_TRUE(Film().encode(5).empty()); }

}  // namespace
}  // namespace bantam::scenario
