// Commands of the host: status, output, limit, interruption, environment.
#include "scenario/host_command.h"

#include <gtest/gtest.h>

namespace bantam::scenario {
namespace {

constexpr u64 kSecond = 1'000'000'000;

Result<void> run(const std::string& text, std::string& output, u64 limit_ns = 20 * kSecond, bool interrupted = false) {
    return run_host_command(
        {.text = text, .folder = "/", .variables = {{"WHO", "you"}}, .limit_ns = limit_ns},
        [interrupted] { return interrupted; }, output);
}
std::string failure(const std::string& text, u64 limit_ns = 20 * kSecond, bool interrupted = false) {
    std::string output;
    const Result<void> done = run(text, output, limit_ns, interrupted);
    EXPECT_FALSE(done);
    return done ? "" : done.error().message;
}

TEST(HostCommand, GivesOutputAndHasItsSurroundings) {
    std::string output;
    ASSERT_TRUE(run("pwd; echo $WHO >&2; cat; ps -o pgid= -p $$ > /dev/null", output));
    EXPECT_EQ(output, "/\nyou\n");
}

TEST(HostCommand, TakesMoreThanAPipeHolds) {
    std::string output;
    ASSERT_TRUE(run("head -c 300000 /dev/zero", output));
    EXPECT_EQ(output.size(), 300'000u);
}

TEST(HostCommand, FailuresSayWhy) {
    EXPECT_EQ(failure("echo no; exit 3"), "its exit status is 3; it wrote: no\n");
    EXPECT_EQ(failure("kill -9 $$"), "it died of signal 9");
    EXPECT_EQ(failure("sleep 60", kSecond / 4), "not within 0.250 s of the host's time");
    EXPECT_EQ(failure("sleep 60", 20 * kSecond, true), "interrupted");
    std::string output;
    EXPECT_FALSE(run_host_command(
        {.text = "true", .folder = "/nowhere", .variables = {}, .limit_ns = kSecond}, [] { return false; }, output));
}

TEST(HostCommand, DoesNotWaitForWhatWasLeftBehind) {
    std::string output;
    ASSERT_TRUE(run("sleep 2 & echo here", output, kSecond));
    EXPECT_EQ(output, "here\n");
}

}  // namespace
}  // namespace bantam::scenario
