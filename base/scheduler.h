// The machine's only clock and event queue. Virtual time is u64 nanoseconds since power-on. Chips compute counters from
// now() and ask for callbacks through Timer; no chip reads the host's clock. Equal deadlines fire first-in first-out.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/archive.h"
#include "base/types.h"

namespace bantam {

class Scheduler;

/// One named callback at a point in virtual time. Registers with its scheduler for life; re-arming replaces the
/// deadline.
class Timer {
public:
    /// A host's timer serves who looks on from outside: it is no part of the machine's state, and fires after all
    /// others that are due at the same time.
    enum class Owner { machine, host };
    Timer(Scheduler& scheduler, std::string name, std::function<void()> callback, Owner owner = Owner::machine);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    /// Fires once when now() reaches `deadline_ns`; a deadline in the past fires at the next opportunity.
    void arm(u64 deadline_ns);
    void disarm();
    [[nodiscard]] bool armed() const { return armed_; }
    [[nodiscard]] u64 deadline_ns() const { return deadline_ns_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    void describe(Archive& archive);

private:
    friend class Scheduler;
    Scheduler& scheduler_;
    std::string name_;
    std::function<void()> callback_;
    const Owner owner_;
    u64 deadline_ns_ = 0;
    u64 order_ = 0;  // arming order, the tie-breaker
    bool armed_ = false;
};

class Scheduler {
public:
    static constexpr u64 kNever = std::numeric_limits<u64>::max();

    /// Virtual nanoseconds since power-on. Exact in the middle of a run slice: the time source is consulted.
    [[nodiscard]] u64 now() const { return time_source_ ? time_source_() : now_; }

    /// While an engine runs, `source` gives the exact time; it never goes backwards. Null: time stands at set_now's
    /// value.
    void set_time_source(std::function<u64()> source) { time_source_ = std::move(source); }
    void set_now(u64 now_ns);

    /// Deadline of the earliest armed timer, or kNever.
    [[nodiscard]] u64 next_deadline() const { return next_deadline_; }

    /// One of the machine's own timers is armed.
    [[nodiscard]] bool machine_waits() const;

    /// Fires, in order, every timer whose deadline is <= now().
    void run_due();

    /// Called whenever the earliest deadline moves to an earlier time, so that a running engine can shorten its slice.
    void set_deadline_listener(std::function<void()> listener) { deadline_listener_ = std::move(listener); }

    void describe(Archive& archive);

private:
    friend class Timer;
    void recompute_next();
    void deadline_changed();

    std::vector<Timer*> timers_;  // a dozen or two per machine: a linear scan beats a heap
    std::function<u64()> time_source_;
    std::function<void()> deadline_listener_;
    u64 now_ = 0;
    u64 next_deadline_ = kNever;
    u64 next_order_ = 0;
};

/// How many ticks of a clock of `hertz` have passed after `ns` nanoseconds, without drift or overflow (584 years).
[[nodiscard]] u64 ticks_from_ns(u64 ns, u64 hertz);

/// The earliest time in ns at which `ticks` ticks of a clock of `hertz` have passed.
[[nodiscard]] u64 ns_from_ticks(u64 ticks, u64 hertz);

}  // namespace bantam
