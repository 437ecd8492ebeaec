// The PC speaker behind an 8254 and port 61h.
#include "devices/pc_speaker.h"

#include "devices/i8254.h"
#include "devices/system_ports.h"
#include "tests/devices/recorded_audio.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class PcSpeakerTest : public ::testing::Test {
protected:
    PcSpeakerTest() { speaker.connect(&sound); }
    void square_wave(u16 count) {
        pit.write(3, 0xB6);  // counter 2, both bytes, mode 3
        pit.write(2, static_cast<u8>(count));
        pit.write(2, static_cast<u8>(count >> 8));
    }
    static constexpr AudioFrame kHigh{PcSpeaker::kHigh, PcSpeaker::kHigh}, kLow{};

    TestBoard board;
    RecordedAudio sound;
    PcSpeaker speaker{board.scheduler,
                      {.tell_edges = [this] { pit.tell_edges(); },
                       .out2 = [this] { return pit.out(2); },
                       .runs = [this] { return pit.out2_runs(); }}};
    I8254 pit{board.scheduler,
              {.out = {},
               .edges_wanted = [this] { return speaker.listens(); },
               .edge = [this](u64 time_ns, bool level) { speaker.edge(time_ns, level); }}};
    SystemControlB port{board.scheduler,
                        {.timer2_gate = [this](bool level) { pit.set_gate(2, level); },
                         .speaker_data = [this](bool level) { speaker.set_data(level); },
                         .timer2_output = nullptr,
                         .nmi = nullptr}};
};

TEST_F(PcSpeakerTest, ToneHasItsEdgesAtTheirTimesAndNoEvents) {
    square_wave(1000);
    port.write(0, 3);
    EXPECT_GT(sound.wakes, 0u);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever) << "a tone needs no events";
    sound.steps.clear();
    board.run_for(10'000'000);
    EXPECT_TRUE(speaker.generate()) << "goes on";
    ASSERT_GE(sound.steps.size(), 22u);
    for (std::size_t i = 1; i < sound.steps.size(); ++i) {
        EXPECT_EQ(sound.steps[i].level, sound.steps[i - 1].level == kHigh ? kLow : kHigh);
        EXPECT_NEAR(static_cast<double>(sound.steps[i].time_ns - sound.steps[i - 1].time_ns), 500e9 / 1'193'182, 1);
    }
    EXPECT_LE(sound.steps.back().time_ns, board.now());
    board.run_for(1'000'000);
    port.write(0, 0);
    EXPECT_EQ(sound.steps.back(), (RecordedAudio::Step{board.now(), kLow}));
    const std::size_t count = sound.steps.size();
    board.run_for(1'000'000'000);
    EXPECT_FALSE(speaker.generate());
    EXPECT_EQ(sound.steps.size(), count);
}

TEST_F(PcSpeakerTest, DataBitAloneMakesSamples) {
    square_wave(1000);
    board.run_for(1'000);
    EXPECT_TRUE(pit.out(2)) << "gate off: OUT is high";
    for (unsigned i = 0; i < 10; ++i) {
        port.write(0, i % 2 == 0 ? 2 : 0);
        board.run_for(50'000);
    }
    ASSERT_EQ(sound.steps.size(), 10u);
    for (unsigned i = 0; i < 10; ++i)
        EXPECT_EQ(sound.steps[i], (RecordedAudio::Step{1'000 + u64{i} * 50'000, i % 2 == 0 ? kHigh : kLow}));
}

// Samples by pulse width: counter 2 in mode 0 is low for as long as the count written says.
TEST_F(PcSpeakerTest, PulseWidths) {
    pit.write(3, 0x90);  // low byte, mode 0
    port.write(0, 3);
    pit.write(2, 10);
    board.run_for(60'000);
    for (const u8 width : {u8{20}, u8{40}, u8{60}}) {
        pit.write(2, width);
        sound.steps.clear();
        const u64 start = board.now();
        board.run_for(60'000);
        EXPECT_FALSE(speaker.generate()) << "one pulse";
        ASSERT_EQ(sound.steps.size(), 1u);
        EXPECT_EQ(sound.steps[0].level, kHigh);
        EXPECT_NEAR(static_cast<double>(sound.steps[0].time_ns - start), (width + 1) * 1e9 / 1'193'182, 900);
    }
}

TEST_F(PcSpeakerTest, AnHourUnheardCostsNothingAndIsNotPlayedLater) {
    square_wave(2);
    port.write(0, 1);
    board.run_for(u64{3'600} * 1'000'000'000);
    port.write(0, 3);
    EXPECT_LE(sound.steps.size(), 1u);
    for (const RecordedAudio::Step& step : sound.steps) EXPECT_EQ(step.time_ns, board.now());
    sound.steps.clear();
    board.run_for(u64{3'600} * 1'000'000'000);  // nobody asked meanwhile
    EXPECT_TRUE(speaker.generate());
    EXPECT_LE(sound.steps.size(), 12'000u);
}

TEST_F(PcSpeakerTest, ListeningChangesNothingForTheGuest) {
    TestBoard other_board;
    I8254 other(other_board.scheduler, {.out = {}});
    other.set_gate(2, true);
    other.write(3, 0xB6);
    other.write(2, 0x34);
    other.write(2, 0x12);
    port.write(0, 3);
    square_wave(0x1234);
    for (unsigned i = 0; i < 50; ++i) {
        board.run_for(777'777);
        speaker.generate();
        other_board.run_for(777'777);
    }
    EXPECT_EQ(saved(pit), saved(other));
    EXPECT_EQ(pit.read(2), other.read(2));
}

TEST_F(PcSpeakerTest, State) {
    square_wave(1000);
    board.run_for(1'000);
    port.write(0, 2);
    PcSpeaker twin(board.scheduler, {});
    expect_faithful_state(speaker, twin);
    EXPECT_EQ(sound.steps.back().level, kLow) << "reset turns it off";
}

}  // namespace
}  // namespace bantam::devices
