// Reference pictures: what libpng gives, and how they are compared with the screen.
#include "scenario/picture.h"

#include <gtest/gtest.h>

#include "machine/image_writer.h"

namespace bantam::scenario {
namespace {

devices::Frame make_frame(unsigned width, unsigned height) {
    devices::Frame frame{.width = width, .height = height, .pixels = {}};
    for (u32 i = 0; i < width * height; ++i) frame.pixels.push_back(i * 0x010305 & 0xFFFFFF);
    return frame;
}

TEST(ReferencePicture, ReadsWhatBantamWrites) {
    const devices::Frame frame = make_frame(20, 10);
    const Result<ReferencePicture> picture = decode_png(encode_png(frame));
    ASSERT_TRUE(picture) << picture.error().message;
    EXPECT_EQ(picture.value().width, 20u);
    EXPECT_EQ(picture.value().pixels[7], 0xFF000000 | frame.pixels[7]);
    EXPECT_EQ(compare(frame, picture.value(), 0, 0, 0).pixels, 0u);
}

TEST(ReferencePicture, RefusesDamage) {
    std::vector<u8> file = encode_png(make_frame(20, 10));
    EXPECT_FALSE(decode_png({}));
    EXPECT_FALSE(decode_png(std::span<const u8>(file).first(40)));
    file[45] ^= 0xFF;
    EXPECT_FALSE(decode_png(file));
    std::vector<u8> huge = encode_png(make_frame(1, 1));
    huge[16] = 0x7F;  // the width's highest byte
    EXPECT_FALSE(decode_png(huge));
}

TEST(ReferencePicture, ComparesAPartWithTolerance) {
    const devices::Frame screen = make_frame(20, 10);
    ReferencePicture wanted{.width = 2, .height = 2, .pixels = {}};
    for (const unsigned i : {65u, 66u, 85u, 86u}) wanted.pixels.push_back(0xFF000000 | screen.pixels[i]);
    EXPECT_EQ(compare(screen, wanted, 5, 3, 0).pixels, 0u);
    EXPECT_NE(compare(screen, wanted, 4, 3, 0).pixels, 0u);
    wanted.pixels[3] += 0x000200;
    const Difference difference = compare(screen, wanted, 5, 3, 1);
    EXPECT_EQ(difference.pixels, 1u);
    EXPECT_EQ(difference.x, 6u);
    EXPECT_EQ(difference.y, 4u);
    EXPECT_EQ(compare(screen, wanted, 5, 3, 2).pixels, 0u);
    wanted.pixels[3] = 0x80000000;
    EXPECT_EQ(compare(screen, wanted, 5, 3, 0).pixels, 0u) << "not opaque";
    EXPECT_TRUE(compare(screen, wanted, 19, 3, 255).outside);
    EXPECT_TRUE(compare(screen, wanted, 5, 9, 255).outside);
    EXPECT_TRUE(compare(screen, wanted, ~0u, ~0u, 255).outside);
}

}  // namespace
}  // namespace bantam::scenario
