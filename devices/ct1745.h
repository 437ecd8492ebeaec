// Ct1745: the mixer of the Sound Blaster 16 (Creative, Sound Blaster Series Hardware Programming Guide, chapter 4):
// volumes of the inputs and of the card as a whole with their Sound Blaster Pro aliases, and the registers that choose
// and tell the card's interrupt line and DMA channels. Left out: treble, bass, the input side and automatic gain are
// stored and not heard (nothing is recorded); nothing is connected to CD, line, microphone and PC speaker.
#pragma once

#include <array>

#include "devices/device.h"

namespace bantam::devices {

class Ct1745 final : public Device {
public:
    /// A factor for each channel, in 65536ths.
    struct Gain {
        u32 left = 0, right = 0;
    };
    struct Pins {
        std::function<void()> volumes_changed;  // voice_gain(), midi_gain()
        std::function<void()> routing_changed;  // interrupt_line(), narrow_channel(), wide_channel()
        std::function<u8()> interrupt_status;   // register 82h
    };
    explicit Ct1745(Pins pins) : pins_(std::move(pins)) {}

    [[nodiscard]] std::string_view name() const override { return "ct1745"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Offset 0 selects a register, 1 is the selected one.
    u8 read(u64 offset) const;
    void write(u64 offset, u8 value);
    RegisterSpace registers();

    /// How loud digitised sound and the synthesizer come out of the card.
    [[nodiscard]] Gain voice_gain() const { return gain(0x32); }
    [[nodiscard]] Gain midi_gain() const { return gain(0x34); }
    static constexpr unsigned kNone = ~0u;
    /// IRQ 5, 7, 9 or 10; kNone: none is chosen.
    [[nodiscard]] unsigned interrupt_line() const;
    /// DMA channel of bytes (0, 1, 3) and of words (5, 6, 7); kNone: none is chosen.
    [[nodiscard]] unsigned narrow_channel() const;
    [[nodiscard]] unsigned wide_channel() const;

    struct Registers {
        u8 index = 0;
        u8 interrupt_select = 0x02;     // 80h: IRQ 5
        u8 dma_select = 0x22;           // 81h: channels 1 and 5
        std::array<u8, 0x48> values{};  // 30h to 47h are there
    };

private:
    [[nodiscard]] Gain gain(u8 input) const;

    Pins pins_;
    Registers r_ = power_on();
    static Registers power_on();
};

}  // namespace bantam::devices
