// Hpet against the IA-PC HPET specification 1.0a: counter, one-shot and periodic matches, level status, legacy route.
#include "devices/hpet.h"

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kConf = 0x10, kSts = 0x20, kMain = 0xF0;
constexpr u64 kLevel = 2, kEnable = 4, kPeriodic = 8, kSetValue = 0x40, kMode32 = 0x100;
constexpr u64 timer_conf(unsigned n) { return 0x100 + 0x20 * n; }
constexpr u64 timer_comp(unsigned n) { return 0x108 + 0x20 * n; }
constexpr u64 route(unsigned input) { return u64{input} << 9; }

class HpetTest : public ::testing::Test {
protected:
    void write(u64 offset, u64 value) { hpet.write(offset, 8, value); }
    u64 read(u64 offset) const { return hpet.read(offset, 8); }
    TestBoard board;
    RecordedLine irq0{board.scheduler}, irq8{board.scheduler}, legacy{board.scheduler}, input20{board.scheduler},
        input21{board.scheduler};
    OutputLine pin20 = input20.pin(), pin21 = input21.pin();
    Hpet hpet{board.scheduler,
              {.interrupt =
                   [this](unsigned input, bool asserted) {
                       ASSERT_TRUE(input == 20 || input == 21) << input;
                       (input == 20 ? pin20 : pin21)(asserted);
                   },
               .irq0 = irq0.pin(),
               .irq8 = irq8.pin(),
               .legacy_replacement = legacy.pin()}};
};

