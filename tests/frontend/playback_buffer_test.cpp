// The store between guest and loudspeakers: two clocks that differ, a guest that is too slow, sounds shorter than the
// store.
#include "frontend/audio/playback_buffer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numbers>
#include <vector>

namespace bantam::frontend {
namespace {

using devices::AudioFrame;

class PlaybackBufferTest : public ::testing::Test {
protected:
    /// `seconds` of a sine: the guest makes `guest_rate` frames a second of the device's.
    void play(double seconds, double guest_rate) {
        double owed = 0;
        for (double t = 0; t < seconds; t += 512.0 / kAudioRate) {
            owed += 512 * guest_rate / kAudioRate;
            std::vector<AudioFrame> made;
            for (; owed >= 1; owed -= 1, ++made_) {
                const auto level = static_cast<i16>(
                    10'000 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(made_) / kAudioRate));
                made.push_back({level, level});
            }
            buffer.put(made);
            take();
        }
    }
    void take() {
        std::vector<AudioFrame> part(512);
        buffer.take(part);
        heard.insert(heard.end(), part.begin(), part.end());
    }
    /// The largest change from one frame to the next; of the sine alone it is 577.
    [[nodiscard]] int largest_step(std::size_t first = 0) const {
        int most = 0;
        for (std::size_t i = first + 1; i < heard.size(); ++i)
            most = std::max(most, std::abs(heard[i].left - heard[i - 1].left));
        return most;
    }
    [[nodiscard]] std::size_t silent_frames(std::size_t first) const {
        std::size_t count = 0;
        for (std::size_t i = first + 1; i < heard.size(); ++i)
            count += heard[i] == AudioFrame{} && heard[i - 1] == AudioFrame{};
        return count;
    }
    PlaybackBuffer buffer;
    std::vector<AudioFrame> heard;

private:
    u64 made_ = 0;
};

TEST_F(PlaybackBufferTest, ClocksThatDifferDoNotCrackle) {
    for (const double rate : {48'000.0, 48'150.0, 47'850.0}) {
        const std::size_t start = heard.size();
        play(60, rate);
        EXPECT_LT(largest_step(start + kAudioRate), 620) << rate;
        EXPECT_EQ(silent_frames(start + kAudioRate), 0u) << rate;
    }
}

TEST_F(PlaybackBufferTest, SlowGuestLeavesSilenceWithoutClicks) {
    play(20, 30'000);
    EXPECT_GT(silent_frames(0), kAudioRate * 5u);
    EXPECT_LT(largest_step(), 800) << "it fades";
    const std::size_t start = heard.size() + kAudioRate;
    play(5, 48'000);
    EXPECT_EQ(silent_frames(start), 0u) << "full speed again";
}

TEST_F(PlaybackBufferTest, FastGuestIsNotHeardEverLater) {
    play(10, 96'000);
    std::size_t left = 0;
    while (heard.back() != AudioFrame{} && left < 100) take(), ++left;
    EXPECT_LE(left * 512, PlaybackBuffer::kMost + 1024);
}

TEST_F(PlaybackBufferTest, ShortSoundIsHeardWhenItRests) {
    buffer.put(std::vector<AudioFrame>(500, {5'000, -5'000}));
    take();
    EXPECT_EQ(heard.back(), AudioFrame{}) << "waits for more";
    buffer.rest();
    take();
    EXPECT_EQ(heard[512 + 200], (AudioFrame{5'000, -5'000}));
    take();
    EXPECT_EQ(heard.back(), AudioFrame{});
    EXPECT_EQ(silent_frames(1024 + 100), 512u - 100 - 1);
}

}  // namespace
}  // namespace bantam::frontend
