// Clock: guest time in ns since power-on, in two paces.
//
// Virtual: one retired instruction takes kNsPerInstruction; when the guest is idle the run loop jumps to the next
// event. Time is a function of the instructions alone, so two runs of one configuration agree to the nanosecond. Real:
// guest time is the host's CLOCK_MONOTONIC since power-on, less the time the machine was paused. How many instructions
// fit before a deadline is estimated from the recent speed.
#pragma once

#include "base/types.h"
#include "cpu/cpu.h"

namespace bantam {

class Clock {
public:
    /// A guest of 1 GHz at one instruction a cycle: near what the engines reach, so that delay loops calibrated by one
    /// timer fit the others, and a round figure for people who read traces.
    static constexpr u64 kNsPerInstruction = 1;

    enum class Pace { virtual_time, real_time };
    using HostNow = u64 (*)();

    /// `host_now` is the host's monotonic clock in ns; virtual time never calls it.
    Clock(Pace pace, const Cpu& cpu, HostNow host_now);

    [[nodiscard]] Pace pace() const { return pace_; }
    /// Guest time; exact to the instruction being executed, and never less than before.
    [[nodiscard]] u64 now() const;
    /// The value of CpuState::instructions at which guest time will be (real: may be) `time_ns`.
    [[nodiscard]] u64 instructions_at(u64 time_ns) const;
    /// Virtual: idle time has passed. Real: nothing to do, the host's clock ran on. Earlier times are ignored.
    void jump_to(u64 time_ns);
    /// Real: learns the speed from a slice of `instructions` that took `ns`.
    void learn(u64 instructions, u64 ns);
    /// Real: host time between these two does not count.
    void pause();
    void resume();

private:
    const Pace pace_;
    const Cpu& cpu_;
    const HostNow host_now_;
    i64 offset_ns_ = 0;     // guest time minus instructions (virtual) or minus host time (real)
    u64 paused_at_ns_ = 0;  // real, while paused: the guest time that stands still
    bool paused_ = false;
    u64 instructions_per_ms_ = 100'000;  // real: smoothed speed
};

}  // namespace bantam
