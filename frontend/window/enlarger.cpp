#include "frontend/window/enlarger.h"

#include <emmintrin.h>

#include <algorithm>

namespace bantam::frontend {
namespace {

/// Of each component: 256 - next parts of the one and `next` of the other.
u32 mixed(u32 dot, u32 other, unsigned next) {
    constexpr u32 kOuter = 0xFF00FF, kInner = 0x00FF00;
    const u32 outer = ((dot & kOuter) * (256 - next) + (other & kOuter) * next) >> 8 & kOuter;
    const u32 inner = ((dot & kInner) * (256 - next) + (other & kInner) * next) >> 8 & kInner;
    return outer | inner;
}

/// Four dots at a time: half of what a picture at no whole factor costs is here.
void mix_rows(std::span<const u32> row, std::span<const u32> other, unsigned next, u32* to) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i of_one = _mm_set1_epi16(static_cast<i16>(256 - next)),
                  of_other = _mm_set1_epi16(static_cast<i16>(next));
    const auto half = [&](__m128i a, __m128i b) {
        return _mm_srli_epi16(_mm_add_epi16(_mm_mullo_epi16(a, of_one), _mm_mullo_epi16(b, of_other)), 8);
    };
    std::size_t x = 0;
    for (; x + 4 <= row.size(); x += 4) {
        const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&row[x]));
        const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&other[x]));
        const __m128i low = half(_mm_unpacklo_epi8(a, zero), _mm_unpacklo_epi8(b, zero));
        const __m128i high = half(_mm_unpackhi_epi8(a, zero), _mm_unpackhi_epi8(b, zero));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + x), _mm_packus_epi16(low, high));
    }
    for (; x < row.size(); ++x) to[x] = mixed(row[x], other[x], next);
}

}  // namespace

/// A dot of the larger picture covers 1/larger of the whole, one of the picture 1/size.
void Enlarger::divide(unsigned size, unsigned larger, std::vector<Share>& shares) {
    shares.resize(larger);
    for (u64 i = 0; i < larger; ++i) {
        const u64 begin = i * size, end = begin + size;
        const u64 first = begin / larger, border = (first + 1) * larger;
        const u64 beyond = end > border ? end - border : 0;
        shares[i] = {static_cast<unsigned>(first), static_cast<unsigned>((beyond * 256 + size / 2) / size)};
    }
}

std::span<const u32> Enlarger::wide_row(const devices::Frame& from, unsigned row) {
    const u32* dots = &from.pixels[std::size_t{row} * from.width];
    if (across_.size() == from.width) return {dots, from.width};
    std::vector<u32>& wide = wide_[row % 2];
    if (wide_has_[row % 2] == row + 1) return wide;
    wide_has_[row % 2] = row + 1;
    for (std::size_t x = 0; x < wide.size(); ++x) {
        const Share share = across_[x];
        wide[x] = share.next == 0 ? dots[share.first] : mixed(dots[share.first], dots[share.first + 1], share.next);
    }
    return wide;
}

void Enlarger::draw(const devices::Frame& from, unsigned width, unsigned height, std::span<u32> to, std::size_t pitch) {
    divide(from.width, width, across_);
    divide(from.height, height, down_);
    for (std::vector<u32>& row : wide_) row.resize(width);
    wide_has_ = {};
    for (unsigned y = 0; y < height; ++y) {
        const Share share = down_[y];
        const std::span<u32> out = to.subspan(y * pitch, width);
        const std::span<const u32> row = wide_row(from, share.first);
        if (share.next == 0) {
            std::copy(row.begin(), row.end(), out.begin());
        } else {
            mix_rows(row, wide_row(from, share.first + 1), share.next, out.data());
        }
    }
}

}  // namespace bantam::frontend
