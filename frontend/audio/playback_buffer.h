// PlaybackBuffer: between the machine, which makes sound by the guest's clock, and the host's loudspeakers, which take
// it by theirs. It keeps some 60 ms in store and plays up to half a percent faster or slower, as the store is fuller or
// emptier, so that the two clocks may differ without a crackle. When the guest is slower than that the store runs dry:
// then there is silence until it is full again. Safe between one thread that puts and one that takes.
#pragma once

#include <deque>
#include <mutex>

#include "machine/audio_output.h"

namespace bantam::frontend {

class PlaybackBuffer {
public:
    /// Frames kept in store: 60 ms.
    static constexpr std::size_t kTarget = kAudioRate * 60 / 1000;
    /// A guest whose clock runs faster than the host's fills up to here; then the oldest frames go.
    static constexpr std::size_t kMost = 4 * kTarget;

    /// The machine's thread.
    void put(std::span<const devices::AudioFrame> frames);
    /// What is in store is to be played although it is little: nothing follows for now.
    void rest();
    /// The device's thread: fills `frames`.
    void take(std::span<devices::AudioFrame> frames);

private:
    [[nodiscard]] devices::AudioFrame next();
    void adjust_speed();

    std::mutex mutex_;
    std::deque<devices::AudioFrame> store_;
    bool resting_ = false;   // no more comes for now
    bool playing_ = false;   // else the store fills up first
    double fill_ = kTarget;  // smoothed
    double speed_ = 1;       // frames of the store a frame of the device
    double phase_ = 0;       // between store_[1] and store_[2]
    double volume_ = 0;      // 0 to 1: what begins or breaks off does so within 2 ms
    devices::AudioFrame last_;
};

}  // namespace bantam::frontend
