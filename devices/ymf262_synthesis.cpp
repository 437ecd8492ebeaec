// The chip's sound: channels, algorithms and rhythm.
#include <algorithm>

#include "base/bits.h"
#include "devices/ymf262.h"

namespace bantam::devices {
namespace {

// Register 08h bit 6, NTS: which bit of the F-number is in the key code.
constexpr unsigned kKeyboardSplit = 0x08;
// Tremolo: a triangle of 210 steps of 64 samples, 3.7 Hz.
constexpr u64 kTremoloStep = 64, kTremoloSteps = 210;
// Who has not been asked for longer than this does not catch up (200 ms).
constexpr u64 kMostSamples = Ymf262::kRate / 5;

}  // namespace

u8 Ymf262::channel_value(unsigned base, unsigned channel) const {
    return r_.values.at(channel < 9 ? base + channel : 0x100 + base + channel - 9);
}

unsigned Ymf262::operator_of(unsigned channel, unsigned index) {
    const unsigned in_bank = channel % 9;
    return channel / 9 * 18 + in_bank / 3 * 6 + in_bank % 3 + index * 3;
}

/// The first of two channels that play together.
bool Ymf262::four_operators(unsigned channel) const {
    const unsigned in_bank = channel % 9;
    return is_new() && in_bank < 3 && bit(r_.values[kFourOperators], channel / 9 * 3 + in_bank);
}

bool Ymf262::second_of_four(unsigned channel) const {
    return channel % 9 >= 3 && channel % 9 < 6 && four_operators(channel - 3);
}

Ymf262Operator::Pitch Ymf262::pitch(unsigned channel) const {
    const u8 high = channel_value(0xB0, channel);
    const auto f_number = static_cast<u16>(channel_value(0xA0, channel) | (high & 3) << 8);
    const auto block = static_cast<u8>(high >> 2 & 7);
    const unsigned split_bit = bit(r_.values[kKeyboardSplit], 6) ? 8 : 9;
    return {.f_number = f_number,
            .block = block,
            .key_code = static_cast<u8>(block << 1 | (bit(f_number, split_bit) ? 1 : 0))};
}

bool Ymf262::silent() const {
    return std::all_of(r_.operators.begin(), r_.operators.end(),
                       [](const Ymf262Operator& unit) { return unit.silent(); });
}

/// Leaves out the samples from next_sample_ to before `end`: `operators` get where they would be.
void Ymf262::skip(Operators& operators, u64 end) const {
    const u8 depths = r_.values[kRhythm];
    for (unsigned channel = 0; channel < kChannels; ++channel) {
        const Operator::Pitch at = pitch(second_of_four(channel) ? channel - 3 : channel);
        for (unsigned index = 0; index < 2; ++index) {
            // rhythm_sound() uses them: hi-hat, snare drum and cymbal.
            const bool lends_phase = bit(depths, 5) && (channel == 7 || (channel == 8 && index == 1));
            operators.at(operator_of(channel, index)).skip(next_sample_, end, at, bit(depths, 6), lends_phase);
        }
    }
}

bool Ymf262::generate() {
    const u64 end = sample_now();
    if (end <= next_sample_) return !silent();
    if (sink_ == nullptr || silent() || end - next_sample_ > kMostSamples) {
        skip(r_.operators, end);
        next_sample_ = end;
        return !silent();
    }
    frames_.clear();
    const u64 first = next_sample_;
    while (next_sample_ < end) frames_.push_back(next_frame());
    sink_->play(ns_from_ticks(first, kRate), kRate, frames_);
    return !silent();
}

int Ymf262::run(Operator& unit, const Operator::Pitch& at, int modulation) {
    if (unit.silent()) {
        unit.rest();
        return 0;
    }
    const u32 phase = unit.phase();
    const int level = unit.output(phase + static_cast<u32>(modulation), at, lfo_);
    unit.advance(next_sample_, at, lfo_);
    return level;
}

int Ymf262::two_operator_sound(unsigned channel) {
    const Operator::Pitch at = pitch(channel);
    const u8 connection = channel_value(0xC0, channel);
    Operator& modulator = op(channel, 0);
    const int first = run(modulator, at, modulator.feedback(connection >> 1 & 7));
    const bool additive = bit(connection, 0);
    const int second = run(op(channel, 1), at, additive ? 0 : first);
    return additive ? first + second : second;
}

/// The connection bits of both channels choose among four ways to connect their operators.
int Ymf262::four_operator_sound(unsigned channel) {
    const Operator::Pitch at = pitch(channel);
    const u8 connection = channel_value(0xC0, channel);
    const bool first_apart = bit(connection, 0), second_apart = bit(channel_value(0xC0, channel + 3), 0);
    Operator& modulator = op(channel, 0);
    const int one = run(modulator, at, modulator.feedback(connection >> 1 & 7));
    const int two = run(op(channel, 1), at, first_apart ? 0 : one);
    // 0: 1>2>3>4; second: 1>2 + 3>4; first: 1 + 2>3>4; both: 1 + 2>3 + 4.
    const int three = run(op(channel + 3, 0), at, second_apart && !first_apart ? 0 : two);
    const int four = run(op(channel + 3, 1), at, first_apart && second_apart ? 0 : three);
    if (!first_apart) return second_apart ? two + four : four;
    return second_apart ? one + three + four : one + four;
}

/// Channels 6 to 8 as five instruments, twice as loud as a channel. Hi-hat, snare drum and cymbal mix the phases of two
/// operators with noise.
int Ymf262::rhythm_sound() {
    const Operator::Pitch bass = pitch(6), middle = pitch(7), high = pitch(8);
    const u8 connection = channel_value(0xC0, 6);
    Operator& modulator = op(6, 0);
    const int modulation = run(modulator, bass, modulator.feedback(connection >> 1 & 7));
    int level = run(op(6, 1), bass, bit(connection, 0) ? 0 : modulation);

    Operator &hat = op(7, 0), &cymbal = op(8, 1), &snare = op(7, 1);
    const u32 hat_phase = hat.phase(), cymbal_phase = cymbal.phase();
    const bool noise = bit(noise_, 0);
    const bool mixed = bit(hat_phase, 2) != bit(hat_phase, 7) || bit(hat_phase, 3) != bit(cymbal_phase, 5) ||
                       bit(cymbal_phase, 3) != bit(cymbal_phase, 5);
    const auto sound_at = [&](Operator& unit, const Operator::Pitch& at, u32 phase) {
        // Their phases go on even in silence: the others use them.
        const int out = unit.silent() ? 0 : unit.output(phase, at, lfo_);
        unit.advance(next_sample_, at, lfo_);
        return out;
    };
    level += sound_at(hat, middle, (mixed ? 0x200u : 0u) | (mixed != noise ? 0xD0u : 0x34u));
    level += sound_at(snare, middle, (bit(hat_phase, 8) ? 0x200u : 0u) | (bit(hat_phase, 8) != noise ? 0x100u : 0u));
    level += run(op(8, 0), high, 0);
    level += sound_at(cymbal, high, (mixed ? 0x200u : 0u) | 0x80u);
    return 2 * level;
}

void Ymf262::mix(unsigned channel, int level, int& left, int& right) const {
    const u8 outputs = is_new() ? channel_value(0xC0, channel) : 0x30;
    if (bit(outputs, 4)) left += level;
    if (bit(outputs, 5)) right += level;
}

AudioFrame Ymf262::next_frame() {
    const u64 sample = next_sample_;
    const u8 depths = r_.values[kRhythm];
    const u64 at = sample / kTremoloStep % kTremoloSteps;
    const u64 triangle = at < kTremoloSteps / 2 ? at : kTremoloSteps - at;
    lfo_ = {.tremolo = static_cast<unsigned>(triangle >> (bit(depths, 7) ? 2 : 4)),  // 4.8 or 1 dB
            .vibrato = static_cast<unsigned>(sample / Operator::kVibratoStep % 8),
            .deep_vibrato = bit(depths, 6)};
    int left = 0, right = 0;
    const bool rhythm = bit(depths, 5);
    for (unsigned channel = 0; channel < kChannels; ++channel) {
        if (second_of_four(channel)) continue;
        if (rhythm && channel >= 6 && channel <= 8) {
            if (channel == 6) mix(channel, rhythm_sound(), left, right);
        } else if (four_operators(channel)) {
            mix(channel + 3, four_operator_sound(channel), left, right);
        } else if (!op(channel, 0).silent() || !op(channel, 1).silent()) {
            mix(channel, two_operator_sound(channel), left, right);
        }
    }
    // A shift register of 23 bits (taps 0 and 14).
    noise_ = noise_ >> 1 | ((noise_ ^ noise_ >> 14) & 1) << 22;
    ++next_sample_;
    const auto converted = [](int level) { return static_cast<i16>(std::clamp(level, -32768, 32767)); };
    return {converted(left), converted(right)};
}

}  // namespace bantam::devices
