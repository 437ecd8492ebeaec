// See creative_adpcm.h.
#include "devices/creative_adpcm.h"

#include <algorithm>

namespace bantam::devices {
namespace {

struct Layout {
    unsigned samples;         // a byte
    unsigned bits;            // of a code: a sign and a magnitude
    unsigned grows_from;      // the magnitude from which the unit grows; a magnitude of 0 shrinks it
    unsigned scales;          // units there are
    std::array<u8, 6> units;  // halves of a step
};
constexpr std::array<Layout, 3> kLayouts{
    {{2, 4, 5, 4, {0, 1, 2, 4}}, {3, 3, 3, 5, {0, 1, 2, 4, 5}}, {4, 2, 1, 6, {0, 1, 2, 4, 8, 16}}}};

const Layout& layout_of(CreativeAdpcm::Format format) {
    return kLayouts.at(std::min<std::size_t>(static_cast<std::size_t>(format), kLayouts.size() - 1));
}

}  // namespace

unsigned CreativeAdpcm::samples_per_byte(Format format) { return layout_of(format).samples; }

void CreativeAdpcm::set_reference(u8 sample) {
    sample_ = sample;
    scale_ = 0;
}

std::array<u8, CreativeAdpcm::kMostSamples> CreativeAdpcm::decode(Format format, u8 byte) {
    const Layout& layout = layout_of(format);
    std::array<u8, kMostSamples> samples{};
    // Codes from the high bits down. Of the third of three only two bits are there: its lowest is 0.
    for (unsigned i = 0, codes = u32{byte} << layout.bits; i < layout.samples; ++i, codes <<= layout.bits)
        samples.at(i) = decode_one(format, codes >> 8 & ((1u << layout.bits) - 1));
    return samples;
}

u8 CreativeAdpcm::decode_one(Format format, unsigned code) {
    const Layout& layout = layout_of(format);
    const unsigned sign = 1u << (layout.bits - 1);
    const unsigned magnitude = code & (sign - 1);
    const unsigned scale = std::min<unsigned>(scale_, layout.scales - 1);
    const unsigned change = scale == 0 ? magnitude : (2 * magnitude + 1) * layout.units.at(scale);
    const int next = (code & sign) != 0 ? sample_ - static_cast<int>(change) : sample_ + static_cast<int>(change);
    sample_ = static_cast<u8>(std::clamp(next, 0, 0xFF));
    if (magnitude >= layout.grows_from) {
        scale_ = static_cast<u8>(std::min(scale + 1, layout.scales - 1));
    } else if (magnitude == 0) {
        scale_ = static_cast<u8>(scale - std::min(scale, 1u));
    }
    return sample_;
}

void CreativeAdpcm::describe(Archive& archive) {
    archive.field("sample", sample_);
    archive.field("scale", scale_);
}

}  // namespace bantam::devices
