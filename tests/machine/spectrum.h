// What sound consists of: amplitudes of single frequencies by the Goertzel algorithm (G. Goertzel, 1958) under a
// Blackman-Harris window, so that what lies elsewhere is 90 dB down.
#pragma once

#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "devices/audio_frame.h"
#include "machine/audio_output.h"

namespace bantam {

using devices::AudioFrame;

/// Keeps everything that was played.
class AudioRecorder final : public AudioOutput {
public:
    explicit AudioRecorder(std::vector<AudioFrame>& frames) : frames_(frames) {}
    void play(std::span<const AudioFrame> frames) override {
        frames_.insert(frames_.end(), frames.begin(), frames.end());
    }
    void rest() override {}
    void skip(u64 frames) override { frames_.resize(frames_.size() + frames); }

private:
    std::vector<AudioFrame>& frames_;
};

/// Peak amplitude (full scale: 32768) of the sine of `hertz` in one channel.
inline double amplitude_at(std::span<const AudioFrame> frames, double hertz,
                           i16 AudioFrame::*channel = &AudioFrame::left, double rate = kAudioRate) {
    const double turn = 2 * std::numbers::pi * hertz / rate;
    const double count = static_cast<double>(frames.size());
    double real = 0, imaginary = 0, weights = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const double n = static_cast<double>(i);
        const double at = 2 * std::numbers::pi * n / count;
        const double weight =
            0.35875 - 0.48829 * std::cos(at) + 0.14128 * std::cos(2 * at) - 0.01168 * std::cos(3 * at);
        const double sample = frames[i].*channel * weight;
        real += sample * std::cos(turn * n);
        imaginary -= sample * std::sin(turn * n);
        weights += weight;
    }
    return 2 * std::hypot(real, imaginary) / weights;
}

inline double decibels(double ratio) { return 20 * std::log10(ratio); }

/// Frames of `frames` from `first_ms` to `end_ms`.
inline std::span<const AudioFrame> part_ms(const std::vector<AudioFrame>& frames, u64 first_ms, u64 end_ms) {
    return std::span(frames).subspan(first_ms * kAudioRate / 1000, (end_ms - first_ms) * kAudioRate / 1000);
}

}  // namespace bantam
