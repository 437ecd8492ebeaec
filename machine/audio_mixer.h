// AudioMixer: brings what the chips put out to one stream of 48 kHz and hands it to an AudioOutput. Sound follows guest
// time alone, so in virtual time it is the same to the bit in every run. While something sounds a timer hands on what
// is complete every 5 ms; while nothing does there is no event at all.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "base/scheduler.h"
#include "devices/audio_sink.h"
#include "machine/audio_timeline.h"

namespace bantam {

class AudioMixer {
public:
    static constexpr u64 kPeriod_ns = 5'000'000;
    /// How far the output is behind the guest: what a sample reaches back, and how late a chip may hand it over (2 ms).
    static constexpr u64 kLagFrames = AudioTimeline::kReach + 100;

    AudioMixer(Scheduler& scheduler, std::unique_ptr<AudioOutput> output);

    /// A sink for one output of a chip. `generate`, called after the chip woke the sink, has it hand over its sound up
    /// to now; false: it is silent until it wakes the sink again. Null: the chip hands over by itself.
    devices::AudioSink& add(std::function<bool()> generate);
    /// Hands on all there is up to now: the run is over.
    void finish();

private:
    class Input final : public devices::AudioSink {
    public:
        Input(AudioMixer& mixer, std::function<bool()> generate) : mixer_(mixer), generate_(std::move(generate)) {}
        void set_level(u64 time_ns, devices::AudioFrame level) override;
        void play(u64 first_ns, u32 rate_hz, std::span<const devices::AudioFrame> frames) override;
        void wake() override;
        void set_gain(u32 left, u32 right) override;
        /// False: silent.
        bool generate();

    private:
        [[nodiscard]] AudioTimeline::Level amplified(devices::AudioFrame frame) const;
        AudioMixer& mixer_;
        std::function<bool()> generate_;
        bool awake_ = false;
        i64 gain_left_ = 1 << 16, gain_right_ = 1 << 16;
        AudioTimeline::Level level_;  // that set_level left
    };

    void wake();
    void tick();
    void mix_to(u64 frame);
    void skip_to(u64 frame);
    bool generate();

    Scheduler& scheduler_;
    std::unique_ptr<AudioOutput> output_;
    AudioTimeline timeline_;
    std::deque<Input> inputs_;
    Timer timer_;
};

}  // namespace bantam
