// The run loop with a scripted engine: exact deadlines, idle jumps, limits, halting for good, posting, determinism.
#include "machine/run_loop.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/machine/fake_engine.h"

namespace bantam {
namespace {

constexpr u64 kPerNs = Clock::kInstructionsPerNs;

class RunLoopTest : public testing::Test {
protected:
    void SetUp() override { build(Clock::Pace::virtual_time, {}); }

    void build(Clock::Pace pace, RunLoop::Limits limits) {
        loop_.reset();
        clock_ = std::make_unique<Clock>(pace, cpu_, host::monotonic_ns);
        scheduler_.set_time_source([this] { return clock_->now(); });
        loop_ = std::make_unique<RunLoop>(
            RunLoop::Wiring{cpu_, scheduler_, *clock_, io_, *bell_}, engine_,
            RunLoop::Hooks{.input_waiting = [] {},
                           .reset =
                               [this] {
                                   ++resets_;
                                   cpu_.reset();
                               },
                           .shutdown = [this] { loop_->end(outcome_of(StopReason::triple_fault)); },
                           .can_wake_masked = [this] { return can_wake_masked_; }},
            limits);
    }
    void interrupts(bool enabled) {
        cpu_.state.flags = enabled ? cpu_.state.flags | kFlagInterrupt : cpu_.state.flags & ~u32{kFlagInterrupt};
    }

