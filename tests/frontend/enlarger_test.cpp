// Pictures enlarged to windows of any size: squares at whole factors, means of what a dot covers in between.
#include "frontend/window/enlarger.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace bantam::frontend {
namespace {

devices::Frame noise(unsigned width, unsigned height) {
    std::mt19937 random(width * 1000 + height);
    devices::Frame frame{.width = width, .height = height, .pixels = {}};
    for (unsigned i = 0; i < width * height; ++i) frame.pixels.push_back(random() & 0xFFFFFF);
    return frame;
}

/// The mean of a component over a dot's part of the picture, by area.
double mean(const devices::Frame& frame, unsigned width, unsigned height, unsigned x, unsigned y, unsigned shift) {
    const auto edge = [](unsigned at, unsigned size, unsigned larger) { return double{1} * at * size / larger; };
    const double left = edge(x, frame.width, width), right = edge(x + 1, frame.width, width);
    const double top = edge(y, frame.height, height), below = edge(y + 1, frame.height, height);
    double sum = 0;
    for (unsigned row = 0; row < frame.height; ++row) {
        const double tall = std::min(below, row + 1.0) - std::max(top, double{1} * row);
        if (tall <= 0) continue;
        for (unsigned column = 0; column < frame.width; ++column) {
            const double wide = std::min(right, column + 1.0) - std::max(left, double{1} * column);
            if (wide > 0) sum += wide * tall * (frame.pixels[row * frame.width + column] >> shift & 0xFF);
        }
    }
    return sum / ((right - left) * (below - top));
}

TEST(Enlarger, EveryDotIsTheMeanOfWhatItCovers) {
    constexpr u32 kUntouched = 0xDEADBEEF;
    Enlarger enlarger;
    const devices::Frame frame = noise(16, 10);
    for (const auto& [width, height] :
         {std::pair{16u, 10u}, {16u, 12u}, {17u, 11u}, {25u, 23u}, {32u, 20u}, {41u, 10u}, {48u, 37u}}) {
        const std::size_t pitch = width + 3;
        std::vector<u32> out(pitch * height, kUntouched);
        enlarger.draw(frame, width, height, out, pitch);
        for (unsigned y = 0; y < height; ++y) {
            for (unsigned x = 0; x < pitch; ++x) {
                const u32 dot = out[y * pitch + x];
                if (x >= width) {
                    ASSERT_EQ(dot, kUntouched);
                    continue;
                }
                ASSERT_EQ(dot >> 24, 0u);
                for (const unsigned shift : {0u, 8u, 16u}) {
                    // A share of a dot is known to 1/512, and twice a component is rounded down.
                    ASSERT_NEAR(dot >> shift & 0xFF, mean(frame, width, height, x, y, shift) - 1, 2)
                        << width << "x" << height << " at " << x << "," << y;
                }
            }
        }
    }
}

TEST(Enlarger, WholeFactorsGiveSquares) {
    Enlarger enlarger;
    for (const unsigned factor : {1u, 2u, 3u, 5u}) {
        const devices::Frame frame = noise(7, 5);
        const unsigned width = frame.width * factor, height = frame.height * factor;
        std::vector<u32> out(std::size_t{width} * height);
        enlarger.draw(frame, width, height, out, width);
        for (unsigned y = 0; y < height; ++y) {
            for (unsigned x = 0; x < width; ++x)
                ASSERT_EQ(out[y * width + x], frame.pixels[y / factor * frame.width + x / factor]);
        }
    }
}

}  // namespace
}  // namespace bantam::frontend
