// AudioOutput: where the machine's mixed sound goes (a file, the host's loudspeakers), owned by the mixer. Frames come
// in order without a gap, kAudioRate of them for every second of guest time since power-on; the calls come on the
// machine's thread and must not wait for the host for long.
#pragma once

#include <span>

#include "devices/audio_frame.h"

namespace bantam {

/// Frames a second.
inline constexpr u32 kAudioRate = 48'000;

class AudioOutput {
public:
    virtual ~AudioOutput() = default;
    virtual void play(std::span<const devices::AudioFrame> frames) = 0;
    /// Nothing sounds any more: what was played is to be heard now, and silence follows until the next play().
    virtual void rest() = 0;
    /// So many frames of silence have passed.
    virtual void skip(u64 frames) = 0;
};

}  // namespace bantam
