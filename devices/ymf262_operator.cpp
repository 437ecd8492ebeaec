// See ymf262_operator.h.
#include "devices/ymf262_operator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/bits.h"
#include "base/scheduler.h"

namespace bantam::devices {
namespace {

constexpr unsigned kInaudible = 0x1000;  // an attenuation of which nothing is left
constexpr u32 kPhaseMask = 0x7FFFF;

/// Attenuation of the first quarter of a sine, in 1/256 octaves (6.02 dB).
const std::array<u16, 256>& log_sine() {
    static const std::array<u16, 256> table = [] {
        std::array<u16, 256> values{};
        for (unsigned i = 0; i < 256; ++i)
            values.at(i) =
                static_cast<u16>(std::lround(-256 * std::log2(std::sin((i + 0.5) * std::numbers::pi / 512))));
        return values;
    }();
    return table;
}

/// 2^(-i/256) - 1/2, in 2048ths.
const std::array<u16, 256>& power() {
    static const std::array<u16, 256> table = [] {
        std::array<u16, 256> values{};
        for (unsigned i = 0; i < 256; ++i)
            values.at(i) = static_cast<u16>(std::lround((std::exp2((255 - i) / 256.0) - 1) * 1024));
        return values;
    }();
    return table;
}

/// Twice the frequency multiple of register 20h.
constexpr std::array<u8, 16> kMultiples{1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 20, 24, 24, 30, 30};
/// Key scale level at 3 dB an octave in octave 7, by the F-number's high four bits: the manual's table in 0.375 dB, and
/// 8 more, which is one octave.
constexpr std::array<u8, 16> kKeyScale{0, 32, 40, 45, 48, 51, 53, 55, 56, 58, 59, 60, 61, 62, 63, 64};
/// 0, 3, 1.5 and 6 dB an octave.
constexpr std::array<u8, 4> kKeyScaleShift{8, 1, 2, 0};
/// In which of eight steps an envelope moves (below rate 48), or moves by one more (above), by the rate's low two bits.
constexpr std::array<u8, 4> kSteps{0b1010'1010, 0b1011'1010, 0b1110'1110, 0b1111'1110};
constexpr std::array<u8, 4> kMoreSteps{0b0000'0000, 0b1000'1000, 0b1010'1010, 0b1110'1110};
constexpr unsigned kInstant = 60;  // the rate from which an attack takes no time

/// By how much an envelope of `rate` (not 0) moves at `sample`.
unsigned envelope_step(unsigned rate, u64 sample) {
    const unsigned octave = rate >> 2, part = rate & 3;
    if (octave == 15) return 8;
    const unsigned shift = octave < 12 ? 12 - octave : 0;
    if ((sample & ((u64{1} << shift) - 1)) != 0) return 0;
    const unsigned index = sample >> shift & 7;
    if (octave < 12) return kSteps.at(part) >> index & 1;
    return (1 + (kMoreSteps.at(part) >> index & 1)) << (octave - 12);
}

/// The first sample from `from` on at which an envelope of `rate` (not 0) moves.
u64 next_envelope_step(unsigned rate, u64 from) {
    const unsigned octave = rate >> 2;
    const u64 grid = u64{1} << (octave < 12 ? 12 - octave : 0);
    u64 sample = (from + grid - 1) & ~(grid - 1);
    while (envelope_step(rate, sample) == 0) sample += grid;
    return sample;
}

/// How many samples before `end` are in that eighth of the vibrato's period.
u64 samples_in_eighth(u64 end, unsigned eighth) {
    constexpr u64 kStep = Ymf262Operator::kVibratoStep, kPeriod = 8 * kStep;
    const u64 begin = eighth * kStep, part = end % kPeriod;
    return end / kPeriod * kStep + std::min(part - std::min(part, begin), kStep);
}

struct Wave {
    unsigned attenuation;
    bool negative;
};

/// Attenuation and sign of waveform `index` at `phase`.
Wave wave_at(unsigned index, u32 phase) {
    const bool second_half = bit(phase, 9), second_quarter = bit(phase, 8);
    const auto sine = [](u32 at) { return unsigned{log_sine()[(bit(at, 8) ? ~at : at) & 0xFF]}; };
    switch (index) {
        case 0:
            return {sine(phase), second_half};
        case 1:  // its positive half
            return {second_half ? kInaudible : sine(phase), false};
        case 2:  // without sign
            return {sine(phase), false};
        case 3:  // rising quarters alone
            return {second_quarter ? kInaudible : sine(phase), false};
        case 4:  // a whole sine in the first half
            return {second_half ? kInaudible : sine(phase << 1), !second_half && second_quarter};
        case 5:  // without sign
            return {second_half ? kInaudible : sine(phase << 1), false};
        case 6:  // square
            return {0, second_half};
        default:  // exponential sawtooth
            return {(second_half ? ~phase & 0x1FF : phase & 0x1FF) << 3, second_half};
    }
}

}  // namespace

void Ymf262Operator::set_modes(u8 value) {
    tremolo_ = bit(value, 7);
    vibrato_ = bit(value, 6);
    sustained_ = bit(value, 5);
    scales_rate_ = bit(value, 4);
    multiple_ = value & 0x0F;
}

void Ymf262Operator::set_level(u8 value) {
    key_scale_level_ = value >> 6;
    total_level_ = value & 0x3F;
}

void Ymf262Operator::set_attack_decay(u8 value) {
    attack_ = value >> 4;
    decay_ = value & 0x0F;
}

void Ymf262Operator::set_sustain_release(u8 value) {
    sustain_level_ = value >> 4;
    release_ = value & 0x0F;
}

/// The rate of register value `value` after key scaling; 0: never moves.
unsigned Ymf262Operator::rate(u8 value, const Pitch& pitch) const {
    if (value == 0) return 0;
    return std::min(63u, 4u * value + (scales_rate_ ? pitch.key_code : pitch.key_code >> 2u));
}

void Ymf262Operator::set_key(Key key, bool on, const Pitch& pitch) {
    const u8 before = keys_;
    keys_ = static_cast<u8>(on ? keys_ | key : keys_ & ~key);
    if (before == 0 && keys_ != 0) {
        phase_ = 0;
        stage_ = Stage::attack;
        if (rate(attack_, pitch) >= kInstant) {
            envelope_ = 0;
            stage_ = Stage::decay;
        }
    } else if (before != 0 && keys_ == 0 && stage_ != Stage::off) {
        stage_ = envelope_ == kSilent ? Stage::off : Stage::release;
    }
}

void Ymf262Operator::fade(unsigned step) {
    envelope_ = static_cast<u16>(std::min<unsigned>(envelope_ + step, kSilent));
    if (envelope_ == kSilent) stage_ = Stage::off;
}

/// 3 dB a step; the last is 93 dB.
unsigned Ymf262Operator::sustain_envelope() const { return (sustain_level_ == 15 ? 31u : sustain_level_) << 4; }

u64 Ymf262Operator::next_envelope_change(u64 from, const Pitch& pitch) const {
    const auto next_step = [&](u8 value) {
        const unsigned scaled = rate(value, pitch);
        return scaled == 0 ? Scheduler::kNever : next_envelope_step(scaled, from);
    };
    switch (stage_) {
        case Stage::attack:
            return envelope_ == 0 ? from : next_step(attack_);
        case Stage::decay:
            return envelope_ >= sustain_envelope() ? from : next_step(decay_);
        case Stage::sustain:
            if (sustained_) break;
            [[fallthrough]];
        case Stage::release:
            return envelope_ == kSilent ? from : next_step(release_);
        case Stage::off:
            break;
    }
    return Scheduler::kNever;
}

void Ymf262Operator::advance_envelope(u64 sample, const Pitch& pitch) {
    const auto step_of = [&](u8 value) {
        const unsigned scaled = rate(value, pitch);
        return scaled == 0 ? 0 : envelope_step(scaled, sample);
    };
    switch (stage_) {
        case Stage::attack: {
            const int level = envelope_;
            envelope_ = static_cast<u16>(std::max(0, level + (~level * static_cast<int>(step_of(attack_)) >> 3)));
            if (envelope_ == 0) stage_ = Stage::decay;
            break;
        }
        case Stage::decay:
            if (envelope_ >= sustain_envelope()) {
                stage_ = Stage::sustain;
            } else {
                fade(step_of(decay_));
            }
            break;
        case Stage::sustain:
            if (!sustained_) fade(step_of(release_));
            break;
        case Stage::release:
            fade(step_of(release_));
            break;
        case Stage::off:
            break;
    }
}

u32 Ymf262Operator::phase_step(const Pitch& pitch, unsigned vibrato, bool deep_vibrato) const {
    int f_number = pitch.f_number;
    if (vibrato_) {
        // A triangle of eight steps: by the F-number's high three bits, halves of them, or not at all.
        int range = pitch.f_number >> 7;
        if ((vibrato & 3) == 0) range = 0;
        if ((vibrato & 1) != 0) range >>= 1;
        if (!deep_vibrato) range >>= 1;
        f_number += (vibrato & 4) != 0 ? -range : range;
    }
    const u32 step = (static_cast<u32>(f_number) << pitch.block) >> 1;
    return step * kMultiples.at(multiple_) >> 1;
}

void Ymf262Operator::advance(u64 sample, const Pitch& pitch, const Lfo& lfo) {
    advance_envelope(sample, pitch);
    phase_ = (phase_ + phase_step(pitch, lfo.vibrato, lfo.deep_vibrato)) & kPhaseMask;
}

void Ymf262Operator::skip(u64 first, u64 end, const Pitch& pitch, bool deep_vibrato, bool lends_phase) {
    if (silent() && !lends_phase) return;
    u64 phase_end = end;
    for (u64 at = next_envelope_change(first, pitch); at < end; at = next_envelope_change(at + 1, pitch)) {
        advance_envelope(at, pitch);
        if (stage_ == Stage::off && !lends_phase) phase_end = at + 1;
    }
    u64 phase = phase_;
    for (unsigned eighth = 0; eighth < 8; ++eighth) {
        const u64 samples = samples_in_eighth(phase_end, eighth) - samples_in_eighth(first, eighth);
        phase += (samples & kPhaseMask) * phase_step(pitch, eighth, deep_vibrato);
    }
    phase_ = static_cast<u32>(phase & kPhaseMask);
    rest();
}

int Ymf262Operator::output(u32 phase, const Pitch& pitch, const Lfo& lfo) {
    const int scaled = (kKeyScale.at(pitch.f_number >> 6) << 2) - ((8 - pitch.block) << 5);
    const unsigned key_scale = static_cast<unsigned>(std::max(scaled, 0)) >> kKeyScaleShift.at(key_scale_level_);
    const unsigned envelope =
        std::min<unsigned>(envelope_ + (total_level_ << 2u) + key_scale + (tremolo_ ? lfo.tremolo : 0), kSilent);
    const Wave wave = wave_at(waveform_, phase & 0x3FF);
    const unsigned level = wave.attenuation + (envelope << 3);
    const int magnitude = level >= kInaudible ? 0 : (power()[level & 0xFF] + 1024) << 1 >> (level >> 8);
    before_last_ = last_;
    last_ = static_cast<i16>(wave.negative ? ~magnitude : magnitude);
    return last_;
}

void Ymf262Operator::describe(Archive& archive) {
    archive.field("tremolo", tremolo_);
    archive.field("vibrato", vibrato_);
    archive.field("sustained", sustained_);
    archive.field("scales_rate", scales_rate_);
    archive.field("multiple", multiple_);
    archive.field("key_scale_level", key_scale_level_);
    archive.field("total_level", total_level_);
    archive.field("attack", attack_);
    archive.field("decay", decay_);
    archive.field("sustain_level", sustain_level_);
    archive.field("release", release_);
    archive.field("waveform", waveform_);
    archive.field("keys", keys_);
    archive.field("stage", stage_);
    archive.field("envelope", envelope_);
    archive.field("phase", phase_);
    if (!archive.loading()) return;
    rest();
    for (u8* value : {&multiple_, &attack_, &decay_, &sustain_level_, &release_}) *value &= 0x0F;
    key_scale_level_ &= 3;
    total_level_ &= 0x3F;
    waveform_ &= 7;
    if (stage_ > Stage::off) stage_ = Stage::off;
    envelope_ = std::min(envelope_, kSilent);
    phase_ &= kPhaseMask;
}

}  // namespace bantam::devices
