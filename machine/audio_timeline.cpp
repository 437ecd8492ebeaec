#include "machine/audio_timeline.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "base/check.h"
#include "base/scheduler.h"

namespace bantam {
namespace {

// The kernel: a sinc in a Kaiser window (J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window
// function", 1974), tabulated over one half because it is even. Half width and beta give a stop band 80 dB down from
// the Nyquist frequency on and a pass band to 0.85 of it.
constexpr unsigned kHalfWidth = 32;  // samples
constexpr unsigned kEntriesPerSample = 512;
constexpr unsigned kEntries = kHalfWidth * kEntriesPerSample;
constexpr double kBeta = 8.0;
constexpr double kCutoff = 0.93;  // of the Nyquist frequency
constexpr unsigned kKernelBits = 18;
constexpr u64 kEnd = u64{kEntries} << 16;
constexpr unsigned kOutBits = kKernelBits + AudioTimeline::kFraction;

// Rates below reach no further than this one: 32 / 4000 Hz is 384 frames.
constexpr i64 kLowestRate = 4'000;

// High-pass filter at 7.5 Hz, as the capacitor before a loudspeaker: 48000 / (2 pi 2^10).
constexpr unsigned kHighPassShift = 10;

double bessel_i0(double x) {
    double sum = 1, term = 1;
    for (unsigned k = 1; k < 40; ++k) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

}  // namespace

/// The kernel and its integral, over the positive half: the kernel is even.
struct AudioKernel {
    std::vector<i32> impulse, integral;

    AudioKernel() : impulse(kEntries + 2), integral(kEntries + 2, kHalf) {
        std::vector<double> exact(kEntries + 1);
        double area = 0;
        for (unsigned i = 0; i < kEntries; ++i) {
            const double x = double{1.0} * i / kEntriesPerSample;
            const double angle = std::numbers::pi * kCutoff * x;
            const double sinc = i == 0 ? 1 : std::sin(angle) / angle;
            const double at = x / kHalfWidth;
            exact[i] = kCutoff * sinc * bessel_i0(kBeta * std::sqrt(1 - at * at)) / bessel_i0(kBeta);
            impulse[i] = static_cast<i32>(std::lround(exact[i] * (1 << kKernelBits)));
            area += exact[i];
        }
        area -= exact[0] / 2;
        double sum = 0;  // by trapezoids
        for (unsigned i = 0; i < kEntries; ++i) {
            integral[i] = static_cast<i32>(std::lround(sum / area * kHalf));
            sum += (exact[i] + exact[i + 1]) / 2;
        }
    }
    static const AudioKernel& get() {
        static const AudioKernel kernel;
        return kernel;
    }
    /// `at`: entries in 65536ths.
    [[nodiscard]] static i64 look_up(const std::vector<i32>& table, u64 at) {
        const i64 here = table[at >> 16], next = table[(at >> 16) + 1];
        return here + ((next - here) * static_cast<i64>(at & 0xFFFF) >> 16);
    }
    static constexpr i32 kHalf = 1 << (kKernelBits - 1);
};

namespace {

i16 saturated(i64 value) { return static_cast<i16>(std::clamp<i64>(value, -32768, 32767)); }

}  // namespace

AudioTimeline::AudioTimeline() : kernel_(AudioKernel::get()), bins_(kFrames) {}

u64 AudioTimeline::position_of(u64 ns) { return ticks_from_ns(ns, u64{kAudioRate} << 16); }

void AudioTimeline::add_sample(u64 position, u32 rate_hz, Level sample) {
    const i64 bandwidth = std::clamp<i64>(rate_hz, kLowestRate, kAudioRate);
    sample.left = sample.left * bandwidth / rate_hz;
    sample.right = sample.right * bandwidth / rate_hz;
    const u64 step = (u64{kEntriesPerSample} << 16) * static_cast<u64>(bandwidth) / kAudioRate;
    const Reach reach = touch(position, kEnd / step);
    for (u64 frame = std::max(reach.first, begin_); frame < std::min(reach.end, begin_ + kFrames); ++frame) {
        const u64 there = frame << 16;
        const u64 distance = there > position ? there - position : position - there;
        const u64 at = distance * step >> 16;
        if (at >= kEnd) continue;
        const i64 weight = AudioKernel::look_up(kernel_.impulse, at);
        Level& bin = bins_[frame % kFrames].samples;
        bin.left += sample.left * weight;
        bin.right += sample.right * weight;
    }
}

/// A frame gets the difference between what a filtered step is there and at the frame before. They add up to the whole
/// step to the bit, what comes too early or too late for a frame of its own included, so that a level that was stepped
/// to and back leaves nothing.
void AudioTimeline::add_step(u64 position, Level change) {
    const Reach reach = touch(position, kHalfWidth);
    i64 before = 0;
    for (u64 frame = reach.first; frame < reach.end; ++frame) {
        const u64 there = frame << 16;
        const bool after = there > position;
        const u64 distance = (after ? there - position : position - there) * kEntriesPerSample;
        const i64 half = distance >= kEnd ? i64{AudioKernel::kHalf} : AudioKernel::look_up(kernel_.integral, distance);
        const bool last = frame + 1 == reach.end;
        const i64 here = last ? 2 * i64{AudioKernel::kHalf} : AudioKernel::kHalf + (after ? half : -half);
        Level& bin = bins_[std::clamp(frame, begin_, begin_ + kFrames - 1) % kFrames].steps;
        bin.left += change.left * (here - before);
        bin.right += change.right * (here - before);
        before = here;
    }
}

AudioTimeline::Reach AudioTimeline::touch(u64 position, u64 frames) {
    const u64 nearest = position >> 16;
    const Reach reach{nearest - std::min(nearest, frames), nearest + frames + 2};
    touched_end_ = std::max(touched_end_, std::clamp(reach.end, begin_ + 1, begin_ + kFrames));
    return reach;
}

void AudioTimeline::take(std::span<devices::AudioFrame> frames) {
    const auto pass = [](i64 level, i64& last, i64& out) {
        out += level - last - (out >> kHighPassShift);
        last = level;
        return saturated((out + (i64{1} << (kOutBits - 1))) >> kOutBits);
    };
    for (devices::AudioFrame& frame : frames) {
        Bin& bin = bins_[begin_ % kFrames];
        held_.left += bin.steps.left;
        held_.right += bin.steps.right;
        frame.left = pass(held_.left + bin.samples.left, last_.left, out_.left);
        frame.right = pass(held_.right + bin.samples.right, last_.right, out_.right);
        bin = {};
        ++begin_;
    }
}

bool AudioTimeline::silent() const {
    constexpr i64 kHalf = i64{1} << (kOutBits - 1);
    return touched_end_ <= begin_ && std::abs(out_.left) < kHalf && std::abs(out_.right) < kHalf;
}

void AudioTimeline::skip_to(u64 begin) {
    CHECK(silent() && begin >= begin_);
    out_ = {};
    begin_ = begin;
}

}  // namespace bantam
