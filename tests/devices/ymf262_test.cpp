// The YMF262: timers as AdLib detection wants them, tables and waveforms against their formulas in floating point,
// frequencies, envelopes against the manual's times, algorithms, oscillators, rhythm.
#include "devices/ymf262.h"

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "tests/devices/recorded_audio.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kMs = 1'000'000;
constexpr double kFull = 4084;  // the loudest sample of an operator

class Ymf262Test : public ::testing::Test {
protected:
    Ymf262Test() {
        chip.connect(&sound);
        board.run_for(kMs);
    }
    void set(unsigned index, unsigned value) {
        chip.write(index < 0x100 ? 0 : 2, static_cast<u8>(index));
        chip.write(1, static_cast<u8>(value));
    }
    void opl3() { set(0x105, 1); }
    /// An operator of channel 0 (offset 0: modulator, 3: carrier) with an instant attack that stays.
    void instrument(unsigned offset, unsigned waveform, unsigned level = 0, unsigned multiple = 1) {
        set(0x20 + offset, 0x20 | multiple);
        set(0x40 + offset, level);
        set(0x60 + offset, 0xF0);
        set(0x80 + offset, 0x0F);
        set(0xE0 + offset, waveform);
    }
    void key(unsigned channel, unsigned f_number, unsigned block, bool on = true) {
        set(0xA0 + channel, f_number & 0xFF);
        set(0xB0 + channel, (on ? 0x20 : 0) | block << 2 | f_number >> 8);
    }
    /// What sounds for `ms`.
    std::vector<AudioFrame> listen(u64 ms) {
        static_cast<void>(chip.generate());
        sound.frames.clear();
        const u64 end = board.now() + ms * kMs;
        while (board.now() < end) {
            board.run_for(5 * kMs);
            static_cast<void>(chip.generate());
        }
        return sound.frames;
    }
    /// Peak amplitude of the sine of `hertz`, Hann window.
    static double amplitude(const std::vector<AudioFrame>& frames, double hertz,
                            i16 AudioFrame::*channel = &AudioFrame::left) {
        std::complex<double> sum = 0;
        const double count = static_cast<double>(frames.size());
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const double n = static_cast<double>(i);
            const double window = 1 - std::cos(2 * std::numbers::pi * n / count);
            sum += window * frames[i].*channel * std::polar(1.0, -2 * std::numbers::pi * hertz * n / Ymf262::kRate);
        }
        return 2 * std::abs(sum) / count;
    }
    static double hertz_of(unsigned f_number, unsigned block) {
        return f_number * std::exp2(static_cast<double>(block) - 20) * Ymf262::kRate;
    }
    static int peak(const std::vector<AudioFrame>& frames) {
        int most = 0;
        for (const AudioFrame& frame : frames) most = std::max(most, std::abs(frame.left));
        return most;
    }

    TestBoard board;
    RecordedAudio sound;
    Ymf262 chip{board.scheduler};
};

