// AudioSink: where a chip's analog output leads, owned by the chips that sound and implemented by the machine's mixer
// (machine/audio_mixer.h). A chip without one (nobody listens) computes no sound. Times are guest time in ns.
#pragma once

#include <span>

#include "devices/audio_frame.h"

namespace bantam::devices {

class AudioSink {
public:
    virtual ~AudioSink() = default;
    /// An output that no clock drives holds `level` from `time_ns` on. Times never go back.
    virtual void set_level(u64 time_ns, AudioFrame level) = 0;
    /// What a converter clocked at `rate_hz` (not 0) puts out from `first_ns` on. Calls whose times join up are one
    /// stream; without a call there is silence.
    virtual void play(u64 first_ns, u32 rate_hz, std::span<const AudioFrame> frames) = 0;
    /// The chip will sound by itself: its generate() is to be called until it returns false.
    virtual void wake() = 0;
    /// Amplification of what comes from now on, in 65536ths.
    virtual void set_gain(u32 left, u32 right) = 0;
};

}  // namespace bantam::devices
