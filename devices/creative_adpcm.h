// CreativeAdpcm: the Sound Blaster's compressed samples: differences of 4, 2.6 (three to a byte) and 2 bits from the
// sample before, their unit growing and shrinking with them (Creative, Sound Blaster Series Hardware Programming Guide,
// names the formats; the arithmetic is as published for .VOC files).
#pragma once

#include <array>

#include "base/archive.h"
#include "base/types.h"

namespace bantam::devices {

class CreativeAdpcm {
public:
    enum class Format : u8 { bits4, bits2_6, bits2 };
    static constexpr unsigned kMostSamples = 4;  // a byte

    /// Samples a byte.
    [[nodiscard]] static unsigned samples_per_byte(Format format);
    /// The next samples are differences from `sample`.
    void set_reference(u8 sample);
    /// Decodes one byte: the first samples_per_byte() of what is returned, unsigned.
    std::array<u8, kMostSamples> decode(Format format, u8 byte);
    void describe(Archive& archive);

private:
    u8 decode_one(Format format, unsigned code);

    u8 sample_ = 0x80;
    u8 scale_ = 0;
};

}  // namespace bantam::devices