TEST_F(HpetTest, Identification) {
    EXPECT_EQ(read(0), 0x05F5E100'8086A201u);
    EXPECT_EQ(hpet.read(4, 4), 100'000'000u) << "femtoseconds a tick";
    EXPECT_EQ(read(timer_conf(1)), u64{0x00F00000} << 32 | 0x30);
    EXPECT_EQ(read(timer_comp(2)), ~u64{0});
    write(0, 0);
    EXPECT_EQ(hpet.read(0, 1), 0x01u);
    EXPECT_EQ(hpet.read(2, 2), 0x8086u);
    EXPECT_EQ(read(0x160), 0u);
    EXPECT_EQ(read(0x3F8), 0u);
    EXPECT_EQ(read(timer_conf(0) + 0x10), 0u) << "no FSB route";
}

TEST_F(HpetTest, MainCounter) {
    board.run_until(12'345);
    EXPECT_EQ(read(kMain), 0u) << "halted";
    write(kMain, 0x1'0000'0000 - 10);
    write(kConf, 1);
    board.run_for(2'000);
    EXPECT_EQ(read(kMain), 0x1'0000'000Au);
    EXPECT_EQ(hpet.read(kMain, 4), 0xAu);
    EXPECT_EQ(hpet.read(kMain + 4, 4), 1u);
    write(kConf, 0);
    board.run_for(2'000);
    EXPECT_EQ(read(kMain), 0x1'0000'000Au);
    hpet.write(kMain, 4, 5);
    EXPECT_EQ(read(kMain), 0x1'0000'0005u);
    write(kConf, 1);
    board.run_for(100);
    EXPECT_EQ(read(kMain), 0x1'0000'0006u);
}

TEST_F(HpetTest, OneShotEdge) {
    write(timer_conf(0), route(20) | kEnable);
    write(timer_comp(0), 50);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever) << "halted";
    write(kConf, 1);
    board.run_for(100'000);
    ASSERT_EQ(input20.changes.size(), 1u);
    EXPECT_EQ(input20.changes[0], (RecordedLine::Change{5'000, true}));  // and stays until the next edge
    EXPECT_EQ(read(kSts), 0u);
    write(timer_comp(0), read(kMain));  // equal: matches now
    board.run_for(1);
    EXPECT_EQ(input20.rises(), 2u);
    write(timer_comp(0), read(kMain) - 5);  // behind: not before the counter wraps
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

TEST_F(HpetTest, OneShot32BitMatchesAgainAfterTheWrap) {
    write(timer_conf(1), route(20) | kEnable | kMode32);
    write(timer_comp(1), 0xAAAA'0000'0064);
    EXPECT_EQ(read(timer_comp(1)), 0x64u);
    write(kMain, 0x7'FFFF'FFF0);
    write(kConf, 1);
    board.run_until(430'000'000'000);
    ASSERT_EQ(input20.rises(), 2u);
    EXPECT_EQ(input20.changes[0].time_ns, 116u * 100);
    EXPECT_EQ(input20.changes[2].time_ns, (u64{1} << 32) * 100 + 116 * 100);
}

TEST_F(HpetTest, PeriodicAsLinuxProgramsIt) {
    write(timer_conf(0), route(20) | kEnable | kPeriodic | kSetValue | kMode32);
    EXPECT_EQ(read(timer_conf(0)) & kSetValue, kSetValue);
    hpet.write(timer_comp(0), 4, 1000);
    EXPECT_EQ(read(timer_conf(0)) & kSetValue, 0u);
    hpet.write(timer_comp(0), 4, 250);
    write(kConf, 1);
    board.run_for(200'000);
    std::vector<u64> rises;
    for (const auto& change : input20.changes) {
        if (change.level) rises.push_back(change.time_ns);
    }
    EXPECT_EQ(rises, (std::vector<u64>{100'000, 125'000, 150'000, 175'000, 200'000}));
    EXPECT_EQ(read(timer_comp(0)), 2250u);
    board.leap(1'010'000);  // late: one interrupt, phase kept
    EXPECT_EQ(input20.rises(), 6u);
    EXPECT_EQ(board.scheduler.next_deadline(), 1'225'000u);
}

TEST_F(HpetTest, LevelHoldsUntilStatusIsCleared) {
    write(timer_conf(2), route(21) | kEnable | kLevel);
    write(timer_comp(2), 10);
    write(kConf, 1);
    board.run_for(5'000);
    EXPECT_TRUE(input21.level);
    EXPECT_EQ(read(kSts), 4u);
    write(timer_conf(2), route(20) | kEnable | kLevel);  // the line follows the route
    EXPECT_FALSE(input21.level);
    EXPECT_TRUE(input20.level);
    write(kSts, 3);
    EXPECT_TRUE(input20.level);
    write(kSts, 4);
    EXPECT_FALSE(input20.level);
    write(timer_conf(2), route(20) | kLevel);  // disabled: status without a line
    write(timer_comp(2), 100);
    board.run_for(10'000);
    EXPECT_EQ(read(kSts), 4u);
    EXPECT_FALSE(input20.level);
    write(timer_conf(2), route(20) | kEnable | kLevel);
    EXPECT_TRUE(input20.level);
}

TEST_F(HpetTest, RouteOutsideTheCapabilitiesIsNotTaken) {
    write(timer_conf(0), route(20));
    write(timer_conf(0), route(2) | kEnable);
    EXPECT_EQ(read(timer_conf(0)) & 0xFFFFFFFF, route(20) | kEnable | 0x30);
    write(timer_conf(0), ~u64{0});
    EXPECT_EQ(read(timer_conf(0)) & 0x3E00, route(20));
    EXPECT_EQ(read(timer_conf(0)) & 0xC000, 0u) << "no FSB delivery";
}

TEST_F(HpetTest, LegacyReplacement) {
    EXPECT_FALSE(hpet.legacy_replacement());
    write(kConf, 3);
    EXPECT_TRUE(hpet.legacy_replacement());
    EXPECT_TRUE(legacy.level);
    for (unsigned n = 0; n < 3; ++n) {
        write(timer_conf(n), route(20) | kEnable);
        write(timer_comp(n), 10 * (n + 1));
    }
    board.run_for(10'000);
    ASSERT_EQ(irq0.rises(), 1u);
    ASSERT_EQ(irq8.rises(), 1u);
    ASSERT_EQ(input20.rises(), 1u) << "timer 2 keeps its own route";
    EXPECT_EQ(irq0.changes[0].time_ns, 1'000u);
    EXPECT_EQ(irq8.changes[0].time_ns, 2'000u);
    write(kConf, 1);
    EXPECT_FALSE(legacy.level);
}

TEST_F(HpetTest, StateRoundTripAndReset) {
    TestBoard other;
    Hpet twin(other.scheduler, {});
    write(kMain, 500);
    write(kConf, 3);
    write(timer_conf(0), route(21) | kEnable | kPeriodic | kSetValue);
    write(timer_comp(0), 1000);
    write(timer_conf(1), route(20) | kEnable | kPeriodic | kSetValue);
    write(timer_conf(2), route(20) | kEnable | kLevel);
    write(timer_comp(2), 600);
    board.run_for(30'000);
    other.run_for(30'000);
    EXPECT_TRUE(input20.level);
    expect_faithful_state(hpet, twin);
    EXPECT_FALSE(input20.level);
    EXPECT_FALSE(legacy.level);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

}  // namespace
}  // namespace bantam::devices
