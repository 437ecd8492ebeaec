// PNG and PPM of a small picture, taken apart again by hand.
#include "machine/image_writer.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

namespace bantam {
namespace {

const devices::Frame kPicture{2, 2, {0xFF0000, 0x00FF00, 0x0000FF, 0x123456}};

TEST(ImageWriter, Ppm) {
    const std::vector<u8> file = encode_ppm(kPicture);
    const std::string header = "P6\n2 2\n255\n";
    ASSERT_EQ(file.size(), header.size() + 12);
    EXPECT_TRUE(std::equal(header.begin(), header.end(), file.begin()));
    EXPECT_EQ((std::vector<u8>(file.end() - 12, file.end())),
              (std::vector<u8>{0xFF, 0, 0, 0, 0xFF, 0, 0, 0, 0xFF, 0x12, 0x34, 0x56}));
}

TEST(ImageWriter, PngChunksAndPixels) {
    const std::vector<u8> file = encode_png(kPicture);
    const auto be32 = [&](std::size_t at) {
        return u32{file.at(at)} << 24 | u32{file.at(at + 1)} << 16 | u32{file.at(at + 2)} << 8 | u32{file.at(at + 3)};
    };
    std::size_t at = 8;
    std::vector<std::string> types;
    std::vector<u8> pixels;
    while (at < file.size()) {
        const u32 length = be32(at);
        const std::string type(file.begin() + static_cast<long>(at) + 4, file.begin() + static_cast<long>(at) + 8);
        types.push_back(type);
        EXPECT_EQ(be32(at + 8 + length), ::crc32(0, file.data() + at + 4, length + 4));
        if (type == "IHDR") {
            EXPECT_EQ(be32(at + 8), 2u);
            EXPECT_EQ(be32(at + 12), 2u);
        }
        if (type == "IDAT") {
            uLongf size = 100;
            pixels.resize(size);
            ASSERT_EQ(::uncompress(pixels.data(), &size, file.data() + at + 8, length), Z_OK);
            pixels.resize(size);
        }
        at += 12 + length;
    }
    EXPECT_EQ(types, (std::vector<std::string>{"IHDR", "IDAT", "IEND"}));
    EXPECT_EQ(pixels, (std::vector<u8>{0, 0xFF, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0xFF, 0x12, 0x34, 0x56}));
}

TEST(ImageWriter, UnknownEndingAndUnwritableFile) {
    EXPECT_EQ(write_picture(kPicture, "screen.gif").error().status, ExitStatus::usage);
    EXPECT_EQ(write_picture(kPicture, "/no/such/folder/screen.png").error().status, ExitStatus::host_resource);
}

}  // namespace
}  // namespace bantam
