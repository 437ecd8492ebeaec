// See stac9700.h.
#include "devices/stac9700.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/bits.h"

namespace bantam::devices {
namespace {

constexpr u8 kReset = 0x00, kMaster = 0x02, kPcm = 0x18, kPowerDown = 0x26, kExtendedId = 0x28, kExtendedControl = 0x2A,
             kOutputRate = 0x2C, kInputRate = 0x32, kVendor1 = 0x7C, kVendor2 = 0x7E;
constexpr u16 kMute = 0x8000;
constexpr u16 kVariableRate = 1;
constexpr u16 kUsualRate = 48'000, kLowestRate = 4'000;

/// Which bits of a register software can set.
u16 writable(u8 index) {
    switch (index) {
        case 0x02:  // stereo volumes of five bits
        case 0x04:
        case 0x10:
        case 0x12:
        case 0x14:
        case 0x16:
        case 0x18:
            return 0x9F1F;
        case 0x06:  // mono
        case 0x0C:
            return 0x801F;
        case 0x0A:  // PC beep
            return 0x801E;
        case 0x0E:  // microphone, with its 20 dB
            return 0x805F;
        case 0x1A:  // record select
            return 0x0707;
        case 0x1C:  // record gain
            return 0x8F0F;
        case 0x20:  // general purpose
            return 0x8380;
        case kPowerDown:
            return 0x7F00;
        case kExtendedControl:
            return kVariableRate;
        default:
            return 0;
    }
}

bool is_volume(u8 index) { return (index >= 0x02 && index <= 0x06) || (index >= 0x0C && index <= 0x18); }

}  // namespace

Stac9700::Registers Stac9700::power_on() {
    Registers registers{};
    const auto set = [&registers](unsigned index, u16 value) { registers.at(index / 2) = value; };
    set(kReset, 0x6940);  // SigmaTel's 3D, 18-bit converters, headphone output
    for (const unsigned index : {0x02u, 0x04u, 0x06u}) set(index, kMute);
    for (const unsigned index : {0x0Cu, 0x0Eu}) set(index, 0x8008);
    for (const unsigned index : {0x10u, 0x12u, 0x14u, 0x16u, 0x18u}) set(index, 0x8808);
    set(0x1C, kMute);
    set(kPowerDown, 0x000F);  // all sections are ready
    set(kExtendedId, kVariableRate);
    set(kOutputRate, kUsualRate);
    set(kInputRate, kUsualRate);
    set(kVendor1, 0x8384);  // "SigmaTel", STAC9700
    set(kVendor2, 0x7600);
    return registers;
}

void Stac9700::reset() {
    registers_ = power_on();
    if (pins_.volume_changed) pins_.volume_changed();
}

void Stac9700::describe(Archive& archive) {
    archive.field("registers", registers_);
    if (!archive.loading()) return;
    for (const u8 index : {kOutputRate, kInputRate})
        registers_.at(index / 2u) = std::clamp(registers_.at(index / 2u), kLowestRate, kUsualRate);
    if (pins_.volume_changed) pins_.volume_changed();
}

std::string Stac9700::info() const {
    return fmt::format("stac9700: master {:04x} PCM {:04x}, {} Hz\n", at(kMaster), at(kPcm), at(kOutputRate));
}

u16 Stac9700::read(u8 index) const { return index < 2 * registers_.size() ? at(index & 0xFE) : u16{0}; }

void Stac9700::write(u8 index, u16 value) {
    index &= 0xFE;
    if (index >= 2 * registers_.size()) return;
    if (index == kReset) return reset();
    u16& to = registers_.at(index / 2u);
    if (index == kOutputRate || index == kInputRate) {
        // Without variable rate audio the rate is fixed; what is out of range becomes what is nearest.
        if ((at(kExtendedControl) & kVariableRate) != 0) to = std::clamp(value, kLowestRate, kUsualRate);
        return;
    }
    // A volume of six bits that is more than five hold shows as the least (specification, 6.3.1).
    if (is_volume(index) && bit(value, 5)) value |= 0x001F;
    if (is_volume(index) && bit(value, 13)) value |= 0x1F00;
    to = replace_bits(to, value, writable(index));
    if (index == kExtendedControl && (to & kVariableRate) == 0)
        registers_.at(kOutputRate / 2u) = registers_.at(kInputRate / 2u) = kUsualRate;
    if (pins_.volume_changed) pins_.volume_changed();
}

Stac9700::Gain Stac9700::gain() const {
    const u16 master = at(kMaster), pcm = at(kPcm);
    if (((master | pcm) & kMute) != 0) return {};
    // 1.5 dB a step; PCM begins at +12 dB.
    const auto factor = [&](unsigned shift) {
        const int steps = static_cast<int>(bits(master, shift, 5)) + static_cast<int>(bits(pcm, shift, 5)) - 8;
        return static_cast<u32>(std::lround(65536 * std::pow(10.0, -1.5 * steps / 20)));
    };
    return {factor(8), factor(0)};
}

}  // namespace bantam::devices