// The procedure of AdLib's programming guide: both timers reset, status 0; timer 1 from FFh runs over within 80 us.
TEST_F(Ymf262Test, AdLibDetection) {
    set(4, 0x60);
    set(4, 0x80);
    EXPECT_EQ(chip.read(0) & 0xE0, 0x00);
    set(2, 0xFF);
    set(4, 0x21);
    board.run_for(60'000);
    EXPECT_EQ(chip.read(0), 0x00);
    board.run_for(40'000);
    EXPECT_EQ(chip.read(0) & 0xE0, 0xC0);
    EXPECT_EQ(chip.read(0) & 0x06, 0x00) << "an OPL3";
    set(4, 0x60);
    set(4, 0x80);
    EXPECT_EQ(chip.read(0) & 0xE0, 0x00);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

TEST_F(Ymf262Test, TimersRepeat) {
    set(3, 0x100 - 10);
    set(4, 0x02);
    board.run_for(3'100'000);
    EXPECT_EQ(chip.read(0), 0x00);
    board.run_for(200'000);
    EXPECT_EQ(chip.read(0), 0xA0) << "3.2 ms";
    set(4, 0x80);
    EXPECT_EQ(chip.read(0), 0x00);
    board.run_for(3'300'000);
    EXPECT_EQ(chip.read(0), 0xA0) << "again";
    set(4, 0x22);
    EXPECT_EQ(chip.read(0), 0x00) << "masked";
}

TEST_F(Ymf262Test, SineHasItsFrequencyAndNothingElse) {
    instrument(3, 0);
    set(0x40, 0x3F);  // the modulator is as good as silent
    for (const auto& [f_number, block] : {std::pair{0x244u, 4u}, {0x157u, 2u}, {0x3FFu, 6u}}) {
        key(0, f_number, block);
        const auto frames = listen(200);
        const double hertz = hertz_of(f_number, block);
        EXPECT_NEAR(amplitude(frames, hertz), kFull, 25) << hertz;
        for (const double other : {2 * hertz, 3 * hertz, hertz / 2}) EXPECT_LT(amplitude(frames, other), 8) << other;
        key(0, f_number, block, false);
    }
}

TEST_F(Ymf262Test, Waveforms) {
    opl3();
    const auto sine = [](double turn) { return std::sin(2 * std::numbers::pi * turn); };
    const auto expected = [&](unsigned waveform, double turn) -> double {
        const bool first_half = turn < 0.5;
        const double doubled = sine(2 * turn);
        switch (waveform) {
            case 0:
                return sine(turn);
            case 1:
                return first_half ? sine(turn) : 0;
            case 2:
                return std::abs(sine(turn));
            case 3:
                return std::fmod(turn, 0.5) < 0.25 ? std::abs(sine(turn)) : 0;
            case 4:
                return first_half ? doubled : 0;
            case 5:
                return first_half ? std::abs(doubled) : 0;
            case 6:
                return first_half ? 1 : -1;
            default:  // 16 octaves down over half a turn, and up again
                return first_half ? std::exp2(-turn * 32) : -std::exp2(-(1 - turn) * 32);
        }
    };
    for (unsigned waveform = 0; waveform < 8; ++waveform) {
        instrument(3, waveform);
        set(0xC0, 0x31);
        set(0x40, 0x3F);
        set(0x60, 0x00);
        key(0, 512, 1);  // a step of 512: one of the 1024 phases a sample
        const auto frames = listen(100);
        ASSERT_GT(frames.size(), 4'000u);
        double worst = 0;
        for (std::size_t n = 0; n < 2'048; ++n) {
            const double turn = (static_cast<double>(n % 1024) + 0.5) / 1024;
            worst = std::max(worst, std::abs(frames[n].left / kFull - expected(waveform, turn)));
        }
        EXPECT_LT(worst, 0.012) << waveform;
        key(0, 512, 1, false);
        static_cast<void>(listen(20));
    }
}

TEST_F(Ymf262Test, OnlyFourWaveformsAndOneBankBeforeNew) {
    instrument(3, 6);
    key(0, 512, 1);
    const auto frames = listen(50);
    int most = 0;
    for (std::size_t i = 1; i < frames.size(); ++i) most = std::max(most, frames[i].left - frames[i - 1].left);
    EXPECT_LT(most, 2'000) << "waveform 2, no square";
    set(0x1B0, 0x20 | 4 << 2);
    EXPECT_EQ(peak(listen(1)), peak(listen(1)));
}

TEST_F(Ymf262Test, LevelsAndKeyScaling) {
    set(0x60, 0x00);
    instrument(3, 0);
    const auto loudness = [&](unsigned level, unsigned f_number, unsigned block) {
        set(0x43, level);
        key(0, f_number, block);
        const double found = amplitude(listen(200), hertz_of(f_number, block));
        key(0, f_number, block, false);
        static_cast<void>(listen(20));
        return 20 * std::log10(found / kFull);
    };
    EXPECT_NEAR(loudness(8, 0x200, 4), -6, 0.1) << "0.75 dB a step";
    EXPECT_NEAR(loudness(32, 0x200, 4), -24, 0.2);
    EXPECT_NEAR(loudness(0x80, 0x200, 7) - loudness(0x80, 0x200, 6), -1.5, 0.1) << "KSL 2: 1.5 dB an octave";
    EXPECT_NEAR(loudness(0x40, 0x200, 7) - loudness(0x40, 0x200, 5), -6, 0.1) << "KSL 1: 3 dB";
    EXPECT_NEAR(loudness(0xC0, 0x200, 5) - loudness(0xC0, 0x200, 4), -6, 0.1) << "KSL 3: 6 dB";
    EXPECT_NEAR(loudness(0x40, 0x3C0, 7), -21, 0.1) << "the manual's table";
}

// YM3812 manual: a decay at rate 4 takes 39.28 s at 50 kHz, half of that at rate 8, and so on. That is how long 90 dB
// take.
TEST_F(Ymf262Test, DecayTimes) {
    for (const unsigned decay : {8u, 10u}) {
        instrument(3, 6);
        set(0xC0, 0x31), opl3(), set(0xE3, 6), set(0x60, 0);
        set(0x63, 0xF0 | decay);
        set(0x83, 0xFF);
        key(0, 0x200, 0);
        const double whole_ms = 39'280.0 / std::exp2(decay - 1) * 50'000 / Ymf262::kRate;
        const auto frames = listen(static_cast<u64>(whole_ms));
        const auto at = static_cast<std::size_t>(whole_ms / 4 * Ymf262::kRate / 1000);
        const double decibels = 20 * std::log10(std::abs(frames[at].left) / kFull);
        EXPECT_NEAR(decibels, -22.5, 0.4) << decay;
        key(0, 0x200, 0, false);
        static_cast<void>(listen(50));
    }
}

TEST_F(Ymf262Test, AttackSustainReleaseAndPercussion) {
    instrument(3, 0);
    set(0x60, 0);
    set(0x63, 0x60);  // a slow attack
    set(0x83, 0x26);
    key(0, 0x244, 4);
    const int early = peak(listen(5)), late = (listen(500), peak(listen(20)));
    EXPECT_LT(early, late / 4);
    EXPECT_GT(late, 4'000);
    set(0x63, 0xFF);
    key(0, 0x244, 4, false);
    static_cast<void>(listen(2'000));
    EXPECT_TRUE(sound.frames.empty() || peak({sound.frames.end() - 100, sound.frames.end()}) == 0);
    key(0, 0x244, 4);
    static_cast<void>(listen(50));
    EXPECT_NEAR(20 * std::log10(peak(listen(50)) / kFull), -6, 0.3) << "sustain level 2";
    set(0x23, 0x01);  // percussive: goes on falling
    static_cast<void>(listen(2'000));
    EXPECT_EQ(peak(listen(50)), 0);
    EXPECT_FALSE(chip.generate()) << "silent although the key is down";
}

TEST_F(Ymf262Test, FrequencyModulationMakesSidebands) {
    instrument(0, 0, 20, 1);  // ratio 1 to 1, -15 dB
    instrument(3, 0);
    key(0, 0x244, 4);
    const auto frames = listen(400);
    const double hertz = hertz_of(0x244, 4);
    // sin(x + I sin x): the n-th harmonic is J(n-1) - (-1)^(n+1) J(n+1) of I = 2 pi 4084 / 1024 * 10^(-15/20).
    const double index = 2 * std::numbers::pi * kFull / 1024 * std::pow(10, -15.0 / 20);
    for (const int n : {1, 2, 3, 5}) {
        const double lower = std::cyl_bessel_j(n - 1, index), upper = std::cyl_bessel_j(n + 1, index);
        const double wanted = std::abs(n % 2 == 0 ? lower + upper : lower - upper);
        EXPECT_NEAR(amplitude(frames, hertz * n), wanted * kFull, 60) << n;
    }
}

TEST_F(Ymf262Test, FeedbackMakesHarmonics) {
    instrument(0, 0);
    set(0xC0, 0x01);  // both are heard; the carrier stays off
    set(0x63, 0x00);
    key(0, 0x244, 4);
    const double hertz = hertz_of(0x244, 4);
    EXPECT_LT(amplitude(listen(200), 2 * hertz), 8);
    set(0xC0, 0x01 | 5 << 1);
    EXPECT_GT(amplitude(listen(200), 2 * hertz), 300);
}

TEST_F(Ymf262Test, FourOperatorAlgorithmsAndStereo) {
    opl3();
    for (const unsigned offset : {0x00u, 0x03u, 0x08u, 0x0Bu}) instrument(offset, 0, 0, 1);
    set(0x104, 1);
    // Multiples 1, 2, 4, 8; whoever is heard without modulation shows as a sine of its own frequency.
    set(0x20, 0x21), set(0x23, 0x22), set(0x28, 0x24), set(0x2B, 0x28);
    const double hertz = hertz_of(0x100, 3);
    struct {
        unsigned first, second;
        std::vector<unsigned> pure, absent;
    } const cases[] = {{0, 0, {}, {}}, {1, 1, {1, 8}, {}}, {1, 0, {1}, {}}};
    for (const auto& each : cases) {
        set(0xC0, 0x30 | each.first);
        set(0xC3, 0x10 | each.second);  // the pair's second channel says where all of it is heard
        key(0, 0x100, 3);
        const auto frames = listen(200);
        for (const unsigned multiple : each.pure)
            EXPECT_GT(amplitude(frames, hertz * multiple), 2'800) << each.first << each.second << " x" << multiple;
        EXPECT_GT(peak(frames), 3'000);
        EXPECT_LT(amplitude(frames, hertz, &AudioFrame::right), 1) << "left alone";
        key(0, 0x100, 3, false);
        static_cast<void>(listen(50));
    }
    set(0xC0, 0x30), set(0xC3, 0x31);
    set(0x40, 0x3F), set(0x48, 0x3F);  // no modulators: carriers 2 and 4
    key(0, 0x100, 3);
    const auto frames = listen(200);
    EXPECT_NEAR(amplitude(frames, hertz * 2), kFull, 40);
    EXPECT_NEAR(amplitude(frames, hertz * 8), kFull, 40);
    EXPECT_NEAR(amplitude(frames, hertz * 2, &AudioFrame::right), kFull, 40);
}

TEST_F(Ymf262Test, TremoloAndVibrato) {
    instrument(3, 0);
    set(0x60, 0);
    set(0x23, 0xA1);  // tremolo
    set(0xBD, 0x80);  // deep: 4.8 dB
    key(0, 0x244, 5);
    const auto frames = listen(600);
    int least = 32767, most = 0;
    for (std::size_t at = 0; at + 500 < frames.size(); at += 500) {
        const int here = peak(
            {frames.begin() + static_cast<std::ptrdiff_t>(at), frames.begin() + static_cast<std::ptrdiff_t>(at) + 500});
        least = std::min(least, here);
        most = std::max(most, here);
    }
    EXPECT_NEAR(20 * std::log10(static_cast<double>(most) / least), 4.8, 0.5);
    set(0xBD, 0x40);  // deep vibrato: 14 cents
    const double steady = amplitude(listen(600), hertz_of(0x244, 5));
    set(0x23, 0x61);
    const double swaying = amplitude(listen(600), hertz_of(0x244, 5));
    EXPECT_LT(swaying, steady * 0.9) << "energy went to the sides";
    EXPECT_GT(amplitude(listen(1'000), hertz_of(0x244, 5) + 6.07), 300) << "6.1 Hz";
}

TEST_F(Ymf262Test, RhythmInstrumentsSoundOneByOne) {
    for (const unsigned offset : {0x10u, 0x11u, 0x12u, 0x13u, 0x14u, 0x15u}) {
        instrument(offset, 0, offset == 0x10 ? 0x3F : 0);
        set(0x60 + offset, 0xF6);
        set(0x80 + offset, 0x08);
    }
    for (const unsigned channel : {6u, 7u, 8u}) key(channel, 0x200, 3, false);
    for (unsigned instrument_bit = 0; instrument_bit < 5; ++instrument_bit) {
        set(0xBD, 0x20);
        static_cast<void>(listen(300));
        EXPECT_EQ(peak(listen(5)), 0) << instrument_bit;
        set(0xBD, 0x20 | 1 << instrument_bit);
        EXPECT_GT(peak(listen(20)), 3'000) << instrument_bit;
    }
    // The snare is noise: no line stands out. The tom-tom is a tone.
    set(0xBD, 0x20), static_cast<void>(listen(500));
    for (const unsigned offset : {0x12u, 0x15u}) set(0x60 + offset, 0xF0);
    set(0xBD, 0x24);
    EXPECT_GT(amplitude(listen(100), hertz_of(0x200, 3)), 7'000) << "a tom-tom, twice as loud as a channel";
}

TEST_F(Ymf262Test, SilenceComputesNothingAndNobodyListeningDoesNoHarm) {
    EXPECT_FALSE(chip.generate());
    EXPECT_TRUE(sound.frames.empty());
    Ymf262 unheard(board.scheduler);
    unheard.write(0, 0xB0);
    unheard.write(1, 0x30);
    board.run_for(3'600'000 * kMs);
    unheard.write(1, 0x10);
    EXPECT_FALSE(unheard.generate());
    instrument(3, 0);
    key(0, 0x244, 4);
    EXPECT_GT(sound.wakes, 0u);
    EXPECT_TRUE(chip.generate());
}

// Whoever listens, and however often, sees the same state as nobody: any registers, any stretches of time.
TEST_F(Ymf262Test, StateDoesNotDependOnListeners) {
    std::mt19937 random(1);
    const auto any = [&random](unsigned count) { return static_cast<unsigned>(random() % count); };
    Ymf262 unheard(board.scheduler), unlooked_at(board.scheduler);
    const auto write_all = [&](unsigned index, unsigned value) {
        for (Ymf262* one : {&chip, &unheard, &unlooked_at}) {
            one->write(index < 0x100 ? 0 : 2, static_cast<u8>(index));
            one->write(1, static_cast<u8>(value));
        }
    };
    write_all(0x105, 1);
    unsigned sounding = 0;
    for (unsigned round = 0; round < 3'000; ++round) {
        constexpr std::array<unsigned, 10> kBases{0x20, 0x40, 0x60, 0x80, 0xA0, 0xB0, 0xB0, 0xC0, 0xE0, 0xA0};
        const unsigned bank = any(2) * 0x100;
        write_all(bank + kBases.at(any(10)) + any(any(4) == 0 ? 0x16 : 9), any(256));
        if (any(20) == 0) write_all(0xBD, any(256));
        if (any(40) == 0) write_all(any(2) == 0 ? 0x08 : 0x104, any(256));
        board.run_for(any(8) == 0 ? any(40) * kMs : any(100'000));
        static_cast<void>(chip.generate());
        sound.frames.clear();
        if (any(10) != 0) continue;
        ASSERT_EQ(saved(unheard), saved(chip)) << "round " << round;
        ASSERT_EQ(unlooked_at.info(), chip.info()) << "round " << round;
        sounding += chip.generate() ? 1 : 0;
    }
    EXPECT_GT(sounding, 100u);
    EXPECT_EQ(saved(unlooked_at), saved(chip));
    board.run_for(400 * kMs);  // longer than a listener catches up with
    EXPECT_EQ(saved(unheard), saved(chip));
    write_all(0x20, 0x61), write_all(0x80, 0), write_all(0xB0, 0x3A);  // vibrato, held
    board.leap(1'000'000'000 * kMs);
    EXPECT_EQ(saved(unheard), saved(unlooked_at)) << "a dozen days are skipped at once";
}

TEST_F(Ymf262Test, State) {
    opl3();
    instrument(0, 0, 20), instrument(3, 5);
    set(0x163, 0x55);
    set(2, 0x12), set(4, 1), set(0xBD, 0xFF);
    key(0, 0x244, 4);
    static_cast<void>(listen(20));
    Ymf262 twin(board.scheduler);
    expect_faithful_state(chip, twin);
}

}  // namespace
}  // namespace bantam::devices
