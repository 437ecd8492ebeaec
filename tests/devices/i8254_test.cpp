// I8254 against the 82C54 datasheet: every mode's waveform in CLK ticks, formats, latches, read-back, GATE, exact
// timing.
#include "devices/i8254.h"

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kHz = I8254::kHertz;

class I8254Test : public ::testing::Test {
protected:
    // Counter `index`, low byte then high byte.
    void program(unsigned index, unsigned mode, unsigned count, bool bcd = false) {
        chip.write(3, static_cast<u8>(index << 6 | 0x30 | mode << 1 | (bcd ? 1 : 0)));
        write_count(index, count);
    }
    void write_count(unsigned index, unsigned count) {
        chip.write(index, static_cast<u8>(count));
        chip.write(index, static_cast<u8>(count >> 8));
    }
    unsigned read_count(unsigned index) {
        const unsigned low = chip.read(index);
        return low | static_cast<unsigned>(chip.read(index) << 8);
    }
    u8 status(unsigned index) {
        chip.write(3, static_cast<u8>(0xE0 | 2u << index));
        return chip.read(index);
    }
    u64 tick() const { return ticks_from_ns(board.now(), kHz); }
    void run_ticks(u64 ticks) { board.run_until(ns_from_ticks(tick() + ticks, kHz)); }
    // OUT over the next `ticks` ticks, one character each, sampled after each CLK.
    std::string wave(unsigned index, unsigned ticks) {
        std::string text;
        for (unsigned i = 0; i < ticks; ++i) {
            run_ticks(1);
            text += chip.out(index) ? 'H' : 'L';
        }
        return text;
    }
    TestBoard board;
    RecordedLine out0{board.scheduler};
    I8254 chip{board.scheduler, {.out = {out0.pin(), nullptr, nullptr}}};
};

