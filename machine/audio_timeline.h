// AudioTimeline: the resampler: a stretch of 48 kHz sound to which samples of any rate and steps at any moment are
// added. Each becomes what an ideal low-pass filter makes of it (a windowed sinc, cut off below half the lower of both
// rates), so nothing above the limit folds back into the audible range. All of it is integer arithmetic: the same sound
// is the same frames on any host. Times are positions: frames since power-on in 65536ths.
#pragma once

#include <array>
#include <vector>

#include "devices/audio_frame.h"
#include "machine/audio_output.h"

namespace bantam {

class AudioTimeline {
public:
    /// How far a sample or step reaches before its position at most, in frames: what is taken must be older.
    static constexpr u64 kReach = 400;
    /// Samples and steps come as levels with this many fractional bits.
    static constexpr unsigned kFraction = 4;

    AudioTimeline();

    /// The position of guest time `ns`.
    [[nodiscard]] static u64 position_of(u64 ns);

    struct Level {
        i64 left = 0, right = 0;
    };
    /// One sample of a stream of `rate_hz` (not 0). Parts before begin() or too far ahead are lost.
    void add_sample(u64 position, u32 rate_hz, Level sample);
    /// The sum of all levels changes by `change`.
    void add_step(u64 position, Level change);

    /// The next frame to take.
    [[nodiscard]] u64 begin() const { return begin_; }
    /// Takes `frames`, which goes on for as many frames as it has.
    void take(std::span<devices::AudioFrame> frames);
    /// Nothing but silence is left.
    [[nodiscard]] bool silent() const;
    /// Goes on at frame `begin`, not before begin(); needs silent().
    void skip_to(u64 begin);

private:
    static constexpr u64 kFrames = 4096;  // a power of two
    struct Bin {
        Level samples, steps;
    };
    struct Reach {
        u64 first, end;  // frames
    };
    /// What is within `frames` of `position`.
    Reach touch(u64 position, u64 frames);

    const struct AudioKernel& kernel_;
    std::vector<Bin> bins_;
    u64 begin_ = 0;
    u64 touched_end_ = 0;  // frames from here on hold nothing yet
    Level held_;           // the sum of all steps
    Level last_, out_;     // of the high-pass filter
};

}  // namespace bantam
