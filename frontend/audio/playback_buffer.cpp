#include "frontend/audio/playback_buffer.h"

#include <algorithm>
#include <cmath>

namespace bantam::frontend {
namespace {

constexpr double kMostAdjustment = 0.005;  // a twelfth of a semitone: not heard
constexpr double kSmoothing = 0.05;        // of the fill, for each buffer the device takes
constexpr double kVolumeStep = 1.0 / 96;   // a frame
constexpr std::size_t kPoints = 4;         // of the interpolation

/// Cubic Hermite interpolation (Catmull-Rom) between `b` and `c`.
double interpolated(double a, double b, double c, double d, double t) {
    const double slope = c - a, curve = 2 * a - 5 * b + 4 * c - d, bend = 3 * (b - c) + d - a;
    return b + t * (slope + t * (curve + t * bend)) / 2;
}

i16 rounded(double value) { return static_cast<i16>(std::lround(std::clamp(value, -32768.0, 32767.0))); }

}  // namespace

void PlaybackBuffer::put(std::span<const devices::AudioFrame> frames) {
    const std::lock_guard lock(mutex_);
    resting_ = false;
    store_.insert(store_.end(), frames.begin(), frames.end());
    if (store_.size() > kMost)
        store_.erase(store_.begin(), store_.begin() + static_cast<std::ptrdiff_t>(store_.size() - kTarget));
}

void PlaybackBuffer::rest() {
    const std::lock_guard lock(mutex_);
    resting_ = true;
}

void PlaybackBuffer::adjust_speed() {
    fill_ += kSmoothing * (static_cast<double>(store_.size()) - fill_);
    const double deviation = (fill_ - double{kTarget}) / double{kTarget};
    speed_ = resting_ ? 1 : 1 + kMostAdjustment * std::clamp(deviation, -1.0, 1.0);
}

devices::AudioFrame PlaybackBuffer::next() {
    const auto at = [this](i16 devices::AudioFrame::*channel) {
        return rounded(
            interpolated(store_[0].*channel, store_[1].*channel, store_[2].*channel, store_[3].*channel, phase_));
    };
    const devices::AudioFrame frame{at(&devices::AudioFrame::left), at(&devices::AudioFrame::right)};
    for (phase_ += speed_; phase_ >= 1; phase_ -= 1) store_.pop_front();
    return frame;
}

void PlaybackBuffer::take(std::span<devices::AudioFrame> frames) {
    const std::lock_guard lock(mutex_);
    if (!playing_ && (store_.size() >= kTarget || (resting_ && store_.size() >= kPoints))) {
        playing_ = true;
        fill_ = static_cast<double>(store_.size());
    }
    if (playing_) adjust_speed();
    for (devices::AudioFrame& frame : frames) {
        if (playing_ && store_.size() < kPoints) {
            playing_ = false;
            if (resting_) store_.clear();
        }
        if (playing_) last_ = next();
        volume_ = std::clamp(volume_ + (playing_ ? kVolumeStep : -kVolumeStep), 0.0, 1.0);
        frame = {rounded(last_.left * volume_), rounded(last_.right * volume_)};
    }
}

}  // namespace bantam::frontend
