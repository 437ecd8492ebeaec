// Clock in virtual time, and in real time: a host that withholds the processor, idle guests, pauses. The host's time is
// a variable here.
#include "machine/clock.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/empty_environment.h"

namespace bantam {
namespace {

constexpr u64 kPowerOn_ns = 1'000'000'000'000;
u64 host_ns = 0;

class ClockTest : public testing::Test {
protected:
    static constexpr u64 kMs = 1'000'000;
    Model model_ = Model::find("pentium").value();
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(1 << 20).value());
    EmptyEnvironment environment_;
    Cpu cpu_{model_, *memory_, environment_};
    const u64 power_on_ns_ = host_ns = kPowerOn_ns;
    Clock clock_{Clock::Pace::real_time, cpu_, [] { return host_ns; }};
};

TEST_F(ClockTest, VirtualTimeIsThatOfInstructions) {
    constexpr u64 kPerNs = Clock::kInstructionsPerNs, kNever = ~u64{0};
    Clock clock(Clock::Pace::virtual_time, cpu_, nullptr);
    for (const u64 retired : {u64{0}, u64{1}, kPerNs - 1, kPerNs, 1000 * kPerNs + 1}) {
        cpu_.state.instructions = retired;
        EXPECT_EQ(clock.now(), retired / kPerNs);
        EXPECT_EQ(clock.instructions_at(5000), 5000 * kPerNs) << "from " << retired;
        EXPECT_EQ(clock.instructions_at(0), retired) << "it has passed";
        for (const u64 late : {kNever, kNever / kPerNs, kNever / kPerNs + 1, kNever / 2})
            EXPECT_GE(clock.instructions_at(late), kNever / 2) << "does not wrap: " << late;
    }
}

TEST_F(ClockTest, FollowsTheHost) {
    EXPECT_EQ(clock_.now(), 0u);
    for (u64 ms = 1; ms <= 100; ++ms) {
        host_ns += kMs;
        EXPECT_EQ(clock_.now(), ms * kMs);
    }
}

TEST_F(ClockTest, AGapPassesInSmallStepsAndIsMadeUpFor) {
    host_ns += 100 * kMs;
    EXPECT_EQ(clock_.now(), Clock::kLongestStep_ns * 5 / 4) << "not all of it between two instructions";
    u64 before = clock_.now();
    unsigned steps = 0;
    while (clock_.now() != host_ns - kPowerOn_ns && steps < 1000) {
        host_ns += kMs;
        ++steps;
        const u64 after = clock_.now();
        EXPECT_GE(after - before, kMs);
        EXPECT_LE(after - before, kMs * 5 / 4);
        before = after;
    }
    EXPECT_EQ(steps, (100 * kMs - Clock::kLongestStep_ns * 5 / 4) / (kMs / 4)) << "a quarter of a step each";
}

TEST_F(ClockTest, AnIdleGuestPaysAtOnce) {
    host_ns += 100 * kMs;
    const u64 now = clock_.now();
    const u64 owed = 100 * kMs - now;
    EXPECT_EQ(clock_.host_ns_until(now + owed / 2), 0u);
    clock_.slept_until(now + owed / 2);
    EXPECT_EQ(clock_.now(), now + owed / 2);
    EXPECT_EQ(clock_.host_ns_until(now + owed + 7 * kMs), 7 * kMs);
    host_ns += 7 * kMs;
    clock_.slept_until(now + owed + 7 * kMs);
    EXPECT_EQ(clock_.now(), 107 * kMs);
    host_ns += kMs;
    EXPECT_EQ(clock_.now(), 108 * kMs) << "nothing is owed";
}

TEST_F(ClockTest, SleepIsNoGap) {
    clock_.slept_until(500 * kMs);
    host_ns += 500 * kMs;
    clock_.slept_until(500 * kMs);
    EXPECT_EQ(clock_.now(), 500 * kMs);
    host_ns += 90 * kMs;  // woken late
    clock_.slept_until(510 * kMs);
    EXPECT_GE(clock_.now(), 510 * kMs);
    EXPECT_LE(clock_.now(), 510 * kMs + Clock::kLongestStep_ns * 5 / 4 + 3 * kMs);
    host_ns += 3600 * 1000 * kMs;  // for ever: until something comes from outside
    clock_.slept_until(~u64{0});
    EXPECT_EQ(clock_.now(), host_ns - kPowerOn_ns);
}

TEST_F(ClockTest, PausesDoNotCount) {
    host_ns += kMs;
    clock_.pause();
    host_ns += 1000 * kMs;
    EXPECT_EQ(clock_.now(), kMs);
    clock_.resume();
    EXPECT_EQ(clock_.now(), kMs);
    host_ns += kMs;
    EXPECT_EQ(clock_.now(), 2 * kMs);
}

}  // namespace
}  // namespace bantam
