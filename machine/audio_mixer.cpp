#include "machine/audio_mixer.h"

#include <algorithm>
#include <array>

namespace bantam {

AudioMixer::AudioMixer(Scheduler& scheduler, std::unique_ptr<AudioOutput> output)
    : scheduler_(scheduler),
      output_(std::move(output)),
      timer_(
          scheduler, "audio", [this] { tick(); }, Timer::Owner::host) {}

devices::AudioSink& AudioMixer::add(std::function<bool()> generate) {
    return inputs_.emplace_back(*this, std::move(generate));
}

AudioTimeline::Level AudioMixer::Input::amplified(devices::AudioFrame frame) const {
    constexpr unsigned kShift = 16 - AudioTimeline::kFraction;
    return {frame.left * gain_left_ >> kShift, frame.right * gain_right_ >> kShift};
}

void AudioMixer::Input::set_level(u64 time_ns, devices::AudioFrame level) {
    const AudioTimeline::Level now = amplified(level);
    const AudioTimeline::Level change{now.left - level_.left, now.right - level_.right};
    if (change.left == 0 && change.right == 0) return;
    level_ = now;
    mixer_.wake();
    mixer_.timeline_.add_step(AudioTimeline::position_of(time_ns), change);
}

void AudioMixer::Input::play(u64 first_ns, u32 rate_hz, std::span<const devices::AudioFrame> frames) {
    if (frames.empty()) return;
    mixer_.wake();
    const u64 first = AudioTimeline::position_of(first_ns);
    const u64 spacing = (u64{kAudioRate} << 32) / rate_hz;
    u64 offset = 0;  // frames of the output, 2^32nds
    for (const devices::AudioFrame& frame : frames) {
        mixer_.timeline_.add_sample(first + (offset >> 16), rate_hz, amplified(frame));
        offset += spacing;
    }
}

void AudioMixer::Input::wake() {
    awake_ = generate_ != nullptr;
    mixer_.wake();
}

void AudioMixer::Input::set_gain(u32 left, u32 right) {
    gain_left_ = left;
    gain_right_ = right;
}

bool AudioMixer::Input::generate() {
    if (awake_) awake_ = generate_();
    return awake_;
}

/// Something sounds: the output goes on from here.
void AudioMixer::wake() {
    if (timer_.armed()) return;
    const u64 now = scheduler_.now();
    timer_.arm(now - now % kPeriod_ns + kPeriod_ns);
    const u64 frame = AudioTimeline::position_of(now) >> 16;
    skip_to(std::max(timeline_.begin(), frame - std::min(frame, kLagFrames)));
}

void AudioMixer::skip_to(u64 frame) {
    output_->skip(frame - timeline_.begin());
    timeline_.skip_to(frame);
}

bool AudioMixer::generate() {
    bool sounding = false;
    for (Input& input : inputs_) sounding |= input.generate();
    return sounding;
}

void AudioMixer::tick() {
    const u64 now = scheduler_.now();
    timer_.arm(now - now % kPeriod_ns + kPeriod_ns);
    const bool sounding = generate();
    const u64 frame = AudioTimeline::position_of(now) >> 16;
    mix_to(frame - std::min(frame, kLagFrames));
    if (sounding || !timeline_.silent()) return;
    timer_.disarm();
    output_->rest();
}

void AudioMixer::mix_to(u64 frame) {
    std::array<devices::AudioFrame, 256> frames;
    while (timeline_.begin() < frame) {
        const auto part = std::span(frames).first(std::min<u64>(frames.size(), frame - timeline_.begin()));
        timeline_.take(part);
        output_->play(part);
    }
}

void AudioMixer::finish() {
    generate();
    const u64 frame = AudioTimeline::position_of(scheduler_.now()) >> 16;
    if (timer_.armed()) return mix_to(frame);
    if (frame > timeline_.begin()) skip_to(frame);
}

}  // namespace bantam