    Model model_ = Model::find("pentium").value();
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(1 << 20).value());
    EmptyEnvironment environment_;
    Cpu cpu_{model_, *memory_, environment_};
    Scheduler scheduler_;
    std::unique_ptr<host::Bell> bell_ = std::move(host::Bell::create().value());
    host::HostIo io_{*bell_};
    FakeEngine engine_{cpu_};
    std::unique_ptr<Clock> clock_;
    std::unique_ptr<RunLoop> loop_;
    bool can_wake_masked_ = false;
    int resets_ = 0;
};

TEST_F(RunLoopTest, TimersFireAtTheirExactInstruction) {
    std::vector<u64> fired;
    Timer first(scheduler_, "first", [&] { fired.push_back(cpu_.state.instructions); });
    Timer second(scheduler_, "second", [&] {
        fired.push_back(scheduler_.now());
        loop_->end(outcome_of(StopReason::power_off));
    });
    first.arm(1234);
    second.arm(2'345'678);
    EXPECT_EQ(loop_->run().reason, StopReason::power_off);
    EXPECT_EQ(fired, (std::vector<u64>{1234 * kPerNs, 2'345'678}));
}

TEST_F(RunLoopTest, TimerArmedInsideASliceShortensIt) {
    u64 fired_at = 0;
    Timer timer(scheduler_, "late", [&] {
        fired_at = cpu_.state.instructions;
        loop_->end(outcome_of(StopReason::power_off));
    });
    engine_.instruction = [&] {
        if (cpu_.state.instructions == 500) timer.arm(scheduler_.now() + 7);
        return true;
    };
    loop_->run();
    EXPECT_EQ(fired_at, 500 + 7 * kPerNs);
}

TEST_F(RunLoopTest, AStallBringsTheDeadlineNearer) {
    u64 fired_at = 0;
    Timer timer(scheduler_, "due", [&] {
        fired_at = cpu_.state.instructions;
        loop_->end(outcome_of(StopReason::power_off));
    });
    timer.arm(1000);
    engine_.instruction = [&] {
        if (cpu_.state.instructions == 100) loop_->stall(600);
        return true;
    };
    loop_->run();
    EXPECT_EQ(fired_at, (1000 - 600) * kPerNs);
    EXPECT_EQ(clock_->now(), 1000u);
}

TEST_F(RunLoopTest, RealTimePassesWithoutStalls) {
    build(Clock::Pace::real_time, {});
    constexpr u64 kHour_ns = u64{3600} * 1'000'000'000;
    engine_.instruction = [&] {
        loop_->stall(kHour_ns);
        loop_->end(outcome_of(StopReason::power_off));
        return true;
    };
    loop_->run();
    EXPECT_LT(clock_->now(), kHour_ns);
}

TEST_F(RunLoopTest, IdleTimeJumpsToTheNextDeadline) {
    interrupts(true);
    bool awake = true;
    bool slept = false;
    Timer timer(scheduler_, "wake", [&] { awake = true; });
    engine_.instruction = [&] {
        if (cpu_.state.instructions == 100 && !slept) {
            slept = true;
            awake = false;
            timer.arm(u64{3600} * 1'000'000'000);
        }
        if (awake && cpu_.state.instructions == 110) loop_->end(outcome_of(StopReason::power_off));
        return awake;
    };
    loop_->run();
    EXPECT_EQ(clock_->now(), u64{3600} * 1'000'000'000 + 11 / kPerNs);
    EXPECT_LT(engine_.runs, 20u);
}

TEST_F(RunLoopTest, HaltedWithInterruptsOffEndsTheMachine) {
    interrupts(false);
    engine_.instruction = [] { return false; };
    Timer timer(scheduler_, "pit", [&] { timer.arm(scheduler_.now() + 1000); });
    timer.arm(1000);
    const Outcome outcome = loop_->run();
    EXPECT_EQ(outcome.reason, StopReason::halted);
    EXPECT_EQ(outcome.code, 76);
}

TEST_F(RunLoopTest, HaltedWithInterruptsOffWaitsWhereAnNmiMayCome) {
    interrupts(false);
    can_wake_masked_ = true;
    bool woken = false;
    Timer timer(scheduler_, "watchdog", [&] { woken = true; });
    timer.arm(5000);
    engine_.instruction = [&] {
        if (woken) loop_->end(outcome_of(StopReason::power_off));
        return woken;
    };
    EXPECT_EQ(loop_->run().reason, StopReason::power_off);
}

TEST_F(RunLoopTest, HaltedWithoutAnyTimerEndsTheMachine) {
    interrupts(true);
    engine_.instruction = [] { return false; };
    EXPECT_EQ(loop_->run().reason, StopReason::halted);
}

TEST_F(RunLoopTest, WhoOnlyLooksOnDoesNotKeepAHaltedMachine) {
    for (const bool acts : {false, true}) {
        build(Clock::Pace::virtual_time, {});
        if (acts) loop_->expect_acts();
        interrupts(true);
        bool woken = false;
        engine_.instruction = [&] {
            if (woken) loop_->end(outcome_of(StopReason::power_off));
            return woken;
        };
        Timer timer(
            scheduler_, "watch", [&] { woken = true; }, Timer::Owner::host);
        timer.arm(scheduler_.now() + 1000);
        EXPECT_EQ(loop_->run().reason, acts ? StopReason::power_off : StopReason::halted);
    }
}

TEST_F(RunLoopTest, GuestTimeLimitIsExact) {
    build(Clock::Pace::virtual_time, {.guest_ns = 123'456'789, .wall_ns = {}});
    const Outcome outcome = loop_->run();
    EXPECT_EQ(outcome.reason, StopReason::time_limit);
    EXPECT_EQ(outcome.code, 75);
    EXPECT_EQ(cpu_.state.instructions, 123'456'789 * kPerNs);
}

TEST_F(RunLoopTest, GuestTimeLimitEndsAnIdleMachine) {
    interrupts(true);
    build(Clock::Pace::virtual_time, {.guest_ns = 5'000'000'000, .wall_ns = {}});
    engine_.instruction = [] { return false; };
    Timer timer(scheduler_, "tick", [&] { timer.arm(scheduler_.now() + 4'000'000); });
    timer.arm(1);
    EXPECT_EQ(loop_->run().reason, StopReason::time_limit);
    EXPECT_EQ(clock_->now(), 5'000'000'000u);
}

TEST_F(RunLoopTest, WallLimitEndsABusyMachine) {
    build(Clock::Pace::virtual_time, {.guest_ns = {}, .wall_ns = 30'000'000});
    EXPECT_EQ(loop_->run().code, 75);
}

TEST_F(RunLoopTest, QuitFromAnotherThread) {
    std::thread other([&] { loop_->request_quit(); });
    EXPECT_EQ(loop_->run().reason, StopReason::quit);
    other.join();
}

TEST_F(RunLoopTest, PostedWorkRunsOnceEvenWhileStopped) {
    int count = 0;
    std::thread other([&] {
        loop_->post([&] { loop_->stop(); });
        loop_->post([&] { ++count; });
        loop_->post([&] { loop_->end(outcome_of(StopReason::quit)); });
    });
    loop_->run();
    other.join();
    EXPECT_EQ(count, 1);
}

TEST_F(RunLoopTest, StoppedTimeDoesNotCount) {
    std::thread other;
    u64 before = 0;
    u64 after = 0;
    engine_.instruction = [&] {
        if (cpu_.state.instructions == 1000) {
            before = clock_->now();
            loop_->stop();
            other = std::thread([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                loop_->post([&] { loop_->cont(); });
            });
        }
        if (cpu_.state.instructions == 1001) {
            after = clock_->now();
            loop_->end(outcome_of(StopReason::quit));
        }
        return true;
    };
    build(Clock::Pace::real_time, {});
    loop_->run();
    other.join();
    EXPECT_GE(after, before);
    EXPECT_LT(after - before, 10'000'000u);
}

TEST_F(RunLoopTest, ResetIsDoneBetweenInstructions) {
    engine_.instruction = [&] {
        if (cpu_.state.instructions == 10 && resets_ == 0) loop_->request_reset();
        if (cpu_.state.instructions == 20) loop_->end(outcome_of(StopReason::power_off));
        return true;
    };
    loop_->run();
    EXPECT_EQ(resets_, 1);
}

TEST_F(RunLoopTest, ShutdownAsksTheBoard) {
    cpu_.state.shutdown = true;
    EXPECT_EQ(loop_->run().reason, StopReason::triple_fault);
}

TEST_F(RunLoopTest, RealTimeFollowsTheHostAndSleepsWhenIdle) {
    interrupts(true);
    build(Clock::Pace::real_time, {});
    engine_.instruction = [] { return false; };
    Timer timer(scheduler_, "end", [&] { loop_->end(outcome_of(StopReason::power_off)); });
    timer.arm(clock_->now() + 50'000'000);
    const u64 start = host::monotonic_ns();
    loop_->run();
    const u64 passed = host::monotonic_ns() - start;
    EXPECT_GE(passed, 49'000'000u);
    EXPECT_LT(engine_.runs, 50u);
}

TEST_F(RunLoopTest, SameScriptSameHistory) {
    const auto history = [this] {
        std::vector<u64> events;
        cpu_.reset();
        interrupts(true);
        build(Clock::Pace::virtual_time, {});
        const u64 origin = cpu_.state.instructions;
        u64 busy = 0;
        Timer timer(scheduler_, "tick", [&] {
            events.push_back(scheduler_.now());
            events.push_back(cpu_.state.instructions - origin);
            busy = 1 + events.size() * 37 % 101;
            timer.arm(scheduler_.now() + 999 + events.size());
            if (events.size() >= 2000) loop_->end(outcome_of(StopReason::power_off));
        });
        timer.arm(scheduler_.now() + 5);
        engine_.instruction = [&] {
            if (busy == 0) return false;
            --busy;
            return true;
        };
        loop_->run();
        return events;
    };
    EXPECT_EQ(history(), history());
}

}  // namespace
}  // namespace bantam
