// The Sound Blaster 16's chips: the DSP with a host that answers DREQ, compressed samples, and the mixer.
#include <deque>

#include "devices/ct1741.h"
#include "devices/ct1745.h"
#include "tests/devices/recorded_audio.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kMs = 1'000'000;

class Ct1741Test : public ::testing::Test {
protected:
    Ct1741Test() { dsp.connect(&sound); }
    void command(std::initializer_list<int> bytes) {
        for (const int byte : bytes) {
            ASSERT_EQ(dsp.read(6) & 0x80, 0) << "busy";
            dsp.write(6, static_cast<u8>(byte));
        }
    }
    int next() {
        if ((dsp.read(8) & 0x80) == 0) return -1;
        return dsp.read(4);
    }
    void reset_dsp() {
        dsp.write(0, 1);
        board.run_for(3'000);
        dsp.write(0, 0);
    }
    void answer(Ct1741::Channel channel, bool level) {
        requested.at(channel) = level;
        while (answering && requested.at(channel)) {
            if (recording) {
                recorded.push_back(dsp.dma_read(channel, channel == Ct1741::kWide ? 2 : 1));
                continue;
            }
            const u16 value = memory.empty() ? u16{0} : memory.front();
            if (!memory.empty()) memory.pop_front();
            ++moved;
            dsp.dma_write(channel, value, channel == Ct1741::kWide ? 2 : 1);
        }
    }

    TestBoard board;
    RecordedLine irq{board.scheduler};
    RecordedAudio sound;
    std::array<bool, 2> requested{};
    bool answering = true, recording = false;
    unsigned moved = 0;
    std::deque<u16> memory;
    std::vector<u16> recorded;
    Ct1741 dsp{board.scheduler, {.interrupt = irq.pin(), .request = [this](Ct1741::Channel channel, bool level) {
                                     answer(channel, level);
                                 }}};
};

TEST_F(Ct1741Test, ResetVersionAndIdentification) {
    EXPECT_EQ(next(), -1);
    reset_dsp();
    EXPECT_EQ(next(), 0xAA);
    EXPECT_EQ(next(), -1);
    command({0xE1});
    EXPECT_EQ(next(), 4);
    EXPECT_EQ(next(), 5);
    command({0xE0, 0x39});
    EXPECT_EQ(next(), 0xC6);
    command({0xE4, 0x5A, 0xE8});
    EXPECT_EQ(next(), 0x5A);
    command({0xD1, 0xD8});
    EXPECT_EQ(next(), 0xFF);
    command({0xD3, 0xD8});
    EXPECT_EQ(next(), 0x00);
    command({0xE3});
    std::string text;
    for (int c = next(); c > 0; c = next()) text += static_cast<char>(c);
    EXPECT_EQ(text, "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.");
    command({0x55, 0xE0, 0});
    EXPECT_EQ(next(), 0xFF) << "an unknown command has no arguments";
}

TEST_F(Ct1741Test, InterruptsOfBothKinds) {
    command({0xF2});
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(dsp.interrupt_status(), 1);
    command({0xF3});
    EXPECT_EQ(dsp.interrupt_status(), 3);
    dsp.read(8);
    EXPECT_TRUE(irq.level) << "the other is left";
    dsp.read(9);
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(irq.rises(), 1u);
}

TEST_F(Ct1741Test, OneBlockOf8BitsTakesItsTime) {
    for (unsigned i = 0; i < 1'000; ++i) memory.push_back(static_cast<u16>(i & 0xFF));
    command({0x40, 206});  // 1000000 / 50 = 20000 Hz
    command({0x14, 999 & 0xFF, 999 >> 8});
    board.run_until(50 * kMs - 1);
    EXPECT_FALSE(irq.level);
    board.run_until(50 * kMs);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(dsp.interrupt_status(), 1);
    EXPECT_EQ(sound.rate, 20'000u);
    EXPECT_EQ(sound.started_ns, 0u);
    ASSERT_EQ(sound.frames.size(), 1'000u);
    for (unsigned i = 0; i < 1'000; ++i) {
        const auto level = static_cast<i16>((static_cast<int>(i & 0xFF) - 128) * 256);
        ASSERT_EQ(sound.frames[i], (AudioFrame{level, level})) << i;
    }
    board.run_for(100 * kMs);
    EXPECT_EQ(moved, 1'000u);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever) << "silence has no events";
}

TEST_F(Ct1741Test, OneByteBlocksInterruptToo) {
    command({0x40, 0x83, 0x14, 0, 0});  // 8000 Hz
    board.run_for(125'000);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(moved, 1u);
}

TEST_F(Ct1741Test, AutoInitialised16BitStereo) {
    command({0x41, 0xAC, 0x44});  // 44100 Hz
    for (int i = 0; i < 8'820; ++i) memory.push_back(static_cast<u16>(i % 2 == 0 ? i : -i));
    command({0xB6, 0x30, (4'410 - 1) & 0xFF, (4'410 - 1) >> 8});  // 2205 frames: 50 ms
    board.run_until(49 * kMs);
    EXPECT_FALSE(irq.level);
    board.run_until(50 * kMs);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(dsp.interrupt_status(), 2);
    dsp.read(9);
    command({0xD9});  // exit after this block
    board.run_until(99 * kMs);
    EXPECT_FALSE(irq.level);
    board.run_until(100 * kMs);
    EXPECT_TRUE(irq.level);
    dsp.read(9);
    board.run_until(500 * kMs);
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(moved, 8'820u);
    ASSERT_EQ(sound.frames.size(), 4'410u);
    EXPECT_EQ(sound.frames[7], (AudioFrame{14, -15}));
    EXPECT_EQ(sound.rate, 44'100u);
}

TEST_F(Ct1741Test, SignedAndUnsigned) {
    command({0x41, 0x27, 0x10});  // 10000 Hz
    memory = {0x00, 0x80, 0xFF};
    command({0xC0, 0x10, 2, 0});  // 8 bits, signed
    board.run_for(kMs);
    memory = {0x0000, 0x8000, 0xFFFF};
    command({0xB0, 0x00, 2, 0});  // 16 bits, unsigned
    board.run_for(kMs);
    std::vector<i16> left;
    for (const AudioFrame& frame : sound.frames) left.push_back(frame.left);
    EXPECT_EQ(left, (std::vector<i16>{0, -32768, -256, -32768, 0, 32767}));
}

TEST_F(Ct1741Test, PauseAndContinue) {
    command({0x41, 0x27, 0x10, 0xC6, 0x00, 0xFF, 0x00});  // 10000 Hz, auto-initialised, 256 bytes
    board.run_for(10 * kMs);
    EXPECT_EQ(moved, 100u);
    command({0xD0});
    board.run_for(100 * kMs);
    EXPECT_EQ(moved, 100u);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
    command({0xD4});
    board.run_for(15 * kMs + 500'000);
    EXPECT_FALSE(irq.level);
    board.run_for(kMs);
    EXPECT_TRUE(irq.level);
}

TEST_F(Ct1741Test, HostThatDoesNotAnswerIsSilenceAndTheRestComesLater) {
    answering = false;
    command({0x41, 0x27, 0x10, 0xC0, 0x00, 99, 0x00});
    board.run_for(1'000 * kMs);
    EXPECT_TRUE(requested[Ct1741::kNarrow]);
    EXPECT_EQ(moved, 0u);
    EXPECT_FALSE(irq.level);
    answering = true;
    answer(Ct1741::kNarrow, true);  // unmasked
    board.run_for(11 * kMs);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(moved, 100u);
}

TEST_F(Ct1741Test, WordsByByteChannel) {
    dsp.connect(&sound);
    answering = false;
    command({0x41, 0x27, 0x10, 0xB0, 0x10, 0, 0});
    board.run_for(kMs);
    ASSERT_TRUE(requested[Ct1741::kWide]);
    dsp.dma_write(Ct1741::kWide, 0x34, 1);
    EXPECT_TRUE(requested[Ct1741::kWide]);
    dsp.dma_write(Ct1741::kWide, 0x12, 1);
    EXPECT_FALSE(requested[Ct1741::kWide]);
    ASSERT_EQ(sound.frames.size(), 1u);
    EXPECT_EQ(sound.frames[0].left, 0x1234);
    EXPECT_EQ(dsp.interrupt_status(), 2);
}

TEST_F(Ct1741Test, RecordsSilence) {
    recording = true;
    command({0x42, 0x27, 0x10, 0xC8, 0x00, 9, 0});
    board.run_for(2 * kMs);
    EXPECT_EQ(recorded, std::vector<u16>(10, 0x80));
    EXPECT_TRUE(irq.level);
    recorded.clear();
    command({0xB8, 0x10, 3, 0});
    board.run_for(2 * kMs);
    EXPECT_EQ(recorded, std::vector<u16>(4, 0));
    EXPECT_TRUE(sound.frames.empty());
    command({0x20});
    EXPECT_EQ(next(), 0x80);
}

TEST_F(Ct1741Test, SilenceCommandIsATimer) {
    command({0x40, 0x83, 0x80, 79, 0});  // 8000 Hz, 80 samples: 10 ms
    board.run_for(10 * kMs - 1);
    EXPECT_FALSE(irq.level);
    board.run_for(1);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(moved, 0u);
}

TEST_F(Ct1741Test, DirectOutput) {
    for (const int level : {0xFF, 0x80, 0x00}) {
        command({0x10, level});
        board.run_for(100'000);
    }
    EXPECT_EQ(sound.steps,
              (std::vector<RecordedAudio::Step>{{0, {32512, 32512}}, {100'000, {}}, {200'000, {-32768, -32768}}}));
}

TEST_F(Ct1741Test, CompressedBlocks) {
    command({0x40, 0x83});
    memory = {0x80, 0x12, 0xFF};  // the reference, then +1 +2, -7 -7
    command({0x75, 2, 0});
    board.run_for(10 * kMs);
    std::vector<int> samples;
    for (const AudioFrame& frame : sound.frames) samples.push_back(frame.left / 256);
    EXPECT_EQ(samples, (std::vector<int>{1, 3, -4, -19})) << "the unit doubles after a large difference";
    EXPECT_TRUE(irq.level);
}

TEST_F(Ct1741Test, ResetStopsEverything) {
    answering = false;
    command({0x1C, 0xF3});
    board.run_for(2 * kMs);
    EXPECT_TRUE(requested[Ct1741::kNarrow]);
    reset_dsp();
    EXPECT_FALSE(requested[Ct1741::kNarrow]);
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(next(), 0xAA);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

TEST_F(Ct1741Test, MidiUntilReset) {
    command({0x38, 0x90, 0x35, 0x90, 0xF2});
    EXPECT_FALSE(irq.level) << "MIDI bytes are no commands";
    reset_dsp();
    EXPECT_EQ(next(), -1) << "UART mode is left without an answer";
    command({0xF2});
    EXPECT_TRUE(irq.level);
}

// From reset on each answer is the one before plus the argument exclusive-or a key, which then rotates by two bits. No
// interrupt comes.
TEST_F(Ct1741Test, DmaIdentification) {
    recording = true;
    for (const int argument : {0x00, 0xFF, 0x55, 0x0F, 0x01}) {
        command({0xE2, argument});
        board.run_for(kMs);
    }
    EXPECT_EQ(recorded, (std::vector<u16>{0x40, 0x9A, 0xD6, 0x2B, 0xC2}));
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
    recorded.clear();
    reset_dsp();
    command({0xE2, 0x00});
    board.run_for(kMs);
    EXPECT_EQ(recorded, std::vector<u16>{0x40});
}

TEST_F(Ct1741Test, LeftOutCommandsAreToldOnce) {
    testing::internal::CaptureStderr();
    command({0xF0, 0xF0, 0x38, 0x90, 0x38, 0x90});
    const std::string told = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 2) << told;
    EXPECT_NE(told.find("command f0: is not implemented"), std::string::npos) << told;
    EXPECT_NE(told.find("command 38: MIDI goes nowhere"), std::string::npos) << told;
}

TEST_F(Ct1741Test, StateDoesNotDependOnListeners) {
    answering = false;
    Ct1741 unheard(board.scheduler, {});
    for (const int byte : {0x41, 0x56, 0x22, 0xB6, 0x30, 0xFF, 0x01}) {
        dsp.write(6, static_cast<u8>(byte));
        unheard.write(6, static_cast<u8>(byte));
    }
    board.run_for(kMs);
    for (Ct1741* one : {&dsp, &unheard}) one->dma_write(Ct1741::kWide, 0x1234, 2);  // half a frame
    EXPECT_EQ(saved(unheard), saved(dsp));
}

TEST_F(Ct1741Test, State) {
    command({0x41, 0x56, 0x22, 0xB6, 0x30, 0xFF, 0x01, 0xD1, 0xE1, 0xC0, 0x20});
    board.run_for(5 * kMs);
    Ct1741 twin(board.scheduler, {});
    expect_faithful_state(dsp, twin);
}

TEST(CreativeAdpcmTest, ThreeFormats) {
    CreativeAdpcm adpcm;
    adpcm.set_reference(100);
    EXPECT_EQ(adpcm.decode(CreativeAdpcm::Format::bits2, 0b01'11'00'10), (std::array<u8, 4>{101, 98, 100, 99}))
        << "+1 (grows), -(2+1) (grows), +2 (shrinks), -1";
    adpcm.set_reference(100);
    const auto three = adpcm.decode(CreativeAdpcm::Format::bits2_6, 0b011'110'01);
    EXPECT_EQ(three[0], 103) << "+3 (grows)";
    EXPECT_EQ(three[1], 98) << "-(4+1)";
    EXPECT_EQ(three[2], 103) << "+(4+1): the third code's low bit is 0";
    adpcm.set_reference(250);
    EXPECT_EQ(adpcm.decode(CreativeAdpcm::Format::bits4, 0x77)[1], 255) << "clipped";
}

TEST(Ct1745Test, VolumesAndTheirSoundBlasterProAliases) {
    unsigned changes = 0;
    Ct1745 chip(
        {.volumes_changed = [&] { ++changes; }, .routing_changed = nullptr, .interrupt_status = [] { return u8{2}; }});
    const auto set = [&](u8 index, u8 value) { chip.write(0, index), chip.write(1, value); };
    const auto get = [&](u8 index) { return chip.write(0, index), chip.read(1); };
    EXPECT_EQ(chip.voice_gain().left, 65'536u);
    set(0x32, 21 << 3);
    EXPECT_EQ(changes, 1u);
    EXPECT_NEAR(chip.voice_gain().left, 6'554, 1) << "-20 dB";
    EXPECT_EQ(chip.voice_gain().right, 65'536u);
    set(0x30, 26 << 3);
    EXPECT_NEAR(chip.voice_gain().left, 2'072, 1) << "and -10 dB";
    set(0x41, 0x40);
    EXPECT_NEAR(chip.voice_gain().left, 4'145, 1) << "and 6 dB";
    EXPECT_EQ(get(0x32), 21 << 3);
    set(0x04, 0x5C);
    EXPECT_EQ(get(0x32), 0x58);
    EXPECT_EQ(get(0x33), 0xC8);
    EXPECT_EQ(get(0x04), 0x5C);
    set(0x26, 0xA0);
    EXPECT_EQ(get(0x34), 0xA8);
    EXPECT_EQ(get(0x82), 2);
    EXPECT_EQ(get(0x99), 0xFF);
    set(0x00, 0);
    EXPECT_EQ(chip.voice_gain().left, 65'536u) << "reset of the mixer";
}

TEST(Ct1745Test, InterruptAndDmaChoice) {
    unsigned changes = 0;
    Ct1745 chip({.volumes_changed = nullptr, .routing_changed = [&] { ++changes; }, .interrupt_status = nullptr});
    const auto set = [&](u8 index, u8 value) { chip.write(0, index), chip.write(1, value); };
    EXPECT_EQ(chip.interrupt_line(), 5u);
    EXPECT_EQ(chip.narrow_channel(), 1u);
    EXPECT_EQ(chip.wide_channel(), 5u);
    for (const auto& [value, line] : {std::pair{1, 9u}, {2, 5u}, {4, 7u}, {8, 10u}, {0, Ct1745::kNone}}) {
        set(0x80, static_cast<u8>(value));
        EXPECT_EQ(chip.interrupt_line(), line);
    }
    set(0x81, 0x88);
    EXPECT_EQ(chip.narrow_channel(), 3u);
    EXPECT_EQ(chip.wide_channel(), 7u);
    set(0x81, 0x01);
    EXPECT_EQ(chip.narrow_channel(), 0u);
    EXPECT_EQ(chip.wide_channel(), Ct1745::kNone);
    EXPECT_EQ(changes, 7u);
    Ct1745 twin({});
    expect_faithful_state(chip, twin);
}

}  // namespace
}  // namespace bantam::devices
