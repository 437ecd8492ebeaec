#include "scenario/film.h"

#include <algorithm>

#include "machine/png_parts.h"

namespace bantam::scenario {
namespace {

constexpr u8 kDisposeToBackground = 1, kBlendSource = 0;
constexpr u64 kLongestDelay_ms = 0xFFFF;

void put_be16(std::vector<u8>& to, u64 value) {
    to.push_back(static_cast<u8>(value >> 8));
    to.push_back(static_cast<u8>(value));
}

}  // namespace

void Film::add(const devices::Frame& frame, u64 now_ns) {
    if (pictures_.size() == kMostPictures || bytes_ >= kMostBytes) return;
    pictures_.push_back({now_ns, frame.width, frame.height, png::packed_rows(frame)});
    bytes_ += pictures_.back().packed.size();
}

std::vector<u8> Film::encode(u64 end_ns) const {
    if (pictures_.empty()) return {};
    devices::Frame still;  // as large as the largest, and shown where nothing moves
    for (const Picture& picture : pictures_) {
        still.width = std::max(still.width, picture.width);
        still.height = std::max(still.height, picture.height);
    }
    still.pixels.resize(std::size_t{still.width} * still.height);
    std::vector<u8> file = png::begin(still.width, still.height);
    std::vector<u8> control;
    png::put_be32(control, static_cast<u32>(pictures_.size()));
    png::put_be32(control, 1);  // played once
    png::put_chunk(file, "acTL", control);
    const Picture& last = pictures_.back();
    const bool fills = last.width == still.width && last.height == still.height;
    png::put_chunk(file, "IDAT", fills ? last.packed : png::packed_rows(still));
    u32 sequence = 0;
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
        const Picture& picture = pictures_[i];
        const u64 next_ns = i + 1 < pictures_.size() ? pictures_[i + 1].begin_ns : std::max(end_ns, picture.begin_ns);
        std::vector<u8> frame;
        for (const u32 value : {sequence++, u32{picture.width}, u32{picture.height}, 0u, 0u})
            png::put_be32(frame, value);
        put_be16(frame, std::min((next_ns - picture.begin_ns) / 1'000'000, kLongestDelay_ms));
        put_be16(frame, 1000);
        frame.insert(frame.end(), {kDisposeToBackground, kBlendSource});
        png::put_chunk(file, "fcTL", frame);
        std::vector<u8> data;
        png::put_be32(data, sequence++);
        data.insert(data.end(), picture.packed.begin(), picture.packed.end());
        png::put_chunk(file, "fdAT", data);
    }
    png::put_chunk(file, "IEND", {});
    return file;
}

}  // namespace bantam::scenario
