// Ymf262Operator: one of the YMF262's 36 operators (Yamaha YMF262 and YM3812 application manuals): phase generator,
// envelope generator and waveform. The chip works with logarithms: a quarter of a sine in units of 1/256 octave, to
// which the envelope is added, and a table of powers of two; both follow from formulas that give the ROMs' contents to
// the bit (read from decapped chips by M. Gambrell and O. Niemitalo, "OPLx decapsulated", 2008).
#pragma once

#include "base/archive.h"
#include "base/types.h"

namespace bantam::devices {

class Ymf262Operator {
public:
    /// A channel's F-number and block, and the key code that follows from them.
    struct Pitch {
        u16 f_number = 0;  // 10 bits
        u8 block = 0;      // octave
        u8 key_code = 0;   // 4 bits: block and one bit of the F-number, chosen by NTS
    };
    /// What the chip's low-frequency oscillators say at the moment.
    struct Lfo {
        unsigned tremolo = 0;  // attenuation, envelope steps
        unsigned vibrato = 0;  // eighth of its period
        bool deep_vibrato = false;
    };
    /// An eighth of the vibrato's period (6.1 Hz), in samples.
    static constexpr u64 kVibratoStep = 1024;
    /// Who holds the key.
    enum Key : u8 { kChannelKey = 1, kRhythmKey = 2 };

    /// Registers 20h, 40h, 60h, 80h and E0h of this operator.
    void set_modes(u8 value);
    void set_level(u8 value);
    void set_attack_decay(u8 value);
    void set_sustain_release(u8 value);
    void set_waveform(u8 value) { waveform_ = value & 7; }

    void set_key(Key key, bool on, const Pitch& pitch);
    /// Nothing comes out until a register changes. An attack of rate 0 never begins.
    [[nodiscard]] bool silent() const {
        return stage_ == Stage::off || (stage_ == Stage::attack && attack_ == 0 && envelope_ == kSilent);
    }

    /// The next sample's turn: envelope and phase move on. `sample` counts samples since power-on.
    void advance(u64 sample, const Pitch& pitch, const Lfo& lfo);
    /// As advance() for every sample from `first` to before `end`, until it is silent, in a time that does not depend
    /// on how many they are. `lends_phase`: others use the phase, which goes on even in silence.
    void skip(u64 first, u64 end, const Pitch& pitch, bool deep_vibrato, bool lends_phase);
    /// The phase now, 10 bits.
    [[nodiscard]] u32 phase() const { return phase_ >> 9 & 0x3FF; }
    /// What comes out at `phase` (its low 10 bits): -4084 to 4084. Remembered for the feedback.
    int output(u32 phase, const Pitch& pitch, const Lfo& lfo);
    /// What feedback `level` (0 to 7) adds to the phase.
    [[nodiscard]] int feedback(unsigned level) const { return level == 0 ? 0 : (last_ + before_last_) >> (9 - level); }
    /// Nothing came out this time.
    void rest() { last_ = before_last_ = 0; }

    /// Registers, envelope and phase. What feedback remembers belongs to who listens: it begins at rest.
    void describe(Archive& archive);

    static constexpr u16 kSilent = 0x1FF;

private:
    enum class Stage : u8 { attack, decay, sustain, release, off };
    [[nodiscard]] unsigned rate(u8 value, const Pitch& pitch) const;
    /// The envelope's level at which decay ends.
    [[nodiscard]] unsigned sustain_envelope() const;
    /// The first sample from `from` on at which advance_envelope() changes anything, or Scheduler::kNever.
    [[nodiscard]] u64 next_envelope_change(u64 from, const Pitch& pitch) const;
    void advance_envelope(u64 sample, const Pitch& pitch);
    void fade(unsigned step);
    /// By how much the phase moves with each sample.
    [[nodiscard]] u32 phase_step(const Pitch& pitch, unsigned vibrato, bool deep_vibrato) const;

    // As the registers say
    bool tremolo_ = false, vibrato_ = false, sustained_ = false, scales_rate_ = false;
    u8 multiple_ = 0, key_scale_level_ = 0, total_level_ = 0;
    u8 attack_ = 0, decay_ = 0, sustain_level_ = 0, release_ = 0, waveform_ = 0;
    // As they move
    u8 keys_ = 0;
    Stage stage_ = Stage::off;
    u16 envelope_ = kSilent;  // attenuation, 0.1875 dB
    u32 phase_ = 0;           // 19 bits
    // As they sound
    i16 last_ = 0, before_last_ = 0;
};

}  // namespace bantam::devices
