// Ymf262: the Yamaha YMF262 (OPL3) FM synthesizer (YMF262 application manual; YM3812 manual for what OPL2 software
// finds): 36 operators in 18 channels, channels of four operators, eight waveforms, feedback, tremolo, vibrato, five
// rhythm instruments, both timers with their status. Before NEW is set it is an OPL2 with three more bits of nothing.
//
// It puts out a frame for every 288 cycles of 14.318 MHz. Nothing is computed until it is to be heard, a register
// changes or its state is looked at; what nobody hears is skipped in one leap. Envelopes and phases are the same either
// way. The noise and what feedback remembers only sound: they are no part of the state. Left out: output channels C and
// D (no card has more than two loudspeakers), the interrupt pin (no card connects it) and the test register.
#pragma once

#include <array>
#include <vector>

#include "base/scheduler.h"
#include "devices/audio_sink.h"
#include "devices/device.h"
#include "devices/ymf262_operator.h"

namespace bantam::devices {

class Ymf262 final : public Device {
public:
    static constexpr u32 kRate = 49'716;  // 14318180 / 288
    static constexpr unsigned kChannels = 18;
    static constexpr unsigned kOperators = 36;

    explicit Ymf262(Scheduler& scheduler) : scheduler_(scheduler) {}

    [[nodiscard]] std::string_view name() const override { return "ymf262"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Offset 0: status, address of bank 0; 1: data; 2: address of bank 1; 3: data.
    [[nodiscard]] u8 read(u64 offset) const;
    void write(u64 offset, u8 value);
    RegisterSpace registers();

    /// Null: nobody hears it.
    void connect(AudioSink* sink) { sink_ = sink; }
    /// Hands the sound up to now to the sink; false: silent until it wakes the sink.
    bool generate();

    struct TimerCounter {
        u8 preset = 0;
        bool running = false, masked = false, overflowed = false;
        u64 started = 0;  // sample at which it began to count up from the preset
        void describe(Archive& archive);
    };
    struct Registers {
        u16 address = 0;
        std::array<u8, 0x200> values{};  // as written
        std::array<TimerCounter, 2> timers;
        std::array<Ymf262Operator, kOperators> operators;  // at next_sample_
    };

private:
    static constexpr unsigned kRhythm = 0xBD, kFourOperators = 0x104;  // registers
    [[nodiscard]] u64 sample_now() const { return ticks_from_ns(scheduler_.now(), kRate); }
    // ymf262.cpp
    void write_register(unsigned index, u8 value);
    void write_operator(unsigned index, u8 value);
    void write_timer_control(u8 value);
    void write_rhythm(u8 value);
    void set_channel_key(unsigned channel);
    [[nodiscard]] bool overflowed(unsigned timer) const;
    [[nodiscard]] bool is_new() const { return (r_.values[0x105] & 1) != 0; }
    // ymf262_synthesis.cpp
    using Operator = Ymf262Operator;
    using Operators = std::array<Operator, kOperators>;
    [[nodiscard]] u8 channel_value(unsigned base, unsigned channel) const;
    [[nodiscard]] Operator::Pitch pitch(unsigned channel) const;
    [[nodiscard]] bool four_operators(unsigned channel) const;
    [[nodiscard]] bool second_of_four(unsigned channel) const;
    Operator& op(unsigned channel, unsigned index) { return r_.operators.at(operator_of(channel, index)); }
    [[nodiscard]] static unsigned operator_of(unsigned channel, unsigned index);
    [[nodiscard]] bool silent() const;
    void skip(Operators& operators, u64 end) const;
    AudioFrame next_frame();
    int run(Operator& unit, const Operator::Pitch& at, int modulation);
    int two_operator_sound(unsigned channel);
    int four_operator_sound(unsigned channel);
    int rhythm_sound();
    void mix(unsigned channel, int level, int& left, int& right) const;

    Scheduler& scheduler_;
    Registers r_;
    u64 next_sample_ = 0;  // the first one that is not computed yet
    u32 noise_ = 1;
    Operator::Lfo lfo_;  // of the frame that is computed
    AudioSink* sink_ = nullptr;
    std::vector<AudioFrame> frames_;
};

}  // namespace bantam::devices
