// MC146818: calendar, UIP, the three interrupts, formats and CMOS memory.
#include "devices/mc146818.h"

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kSecond = 1'000'000'000;
constexpr u64 kNewYearsEve = 946'684'790;  // 1999-12-31 23:59:50 UTC, a Friday

class Mc146818Test : public ::testing::Test {
protected:
    u8 get(u8 index) {
        chip.write(0, index);
        return chip.read(1);
    }
    void set(u8 index, u8 value) {
        chip.write(0, index);
        chip.write(1, value);
    }
    TestBoard board;
    RecordedLine line{board.scheduler};
    RecordedLine nmi{board.scheduler};
    Mc146818 chip{board.scheduler, {.interrupt = line.pin(), .nmi_enabled = nmi.pin()}, kNewYearsEve};
};

TEST_F(Mc146818Test, CountsAcrossTheCentury) {
    EXPECT_EQ(get(0), 0x50);
    EXPECT_EQ(get(2), 0x59);
    EXPECT_EQ(get(4), 0x23);
    EXPECT_EQ(get(6), 0x06);
    EXPECT_EQ(get(7), 0x31);
    EXPECT_EQ(get(8), 0x12);
    EXPECT_EQ(get(9), 0x99);
    EXPECT_EQ(get(0x32), 0x19);
    board.run_for(11 * kSecond);
    EXPECT_EQ(get(0), 0x01);
    EXPECT_EQ(get(2), 0x00);
    EXPECT_EQ(get(4), 0x00);
    EXPECT_EQ(get(6), 0x07);
    EXPECT_EQ(get(7), 0x01);
    EXPECT_EQ(get(8), 0x01);
    EXPECT_EQ(get(9), 0x00);
    EXPECT_EQ(get(0x32), 0x20);
}

TEST_F(Mc146818Test, LongSleepAgreesWithTheCalendar) {
    board.leap((u64{366} + 59) * 86400 * kSecond);  // 2001-02-28 23:59:50
    EXPECT_EQ(get(9), 0x01);
    EXPECT_EQ(get(8), 0x02);
    EXPECT_EQ(get(7), 0x28);
    EXPECT_EQ(get(4), 0x23);
    EXPECT_EQ(get(0), 0x50);
    EXPECT_EQ(get(6), 0x04) << "a Wednesday";
}

TEST_F(Mc146818Test, UpdateInProgressPrecedesTheUpdate) {
    board.run_until(kSecond - 2'228'001);
    EXPECT_EQ(get(0x0A), 0x26);
    board.run_until(kSecond - 2'228'000);
    EXPECT_EQ(get(0x0A), 0xA6);
    board.run_until(kSecond - 1);
    EXPECT_EQ(get(0x0A), 0xA6);
    EXPECT_EQ(get(0), 0x50);
    board.run_until(kSecond);
    EXPECT_EQ(get(0x0A), 0x26);
    EXPECT_EQ(get(0), 0x51);
}

TEST_F(Mc146818Test, SetStopsTheClock) {
    set(0x0B, 0x82);
    board.run_for(5 * kSecond);
    EXPECT_EQ(get(0), 0x50);
    set(0, 0x30);
    set(0x0B, 0x02);
    board.run_for(kSecond);
    EXPECT_EQ(get(0), 0x31);
}

TEST_F(Mc146818Test, DividerResetDelaysTheFirstUpdateByHalfASecond) {
    set(0x0A, 0x76);
    board.run_for(3 * kSecond);
    set(0x0A, 0x26);
    board.run_for(kSecond / 2 - 1);
    EXPECT_EQ(get(0), 0x50);
    board.run_for(1);
    EXPECT_EQ(get(0), 0x51);
}

TEST_F(Mc146818Test, TwelveHourAndBinaryFormats) {
    set(0x0B, 0x84);  // SET, binary, 12 hours
    set(4, 0x80 | 11);
    set(2, 59);
    set(0, 59);
    set(0x0B, 0x04);
    board.run_for(kSecond);
    EXPECT_EQ(get(4), 12) << "midnight is 12 a.m.";
    EXPECT_EQ(get(2), 0);
    board.run_for(13 * 3600 * kSecond);
    EXPECT_EQ(get(4), 0x80 | 1);
}

TEST_F(Mc146818Test, PeriodicInterruptRunsAtItsRate) {
    set(0x0B, 0x42);
    board.run_for(kSecond / 1024 + 1);
    EXPECT_TRUE(line.level);
    EXPECT_EQ(get(0x0C), 0xC0);
    EXPECT_FALSE(line.level);
    EXPECT_EQ(get(0x0C), 0x00);
    unsigned count = 0;
    for (u64 end = board.now() + kSecond; board.now() < end; board.run_for(50'000)) {
        if (line.level) {
            ++count;
            EXPECT_EQ(get(0x0C) & 0xC0, 0xC0);
        }
    }
    EXPECT_NEAR(count, 1024, 2);
}

TEST_F(Mc146818Test, UpdateEndedAndAlarmInterrupts) {
    set(1, 0x53);
    set(3, 0xFF);
    set(5, 0xC0);
    set(0x0B, 0x22);
    board.run_for(3 * kSecond);
    EXPECT_TRUE(line.level);
    EXPECT_EQ(line.changes.front().time_ns, 3 * kSecond);
    EXPECT_EQ(get(0x0C), 0xF0) << "PF and UF are set without their enables";
    set(0x0B, 0x12);
    board.run_for(kSecond);
    EXPECT_TRUE(line.level);
    EXPECT_EQ(get(0x0C) & 0x90, 0x90);
}

TEST_F(Mc146818Test, IdleClockHasNoEvents) { EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever); }

TEST_F(Mc146818Test, MemoryBanksAndNmiMask) {
    set(0x40, 0x77);
    EXPECT_EQ(get(0x40), 0x77);
    chip.write(2, 0x40);
    chip.write(3, 0x99);
    EXPECT_EQ(chip.read(3), 0x99);
    EXPECT_EQ(chip.cmos(0xC0), 0x99);
    EXPECT_EQ(get(0x40), 0x77);
    EXPECT_EQ(get(0x0D), 0x80);
    chip.write(0, 0x0D);
    EXPECT_TRUE(nmi.level);
    chip.write(0, 0x8D);
    EXPECT_FALSE(nmi.level);
    EXPECT_EQ(chip.read(1), 0x80);
    chip.set_cmos(0x10, 0x40);
    chip.set_cmos(0x14, 0x06);
    chip.update_cmos_checksum();
    EXPECT_EQ(chip.cmos(0x2F), 0x46);
}

TEST_F(Mc146818Test, ResetKeepsTimeAndMemoryButDisablesInterrupts) {
    set(0x40, 0x12);
    set(0x0B, 0x72);
    board.run_for(kSecond);
    chip.reset();
    EXPECT_FALSE(line.level);
    EXPECT_EQ(get(0x0B), 0x02);
    EXPECT_EQ(get(0x40), 0x12);
    EXPECT_EQ(get(0), 0x51);
}

TEST_F(Mc146818Test, KeepsItsState) {
    Mc146818 twin(board.scheduler, {}, 0);
    set(0x40, 0x12);
    set(0x0B, 0x72);
    board.run_for(kSecond * 3 / 2);
    const auto state = saved(chip);
    EXPECT_NE(saved(twin), state);
    LoadArchive load(state);
    twin.describe(load);
    EXPECT_EQ(saved(twin), state);
    EXPECT_EQ(twin.info(), chip.info());
}

}  // namespace
}  // namespace bantam::devices
