// Stac9700: SigmaTel's AC'97 codec (Intel, Audio Codec '97 Component Specification 2.1, chapter 6): identification,
// volumes with mute, record select, power-down status and variable rate audio. Left out: everything but master and PCM
// volume is stored and not heard; nothing is recorded but silence; tone and 3D are not implemented, as bits that stay
// 0.
#pragma once

#include <array>

#include "devices/device.h"

namespace bantam::devices {

class Stac9700 final : public Device {
public:
    /// A factor for each channel, in 65536ths.
    struct Gain {
        u32 left = 0, right = 0;
    };
    struct Pins {
        std::function<void()> volume_changed;  // gain()
    };
    explicit Stac9700(Pins pins) : pins_(std::move(pins)) { registers_ = power_on(); }

    [[nodiscard]] std::string_view name() const override { return "stac9700"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Register `index`, even, 00h to 7Eh.
    [[nodiscard]] u16 read(u8 index) const;
    void write(u8 index, u16 value);

    /// How loud PCM comes out.
    [[nodiscard]] Gain gain() const;
    /// Frames a second that the converters to and from analog take.
    [[nodiscard]] u32 output_rate() const { return at(0x2C); }
    [[nodiscard]] u32 input_rate() const { return at(0x32); }

private:
    using Registers = std::array<u16, 0x40>;  // by index / 2
    static Registers power_on();
    [[nodiscard]] u16 at(u8 index) const { return registers_.at(index / 2u); }

    Pins pins_;
    Registers registers_{};
};

}  // namespace bantam::devices
