// Ct1741: the Sound Blaster 16's digital sound processor, version 4.05 (Creative, Sound Blaster Series Hardware
// Programming Guide, chapters 2, 3 and 6): reset, direct output, 8- and 16-bit DMA of one block or auto-initialised,
// mono and stereo, signed and unsigned, compressed samples, silence, pause, continue and exit, time constants and
// rates, the test, identification and interrupt commands. Both DMA channels may run at once.
//
// Samples move in portions of half a millisecond, each when it has been played, and a block's last at its own time, so
// interrupts come when they should and the DMA controller's count is never ahead of the sound.
//
// Left out: MIDI (bytes are taken and go nowhere, none come) and the ASP/CSP signal processor of some cards, which
// drivers find absent. Inputs record silence. What is left out is logged as a warning, once for each command.
#pragma once

#include <array>
#include <bitset>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "devices/audio_sink.h"
#include "devices/byte_queue.h"
#include "devices/creative_adpcm.h"
#include "devices/device.h"

namespace bantam::devices {

class Ct1741 final : public Device {
public:
    /// The two DMA channels: bytes, and words.
    enum Channel : unsigned { kNarrow, kWide };
    static constexpr unsigned kChannels = 2;

    struct Pins {
        OutputLine interrupt;                                      // for either kind; interrupt_status() tells which
        std::function<void(Channel channel, bool level)> request;  // DREQ
    };
    Ct1741(Scheduler& scheduler, Pins pins);

    [[nodiscard]] std::string_view name() const override { return "ct1741"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Offset 0 is the card's base + 6h (reset), 4 + Ah (read data), 6 + Ch (write, busy), 8 + Eh (data available,
    /// acknowledges 8-bit interrupts), 9 + Fh (acknowledges 16-bit ones).
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;
    RegisterSpace registers();

    /// DACK with IOW: `bytes` is 1 or 2; the wide channel takes words as one or as two bytes.
    void dma_write(Channel channel, u16 value, unsigned bytes);
    /// DACK with IOR.
    u16 dma_read(Channel channel, unsigned bytes);
    /// As in mixer register 82h: bit 0 8-bit, bit 1 16-bit.
    [[nodiscard]] u8 interrupt_status() const { return r_.interrupts; }

    /// Null: nobody hears it.
    void connect(AudioSink* sink) { sink_ = sink; }

    /// identification: the byte that command E2h answers with.
    enum class Format : u8 { pcm, adpcm4, adpcm2_6, adpcm2, silence, identification };
    /// What one DMA channel does. Units are bytes or words, as the channel moves them.
    struct Transfer {
        bool active = false, paused = false;
        Format format = Format::pcm;
        bool is_signed = false, stereo = false, input = false;
        bool auto_init = false;  // false: ends with this block
        bool reference = false;  // compressed: the next byte is the sample that differences begin from
        u32 rate = 0;            // frames a second
        u32 block = 0, left = 0;
        u32 portion = 0;       // units of the portion that is played
        u32 wanted = 0;        // of them, asked for and not moved yet
        u64 origin_ns = 0;     // when unit 0 began
        u64 done = 0;          // units moved since then
        bool starved = false;  // nobody answered DREQ in time
        bool half = false;     // a word's first byte waits
        u8 low_byte = 0;
        bool has_left = false;
        i16 left_sample = 0;
        void describe(Archive& archive);
    };
    struct Registers {
        bool reset_held = false;
        bool midi = false;  // UART mode: bytes are MIDI until the reset
        bool speaker = false;
        u8 command = 0;
        u8 arguments_expected = 0, arguments_count = 0;
        std::array<u8, 3> arguments{};
        ByteQueue<64> output;
        u8 last_output = 0;
        u8 test = 0;
        u8 identity = 0xAA, identity_key = 0x96;  // of command E2h
        u8 interrupts = 0;
        u32 rate = 22'050;
        u32 block_size = 0x800;  // of command 48h
        CreativeAdpcm adpcm;
        std::array<Transfer, kChannels> transfers;
    };

private:
    static constexpr u8 kInterrupt8 = 1, kInterrupt16 = 2;  // as interrupt_status() has them
    // ct1741.cpp
    void finish_reset();
    void drive(bool level_before);
    void raise(u8 kind);
    void acknowledge(u8 kind);
    // ct1741_commands.cpp
    void write_command(u8 value);
    void execute();
    bool execute_block();
    void warn_left_out(std::string_view what);
    void answer(u8 value) { (void)r_.output.push(value); }
    [[nodiscard]] u32 argument_word() const { return r_.arguments[0] | u32{r_.arguments[1]} << 8; }
    // ct1741_transfer.cpp
    void start(Channel channel, const Transfer& transfer);
    void stop(Channel channel);
    void pause(Channel channel);
    void resume(Channel channel);
    void arm(Channel channel);
    void portion_due(Channel channel);
    void portion_done(Channel channel);
    void moved(Channel channel);
    void take_unit(Channel channel, u16 value);
    void put_sample(Channel channel, i16 sample);
    [[nodiscard]] static u64 duration_ns(const Transfer& transfer, u64 units);

    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
    std::array<Timer, kChannels> timers_;
    AudioSink* sink_ = nullptr;
    std::array<std::vector<AudioFrame>, kChannels> frames_;  // of the portion that is being moved
    std::bitset<256> warned_;                                // of commands that are left out
};

}  // namespace bantam::devices
