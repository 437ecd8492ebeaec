// I8254: the 8254 programmable interval timer (Intel 82C54 datasheet, 1994): three counters, modes 0-5, binary and BCD,
// counter latch and read-back, GATE and OUT pins, clocked at 1193182 Hz. Counts are computed from elapsed virtual time;
// a timer runs only for outputs somebody listens to, and fires at the exact tick of each OUT edge. A count of 1 in
// modes 2 and 3, which the datasheet forbids, holds OUT high. On a PC GATE0 and GATE1 are tied high, so high is their
// power-on level; GATE2 is port 61h bit 0.
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/device.h"
#include "devices/i8254_counter.h"

namespace bantam::devices {

class I8254 final : public Device {
public:
    static constexpr u64 kHertz = 1'193'182;

    struct Pins {
        std::array<OutputLine, 3> out;
        /// The edges of OUT2 in retrospect, for a listener that needs no event at each: told by tell_edges() and before
        /// anything changes the counter, while `edges_wanted`.
        std::function<bool()> edges_wanted = nullptr;
        std::function<void(u64 time_ns, bool level)> edge = nullptr;
    };

    I8254(Scheduler& scheduler, Pins pins);

    [[nodiscard]] std::string_view name() const override { return "i8254"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Level of GATE0-2.
    void set_gate(unsigned counter, bool level);
    [[nodiscard]] bool gate(unsigned counter) const { return r_.counters.at(counter).gate; }
    /// Level of OUT0-2 now.
    [[nodiscard]] bool out(unsigned counter) const;
    /// Tells Pins::edge what OUT2 did since the last call. Nothing that the guest sees changes.
    void tell_edges();
    /// OUT2 will change without anything done to the counter.
    [[nodiscard]] bool out2_runs() const;

    /// A1-0 = `offset`: ports 40h-43h.
    [[nodiscard]] RegisterSpace registers();
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;

private:
    struct Registers {
        std::array<I8254Counter, 3> counters{{{}, {}, {.gate = false}}};
    };

    [[nodiscard]] u64 tick() const { return ticks_from_ns(scheduler_.now(), kHertz); }
    void latch(unsigned index, bool count, bool status);
    void write_command(u8 value);
    /// Brings counter `index` up to now, driving the OUT edges on the way; returns the tick.
    u64 settle(unsigned index);
    /// Drives OUT as it is after a change and arms the timer for its next edge.
    void update(unsigned index);
    void timer_fired(unsigned index);
    void drive(unsigned index, bool level);
    void tell_edges(u64 tick);

    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
    std::array<Timer, 3> timers_;
    u64 told_until_ = 0;  // tick up to which edges of OUT2 were told
};

}  // namespace bantam::devices
