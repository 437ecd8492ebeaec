// RecordedAudio: an audio sink that keeps what a chip hands over.
#pragma once

#include <vector>

#include "devices/audio_sink.h"

namespace bantam::devices {

class RecordedAudio final : public AudioSink {
public:
    struct Step {
        u64 time_ns;
        AudioFrame level;
        bool operator==(const Step&) const = default;
    };
    void set_level(u64 time_ns, AudioFrame level) override {
        if (level != last) steps.push_back({time_ns, level});
        last = level;
    }
    void play(u64 first_ns, u32 rate_hz, std::span<const AudioFrame> more) override {
        if (frames.empty()) started_ns = first_ns;
        rate = rate_hz;
        frames.insert(frames.end(), more.begin(), more.end());
    }
    void wake() override { ++wakes; }
    void set_gain(u32 left, u32 right) override {
        gain_left = left;
        gain_right = right;
    }
    std::vector<Step> steps;  // where the level changed
    AudioFrame last;
    std::vector<AudioFrame> frames;
    u64 started_ns = 0;
    u32 rate = 0;
    unsigned wakes = 0;
    u32 gain_left = 1 << 16, gain_right = 1 << 16;
};

}  // namespace bantam::devices
