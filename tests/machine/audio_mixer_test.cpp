// The mixer: streams of any rate and steps at any time become 48 kHz with the spectrum they should have; silence costs
// nothing; the same sound is the same frames.
#include "machine/audio_mixer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "machine/host/wav_file.h"
#include "tests/machine/spectrum.h"

namespace bantam {
namespace {

constexpr u64 kMs = 1'000'000;

class AudioMixerTest : public testing::Test {
protected:
    void run_until(u64 ns) {
        while (scheduler.next_deadline() <= ns) {
            scheduler.set_now(std::max(scheduler.next_deadline(), scheduler.now()));
            scheduler.run_due();
            ++events;
        }
        scheduler.set_now(ns);
    }
    /// A sine of `amplitude` for `ms` in portions of half a millisecond, as a chip hands it over.
    void play_sine(devices::AudioSink& sink, u32 rate, double hertz, double amplitude, u64 ms) {
        const u64 start = scheduler.now();
        u64 done = 0;
        for (u64 half_ms = 1; half_ms <= 2 * ms; ++half_ms) {
            run_until(start + half_ms * kMs / 2);
            const u64 due = half_ms * rate / 2000;
            std::vector<AudioFrame> portion;
            const u64 first_ns = start + ns_from_ticks(done, rate);
            for (; done < due; ++done) {
                const double at = 2 * std::numbers::pi * hertz * static_cast<double>(done) / rate;
                const auto level = static_cast<i16>(std::lround(amplitude * std::sin(at)));
                portion.push_back({level, static_cast<i16>(-level / 2)});
            }
            sink.play(first_ns, rate, portion);
        }
    }
    /// A square wave between 0 and `level`.
    void play_square(devices::AudioSink& sink, double hertz, i16 level, u64 ms) {
        const u64 start = scheduler.now();
        for (u64 edge = 0;; ++edge) {
            const u64 at = start + static_cast<u64>(static_cast<double>(edge) * 5e8 / hertz);
            if (at >= start + ms * kMs) break;
            run_until(at);
            sink.set_level(at, edge % 2 == 0 ? AudioFrame{level, level} : AudioFrame{});
        }
    }

