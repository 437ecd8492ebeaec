#include "machine/clock.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace bantam {
namespace {
constexpr u64 kNsPerMs = 1'000'000;
// Bounds of the learned speed, in instructions per ms: a wild measurement may not stall or flood the guest.
constexpr u64 kSlowest = 1'000;
constexpr u64 kFastest = 20'000'000;
}  // namespace

Clock::Clock(Pace pace, const Cpu& cpu, HostNow host_now) : pace_(pace), cpu_(cpu), host_now_(host_now) {
    if (pace == Pace::real_time) {
        last_host_ns_ = host_now();
    } else {
        offset_ns_ = -static_cast<i64>(cpu.retired() / kInstructionsPerNs);
    }
}

void Clock::advance(u64 longest_ns) {
    const u64 host_ns = host_now_();
    u64 step = host_ns - last_host_ns_;
    last_host_ns_ = host_ns;
    if (step > longest_ns) {
        owed_ns_ += step - longest_ns;
        step = longest_ns;
    }
    const u64 paid = std::min(owed_ns_, step / 4);
    owed_ns_ -= paid;
    guest_ns_ += step + paid;
}

u64 Clock::now() {
    if (paused_) return guest_ns_;
    if (pace_ == Pace::virtual_time) return cpu_.retired() / kInstructionsPerNs + static_cast<u64>(offset_ns_);
    advance(kLongestStep_ns);
    return guest_ns_;
}

u64 Clock::host_ns_until(u64 time_ns) {
    const u64 time_now = now();
    const u64 ahead_ns = time_ns > time_now ? time_ns - time_now : 0;
    return ahead_ns - std::min(ahead_ns, owed_ns_);
}

void Clock::slept_until(u64 time_ns) {
    const u64 ahead_ns = time_ns > guest_ns_ ? time_ns - guest_ns_ : 0;
    constexpr u64 kMost = std::numeric_limits<u64>::max() - kLongestStep_ns;
    advance(std::min(ahead_ns, kMost) + kLongestStep_ns);
    const u64 paid = time_ns > guest_ns_ ? std::min(owed_ns_, time_ns - guest_ns_) : 0;
    owed_ns_ -= paid;
    guest_ns_ += paid;
}

u64 Clock::instructions_at(u64 time_ns) {
    const u64 time_now = now();
    if (time_ns <= time_now) return cpu_.retired();
    const u64 ahead_ns = time_ns - time_now;
    u64 count = 0;
    if (pace_ == Pace::virtual_time) {
        constexpr u64 kMost_ns = std::numeric_limits<u64>::max() / kInstructionsPerNs;
        count = std::min(ahead_ns, kMost_ns) * kInstructionsPerNs - cpu_.retired() % kInstructionsPerNs;
    } else {
        // One hour is beyond any slice and keeps the product within 64 bits.
        constexpr u64 kLongest_ns = 3'600'000 * kNsPerMs;
        count = std::min(ahead_ns, kLongest_ns) / 1000 * instructions_per_ms_ / 1000;
    }
    const u64 limit = std::numeric_limits<u64>::max() - cpu_.retired();
    return cpu_.retired() + std::min(count, limit);
}

void Clock::jump_to(u64 time_ns) {
    if (pace_ == Pace::real_time) return;
    const u64 time_now = now();
    if (time_ns <= time_now) return;
    offset_ns_ += static_cast<i64>(time_ns - time_now);
    idle_ns_ += time_ns - time_now;
}

void Clock::stall(u64 ns) {
    CHECK(pace_ == Pace::virtual_time);
    offset_ns_ += static_cast<i64>(ns);
}

void Clock::learn(u64 instructions, u64 ns) {
    constexpr u64 kShortest_ns = 20'000;  // below this the measurement is noise
    if (ns < kShortest_ns || instructions == 0) return;
    const u64 measured = std::clamp(instructions * kNsPerMs / ns, kSlowest, kFastest);
    instructions_per_ms_ = (instructions_per_ms_ * 7 + measured) / 8;
}

void Clock::pause() {
    if (paused_) return;
    guest_ns_ = now();
    paused_ = true;
}

void Clock::resume() {
    if (!paused_) return;
    paused_ = false;
    if (pace_ == Pace::real_time) last_host_ns_ = host_now_();
}

}  // namespace bantam
