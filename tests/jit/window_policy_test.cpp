#include "jit/window_policy.h"

#include <gtest/gtest.h>

namespace bantam::jit {
namespace {

constexpr u64 kFew = 10, kMany = 200;  // misses, or faults, in an interval

/// Lets intervals end in which the user's code missed the TLB so often, and had so many faults in windows.
class Intervals {
public:
    void pass(u64 misses, u64 faults = 0) {
        instructions_ += u64{1} << 21;
        EXPECT_FALSE(policy_.due(instructions_ - 1));
        ASSERT_TRUE(policy_.due(instructions_));
        misses_ += misses;
        for (u64 fault = 0; fault < faults; ++fault) policy_.count_fault(Privilege::user);
        policy_.end_interval(instructions_, 0, misses_);
    }
    /// Gives windows up: many faults behind the first interval, which maps what is in use.
    void disturb() {
        pass(kMany, kMany);
        EXPECT_TRUE(enabled());
        pass(kMany, kMany);
        EXPECT_FALSE(enabled());
    }
    /// How many intervals pass until windows are taken up.
    unsigned until_enabled(u64 misses) {
        unsigned count = 0;
        while (!enabled() && count < 1000) pass(misses), ++count;
        return count;
    }
    [[nodiscard]] bool enabled() const { return policy_.enabled(Privilege::user); }
    [[nodiscard]] u32 ended() const { return policy_.interval(); }

private:
    WindowPolicy policy_;
    u64 instructions_ = 0;
    u64 misses_ = 0;
};

TEST(WindowPolicyTest, WindowsAreForTimesOfFewMisses) {
    Intervals intervals;
    intervals.pass(kMany);
    EXPECT_FALSE(intervals.enabled());
    intervals.pass(kFew);
    EXPECT_TRUE(intervals.enabled());
    intervals.disturb();
    EXPECT_EQ(intervals.ended(), 4u);
}

TEST(WindowPolicyTest, APauseGetsLongerEachTimeAndIsShortWhereItIsCalm) {
    Intervals intervals;
    intervals.pass(kFew);
    for (unsigned times = 0; times < 8; ++times) {
        intervals.disturb();
        for (unsigned k = 0; k < 100; ++k) intervals.pass(kMany);  // the whole pause
        EXPECT_EQ(intervals.until_enabled(kFew), 1u);
    }
    intervals.disturb();
    EXPECT_EQ(intervals.until_enabled(kFew), 5u) << "64 intervals, and one to find out that it is calm";
}

TEST(WindowPolicyTest, ManyPagesThatDoNotSuitEndTheInterval) {
    WindowPolicy policy;
    constexpr u64 kInterval = u64{1} << 21;
    policy.end_interval(kInterval, 0, 0);
    ASSERT_TRUE(policy.enabled(Privilege::supervisor));
    for (unsigned count = 0; count < 256; ++count) ASSERT_FALSE(policy.count_unsuited(Privilege::supervisor));
    EXPECT_FALSE(policy.due(kInterval + 1));
    EXPECT_TRUE(policy.count_unsuited(Privilege::supervisor));
    EXPECT_TRUE(policy.count_unsuited(Privilege::user)) << "it stays at its end";
    EXPECT_TRUE(policy.due(kInterval + 1));
    policy.end_interval(kInterval + 1, 0, 0);
    EXPECT_FALSE(policy.enabled(Privilege::supervisor)) << "also in the first interval";
    EXPECT_TRUE(policy.enabled(Privilege::user));
    EXPECT_FALSE(policy.due(kInterval + 2));
    EXPECT_FALSE(policy.count_unsuited(Privilege::supervisor)) << "they are counted anew";
}

}  // namespace
}  // namespace bantam::jit