    Scheduler scheduler;
    unsigned events = 0;
    std::vector<AudioFrame> frames;
    AudioMixer mixer{scheduler, std::make_unique<AudioRecorder>(frames)};
};

TEST_F(AudioMixerTest, SinesOfEveryRateKeepTheirAmplitudeAndAddNothing) {
    for (const u32 rate : {4'000u, 8'000u, 11'025u, 22'050u, 44'100u, 48'000u, 49'716u}) {
        devices::AudioSink& sink = mixer.add(nullptr);
        const u64 start_ms = scheduler.now() / kMs;
        const double hertz = 440;
        play_sine(sink, rate, hertz, 10'000, 400);
        run_until((start_ms + 1'000) * kMs);
        const auto part = part_ms(frames, start_ms + 100, start_ms + 300);
        EXPECT_NEAR(decibels(amplitude_at(part, hertz) / 10'000), 0, 0.05) << rate;
        EXPECT_NEAR(amplitude_at(part, hertz, &AudioFrame::right), 5'000, 50) << rate;
        for (const double image : {rate - hertz, rate + hertz, 2.0 * rate - hertz, 2.0 * rate + hertz}) {
            if (image < kAudioRate / 2.0) {
                EXPECT_LT(decibels(amplitude_at(part, image) / 10'000), -70) << rate << " Hz, image at " << image;
            }
        }
        const double folded = std::abs(rate - double{kAudioRate});
        if (folded > 1'000) {
            EXPECT_LT(decibels(amplitude_at(part, folded + hertz) / 10'000), -70) << rate;
        }
    }
}

TEST_F(AudioMixerTest, PassBandIsFlat) {
    for (const double hertz : {50.0, 1'000.0, 10'000.0, 17'000.0}) {
        devices::AudioSink& sink = mixer.add(nullptr);
        const u64 start_ms = scheduler.now() / kMs;
        play_sine(sink, 44'100, hertz, 10'000, 400);
        run_until((start_ms + 1'000) * kMs);
        EXPECT_NEAR(decibels(amplitude_at(part_ms(frames, start_ms + 100, start_ms + 300), hertz) / 10'000), 0, 0.2)
            << hertz;
    }
}

// A square wave of height h has odd harmonics of 2h/(pi n) and nothing else; what lies above 24 kHz must not fold back.
TEST_F(AudioMixerTest, SquareWaveHasItsHarmonicsAlone) {
    devices::AudioSink& sink = mixer.add(nullptr);
    const double hertz = 1'234.5;
    play_square(sink, hertz, 8192, 500);
    run_until(1'000 * kMs);
    const auto part = part_ms(frames, 100, 400);
    for (const unsigned n : {1u, 3u, 5u, 7u, 13u}) {
        const double wanted = 2 * 8192 / (std::numbers::pi * n);
        EXPECT_NEAR(decibels(amplitude_at(part, hertz * n) / wanted), 0, 0.1) << n;
    }
    for (const double other : {hertz / 2, 2 * hertz, 4 * hertz, 48'000 - 23 * hertz, 48'000 - 37 * hertz})
        EXPECT_LT(amplitude_at(part, other), 2) << other;
}

TEST_F(AudioMixerTest, SilenceHasNoEventsAndALevelThatStaysIsSilence) {
    devices::AudioSink& sink = mixer.add(nullptr);
    run_until(1'000 * kMs);
    EXPECT_EQ(events, 0u);
    sink.set_level(scheduler.now(), {8192, -8192});
    run_until(3'000 * kMs);
    EXPECT_EQ(scheduler.next_deadline(), Scheduler::kNever);
    EXPECT_LT(events, 200u);
    const unsigned before = events;
    run_until(100'000 * kMs);
    EXPECT_EQ(events, before);
    mixer.finish();
    EXPECT_EQ(frames.size(), 100u * kAudioRate) << "one for each 48000th of a second since power-on";
    EXPECT_EQ(frames[47'500], AudioFrame{});
    EXPECT_NEAR(frames[48'100].left, 8192, 800);
    EXPECT_NEAR(frames[48'100].right, -8192, 800);
    EXPECT_EQ(frames[99'000], AudioFrame{});
    sink.set_level(scheduler.now(), {});
    run_until(102'000 * kMs);
    EXPECT_NEAR(frames[100u * kAudioRate + 100].left, -8192, 800) << "the step back";
    EXPECT_EQ(frames.back(), AudioFrame{});
}

TEST_F(AudioMixerTest, SoundingChipsAreAskedUntilTheyAreSilent) {
    unsigned asked = 0;
    devices::AudioSink& sink = mixer.add([&] { return ++asked < 10; });
    run_until(50 * kMs);
    EXPECT_EQ(asked, 0u);
    sink.wake();
    run_until(500 * kMs);
    EXPECT_EQ(asked, 10u);
    EXPECT_EQ(scheduler.next_deadline(), Scheduler::kNever);
}

TEST_F(AudioMixerTest, GainAndSaturation) {
    devices::AudioSink& sink = mixer.add(nullptr);
    sink.set_gain(1 << 15, 3 << 16);
    play_sine(sink, 48'000, 1'000, 20'000, 200);
    run_until(300 * kMs);
    EXPECT_NEAR(amplitude_at(part_ms(frames, 50, 150), 1'000), 10'000, 50);
    i16 most = 0;
    for (const AudioFrame& frame : part_ms(frames, 50, 150)) most = std::max(most, frame.right);
    EXPECT_GE(most, 29'900) << "half of 20000 three times, as loud as it goes";
}

TEST_F(AudioMixerTest, TimesOutOfOrderAndOutOfReachDoNoHarm) {
    devices::AudioSink& sink = mixer.add(nullptr);
    run_until(10'000 * kMs);
    const std::vector<AudioFrame> loud(100, AudioFrame{32767, -32768});
    sink.play(0, 48'000, loud);
    sink.play(~u64{0} >> 8, 1, loud);
    sink.play(scheduler.now(), 0xFFFF'FFFF, loud);
    sink.set_level(0, {32767, 32767});
    sink.set_level(~u64{0} >> 8, {-32768, 0});
    sink.set_level(0, {});
    run_until(20'000 * kMs);
    mixer.finish();
    EXPECT_EQ(frames.size(), 20u * kAudioRate);
    EXPECT_EQ(frames.back(), AudioFrame{}) << "every step was undone";
    EXPECT_EQ(scheduler.next_deadline(), Scheduler::kNever);
}

TEST_F(AudioMixerTest, HowOftenItIsAskedMakesNoDifference) {
    Scheduler other_scheduler;
    std::vector<AudioFrame> other_frames;
    AudioMixer other(other_scheduler, std::make_unique<AudioRecorder>(other_frames));
    devices::AudioSink& mine = mixer.add(nullptr);
    devices::AudioSink& others = other.add(nullptr);
    for (u64 ms = 0; ms < 300; ++ms) {
        const std::vector<AudioFrame> noise(22, {static_cast<i16>(ms * 7919), static_cast<i16>(ms * 104729)});
        run_until(ms * kMs);
        mine.play(ms * kMs, 22'050, noise);
        other_scheduler.set_now(ms * kMs);
        if (ms % 7 == 0) other_scheduler.run_due();  // late
        others.play(ms * kMs, 22'050, noise);
    }
    for (Scheduler* clock : {&scheduler, &other_scheduler}) clock->set_now(400 * kMs);
    mixer.finish();
    other.finish();
    EXPECT_EQ(frames, other_frames);
}

TEST(WavFileTest, HeaderIsTrueAtEveryFlushAndAtTheEnd) {
    std::string pattern = testing::TempDir() + "bantam-wav-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    const std::string path = pattern + "/sound.wav";
    const auto contents = [&] {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    };
    const auto word = [](const std::string& bytes, std::size_t at) {
        u32 value = 0;
        std::memcpy(&value, bytes.data() + at, 4);
        return value;
    };
    auto made = host::WavFile::create(path);
    ASSERT_TRUE(made) << made.error().message;
    std::unique_ptr<host::WavFile> file = std::move(made.value());
    EXPECT_EQ(contents().size(), 44u) << "a whole file from the beginning";
    EXPECT_EQ(word(contents(), 40), 0u);
    file->skip(1'000);
    file->play(std::vector<AudioFrame>(500, {0x1234, -2}));
    file->rest();
    std::string bytes = contents();
    ASSERT_EQ(bytes.size(), 44u + 1'500 * 4);
    EXPECT_EQ(bytes.substr(0, 4) + bytes.substr(8, 8), "RIFFWAVEfmt ");
    EXPECT_EQ(word(bytes, 4), 36u + 1'500 * 4);
    EXPECT_EQ(word(bytes, 20), 0x0002'0001u) << "PCM, stereo";
    EXPECT_EQ(word(bytes, 24), kAudioRate);
    EXPECT_EQ(word(bytes, 40), 1'500u * 4);
    EXPECT_EQ(word(bytes, 44 + 999 * 4), 0u);
    EXPECT_EQ(word(bytes, 44 + 1'000 * 4), 0xFFFE'1234u);
    file->play(std::vector<AudioFrame>(70'000 / 4, {1, 1}));  // more than is buffered: on disk without rest()
    bytes = contents();
    EXPECT_EQ(bytes.size(), 44u + word(bytes, 40));
    EXPECT_GT(word(bytes, 40), 65'536u);
    file->skip(100);
    file.reset();
    bytes = contents();
    EXPECT_EQ(word(bytes, 40), (1'500u + 17'500 + 100) * 4);
    EXPECT_EQ(bytes.size(), 44u + word(bytes, 40));
    ::unlink(path.c_str());
    ::rmdir(pattern.c_str());
}

TEST(WavFileTest, RefusesWhatIsNoFile) {
    EXPECT_EQ(host::WavFile::create("/nowhere/sound.wav").error().status, ExitStatus::host_resource);
    EXPECT_EQ(host::WavFile::create("/dev/null").error().status, ExitStatus::usage);
}

TEST(WavFileTest, SixHoursAreTheMost) {
    std::string path = testing::TempDir() + "bantam-wav-XXXXXX";
    ::close(::mkstemp(path.data()));
    {
        auto file = std::move(host::WavFile::create(path).value());
        file->skip(u64{24} * 3600 * kAudioRate);
        file->play(std::vector<AudioFrame>(100));
        file->skip(100);
    }
    std::ifstream file(path, std::ios::ate | std::ios::binary);
    EXPECT_EQ(file.tellg(), std::streamoff{44 + (i64{0xFFFF'FFFF} - 36) / 4 * 4});
    ::unlink(path.c_str());
}

}  // namespace
}  // namespace bantam