TEST_F(I8254Test, PowersOnIdle) {
    EXPECT_FALSE(chip.out(0));
    EXPECT_TRUE(chip.gate(0));
    EXPECT_FALSE(chip.gate(2)) << "port 61h powers on with the speaker gate off";
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
    EXPECT_EQ(chip.read(3), 0xFF);
    chip.write(0, 0x12);  // no control word yet: ignored
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

TEST_F(I8254Test, Mode0RaisesOutAfterCountPlusOne) {
    program(0, 0, 3);
    EXPECT_EQ(wave(0, 6), "LLLHHH");
    EXPECT_EQ(read_count(0), 0xFFFEu) << "the count goes on through zero";
    write_count(0, 2);
    EXPECT_FALSE(chip.out(0));
    EXPECT_EQ(wave(0, 4), "LLHH");
}

TEST_F(I8254Test, Mode0FirstByteStopsTheCount) {
    program(0, 0, 100);
    run_ticks(11);
    EXPECT_EQ(read_count(0), 90u);
    chip.write(0, 5);
    run_ticks(50);
    EXPECT_EQ(read_count(0), 90u);
    chip.write(0, 0);
    EXPECT_EQ(wave(0, 7), "LLLLLHH");
}

TEST_F(I8254Test, Mode0GatePauses) {
    program(2, 0, 3);
    EXPECT_EQ(wave(2, 6), "LLLLLL");
    chip.set_gate(2, true);
    EXPECT_EQ(wave(2, 2), "LL");
    chip.set_gate(2, false);
    EXPECT_EQ(read_count(2), 1u);
    EXPECT_EQ(wave(2, 5), "LLLLL");
    chip.set_gate(2, true);
    EXPECT_EQ(wave(2, 2), "HH");
}

TEST_F(I8254Test, Mode1OneShotRetriggers) {
    program(2, 1, 3);
    EXPECT_EQ(wave(2, 3), "HHH");
    chip.set_gate(2, true);
    EXPECT_EQ(wave(2, 5), "LLLHH");
    chip.set_gate(2, false);
    EXPECT_EQ(wave(2, 2), "HH") << "GATE low does nothing in mode 1";
    chip.set_gate(2, true);
    EXPECT_EQ(wave(2, 2), "LL");
    chip.set_gate(2, false);
    write_count(2, 2);  // takes effect at the next trigger
    chip.set_gate(2, true);
    EXPECT_EQ(wave(2, 4), "LLHH");
}

TEST_F(I8254Test, Mode1WithoutACountIgnoresTheTrigger) {
    chip.write(3, 0xB2);
    chip.set_gate(2, true);
    EXPECT_EQ(wave(2, 3), "HHH");
}

TEST_F(I8254Test, Mode2PulsesLowForOneTick) {
    program(0, 2, 4);
    EXPECT_EQ(wave(0, 13), "HHHLHHHLHHHLH");
    run_ticks(1);
    EXPECT_EQ(read_count(0), 3u);
}

TEST_F(I8254Test, Mode2NewCountAtTheEndOfThePeriod) {
    program(0, 2, 4);
    EXPECT_EQ(wave(0, 2), "HH");
    write_count(0, 3);
    EXPECT_EQ(status(0) & 0x40, 0x40) << "null count: not loaded yet";
    EXPECT_EQ(wave(0, 9), "HLHHLHHLH");
    EXPECT_EQ(status(0) & 0x40, 0);
}

TEST_F(I8254Test, Mode2GateStopsAndRestarts) {
    chip.set_gate(2, true);
    program(2, 2, 4);
    EXPECT_EQ(wave(2, 4), "HHHL");
    chip.set_gate(2, false);
    EXPECT_TRUE(chip.out(2)) << "OUT rises at once";
    EXPECT_EQ(wave(2, 5), "HHHHH");
    chip.set_gate(2, true);
    EXPECT_EQ(wave(2, 6), "HHHLHH");
}

TEST_F(I8254Test, Mode3SquareWaves) {
    program(0, 3, 4);
    EXPECT_EQ(wave(0, 9), "HHLLHHLLH");
    program(0, 3, 5);
    EXPECT_EQ(wave(0, 11), "HHHLLHHHLLH");
    program(0, 7, 2);  // 111 is mode 3, too
    EXPECT_EQ(wave(0, 4), "HLHL");
}

TEST_F(I8254Test, Mode3CountsByTwo) {
    program(0, 3, 10);
    run_ticks(1);
    std::vector<unsigned> counts;
    for (unsigned i = 0; i < 6; ++i, run_ticks(1)) counts.push_back(read_count(0));
    EXPECT_EQ(counts, (std::vector<unsigned>{10, 8, 6, 4, 2, 10}));
    program(0, 3, 5);
    run_ticks(1);
    counts.clear();
    for (unsigned i = 0; i < 6; ++i, run_ticks(1)) counts.push_back(read_count(0));
    EXPECT_EQ(counts, (std::vector<unsigned>{4, 2, 0, 4, 2, 4}));
}

TEST_F(I8254Test, Mode3NewCountAtTheHalfCycle) {
    program(0, 3, 8);
    EXPECT_EQ(wave(0, 2), "HH");
    write_count(0, 4);
    EXPECT_EQ(wave(0, 8), "HHLLHHLL");
}

TEST_F(I8254Test, Mode4StrobesOnce) {
    program(0, 4, 3);
    EXPECT_EQ(wave(0, 8), "HHHLHHHH");
    run_ticks(70'000);
    EXPECT_EQ(out0.rises(), 2u) << "the control word's rise and the strobe's";
    write_count(0, 2);
    EXPECT_EQ(wave(0, 4), "HHLH");
    write_count(0, 9);
    run_ticks(3);
    write_count(0, 2);  // a new count starts over
    EXPECT_EQ(wave(0, 4), "HHLH");
}

TEST_F(I8254Test, Mode5StrobesAfterTheTrigger) {
    program(2, 5, 3);
    EXPECT_EQ(wave(2, 6), "HHHHHH");
    chip.set_gate(2, true);
    EXPECT_EQ(wave(2, 6), "HHHLHH");
    chip.set_gate(2, false);
    chip.set_gate(2, true);
    run_ticks(2);
    chip.set_gate(2, false);
    chip.set_gate(2, true);  // retrigger
    EXPECT_EQ(wave(2, 5), "HHHLH");
}

TEST_F(I8254Test, FullCounts) {
    program(0, 2, 0);
    run_ticks(1);
    EXPECT_EQ(read_count(0), 0u) << "65536 shows as 0";
    run_ticks(1);
    EXPECT_EQ(read_count(0), 0xFFFFu);
    program(0, 2, 0, true);
    run_ticks(2);
    EXPECT_EQ(read_count(0), 0x9999u);
    program(0, 2, 0x1000, true);
    run_ticks(2);
    EXPECT_EQ(read_count(0), 0x0999u);
    run_ticks(999);
    EXPECT_EQ(read_count(0), 0x1000u);
}

TEST_F(I8254Test, CountOfOneHoldsOutHigh) {
    for (unsigned mode : {2u, 3u}) {
        program(0, mode, 1);
        EXPECT_EQ(wave(0, 5), "HHHHH");
        EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
    }
}

TEST_F(I8254Test, OneByteFormats) {
    chip.write(3, 0x14);  // low byte only, mode 2
    chip.write(0, 0x50);
    run_ticks(1);
    EXPECT_EQ(chip.read(0), 0x50);
    run_ticks(1);
    EXPECT_EQ(chip.read(0), 0x4F);
    chip.write(3, 0x24);  // high byte only
    chip.write(0, 0x12);
    run_ticks(2);
    EXPECT_EQ(chip.read(0), 0x11);
    EXPECT_EQ(chip.read(0), 0x11);
}

TEST_F(I8254Test, LatchHoldsUntilRead) {
    program(0, 2, 0x1000);
    run_ticks(0x11);
    chip.write(3, 0x00);
    run_ticks(0x200);
    chip.write(3, 0x00);  // a second latch before the read is ignored
    EXPECT_EQ(chip.peek(0), 0xF0);
    EXPECT_EQ(read_count(0), 0x0FF0u);
    EXPECT_EQ(read_count(0), 0x0DF0u) << "live again";
}

TEST_F(I8254Test, ReadBackStatusThenCount) {
    program(0, 3, 0x1234);
    EXPECT_EQ(status(0), 0xC0 | 0x36) << "OUT high, null count, control word as written";
    run_ticks(1);
    chip.write(3, 0xC2);  // both of counter 0
    EXPECT_EQ(chip.read(0), 0x80 | 0x36);
    EXPECT_EQ(read_count(0), 0x1234u);
    program(1, 0, 7);
    run_ticks(1);
    chip.write(3, 0xDE);  // counts of all three
    run_ticks(3);
    EXPECT_EQ(read_count(1), 7u);
    EXPECT_EQ(read_count(1), 4u);
}

TEST_F(I8254Test, WriteSequenceSurvivesReads) {
    chip.write(3, 0x34);
    chip.write(0, 0x34);
    (void)chip.read(0);
    chip.write(0, 0x12);
    run_ticks(1);
    (void)chip.read(0);  // the other half of the interrupted read
    EXPECT_EQ(read_count(0), 0x1234u);
}

TEST_F(I8254Test, PeriodicEdgesAreExact) {
    board.run_until(1000);
    const u64 start = tick();
    program(0, 2, 11932);  // 100 Hz
    board.run_for(1'000'000'000);
    std::vector<u64> rises;
    for (const auto& change : out0.changes) {
        if (change.level) rises.push_back(change.time_ns);
    }
    ASSERT_EQ(rises.size(), 100u) << "the control word's rise and 99 whole periods";
    for (u64 i = 1; i < rises.size(); ++i) EXPECT_EQ(rises[i], ns_from_ticks(start + 1 + i * 11932, kHz));
    // The pulse before each rise is one tick long.
    EXPECT_EQ(out0.changes[1].time_ns, ns_from_ticks(start + 11932, kHz));
}

TEST_F(I8254Test, LateTimersKeepTheRiseAndThePhase) {
    program(0, 2, 1000);
    run_ticks(1);
    const unsigned before = out0.rises();
    board.leap(ns_from_ticks(1500, kHz));
    EXPECT_EQ(out0.rises(), before + 1);
    board.leap(ns_from_ticks(1'000'000, kHz));
    EXPECT_GE(out0.rises(), before + 2);
    EXPECT_EQ((tick() - 1) % 1000, (1000 - read_count(0)) % 1000);
}

TEST_F(I8254Test, RewritingTheControlWordCancels) {
    program(0, 4, 100);
    run_ticks(50);
    chip.write(3, 0x38);
    run_ticks(1000);
    EXPECT_EQ(out0.rises(), 1u);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

TEST_F(I8254Test, StateRoundTripAndReset) {
    TestBoard other;
    I8254 twin(other.scheduler, {});
    program(0, 2, 1000);
    program(1, 1, 77, true);
    program(2, 3, 55);
    chip.set_gate(2, true);
    board.run_until(2'000'000);
    other.run_until(2'000'000);
    chip.write(3, 0xC0 | 0x0E);
    chip.write(0, 0x12);
    (void)chip.read(2);
    expect_faithful_state(chip, twin);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever) << "reset stops the timers";
}

}  // namespace
}  // namespace bantam::devices
