// Clock: guest time in ns since power-on, in two paces.
//
// Virtual: kInstructionsPerNs retired instructions take a nanosecond, an I/O cycle or a PAUSE what the board says
// (pc_wires.cpp); when the guest is idle the run loop jumps to the next event. Time is a function of what the guest
// does alone, so two runs of one configuration agree to the nanosecond. Real: guest time is the host's CLOCK_MONOTONIC
// since power-on, less the time the machine was paused. How many instructions fit before a deadline is estimated from
// the recent speed.
//
// A busy host may let the process wait for many ms. If all of them passed for the guest between two instructions, it
// would see one timer interrupt where it counts on several: Linux then panics ("IO-APIC + timer doesn't work"). So a
// step of real time is kLongestStep_ns at most. The rest is owed: it is paid back by a clock that runs a quarter
// faster, and at once while the guest is idle.
#pragma once

#include "base/types.h"
#include "cpu/cpu.h"

namespace bantam {

class Clock {
public:
    /// A guest of 4 GHz at one instruction a cycle: near what translated code reaches, so that delay loops calibrated
    /// by one timer fit the others, and a guest's ticks take the share of its work that they take on real machines.
    /// PERF: with 1, four times as many ticks of 250 Hz took 4 % of what computes.
    static constexpr u64 kInstructionsPerNs = 4;

    /// Twice the time between two looks at the host (RunLoop::kHostPeriod_ns), below a tick of 250 Hz.
    static constexpr u64 kLongestStep_ns = 2'000'000;

    enum class Pace { virtual_time, real_time };
    using HostNow = u64 (*)();

    /// `host_now` is the host's monotonic clock in ns; virtual time never calls it.
    Clock(Pace pace, const Cpu& cpu, HostNow host_now);

    [[nodiscard]] Pace pace() const { return pace_; }
    /// Guest time; exact to the instruction being executed, and never less than before. Real: this is what notices that
    /// the host's time has passed.
    [[nodiscard]] u64 now();
    /// The value of CpuState::instructions at which guest time will be (real: may be) `time_ns`.
    [[nodiscard]] u64 instructions_at(u64 time_ns);
    /// Virtual: how long the guest was idle in all.
    [[nodiscard]] u64 idle_ns() const { return idle_ns_; }
    /// Virtual: idle time has passed. Real: nothing to do, the host's clock ran on. Earlier times are ignored.
    void jump_to(u64 time_ns);
    /// Virtual only: the processor stood still for `ns`.
    void stall(u64 ns);
    /// Real: how long the host may sleep until guest time is `time_ns`.
    [[nodiscard]] u64 host_ns_until(u64 time_ns);
    /// Real: the guest was idle, waiting for `time_ns`, and the process slept.
    void slept_until(u64 time_ns);
    /// Real: learns the speed from a slice of `instructions` that took `ns`.
    void learn(u64 instructions, u64 ns);
    /// Real: host time between these two does not count.
    void pause();
    void resume();

private:
    /// Real: `longest_ns` at most of the host's time since the last call passes for the guest.
    void advance(u64 longest_ns);

    const Pace pace_;
    const Cpu& cpu_;
    const HostNow host_now_;
    i64 offset_ns_ = 0;  // virtual: guest time minus instructions
    u64 guest_ns_ =
        0;             // real: guest time at the host's last_host_ns_; virtual: the time that stands still while paused
    u64 idle_ns_ = 0;  // virtual: passed by jump_to
    u64 last_host_ns_ = 0;
    u64 owed_ns_ = 0;  // real: the host's time that has not passed for the guest yet
    bool paused_ = false;
    u64 instructions_per_ms_ = 100'000;  // real: smoothed speed
};

}  // namespace bantam
