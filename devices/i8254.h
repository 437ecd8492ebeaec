// I8254: the 8254 programmable interval timer (Intel 82C54 datasheet, 1994): three counters, modes 0-5, binary and BCD,
// counter latch and read-back, GATE and OUT pins, clocked at 1193182 Hz. Counts are computed from elapsed virtual time;
// a timer runs only for outputs somebody listens to, and fires at the exact tick of each OUT edge. A count of 1 in
// modes 2 and 3, which the datasheet forbids, holds OUT high. On a PC GATE0 and GATE1 are tied high, so high is their
// power-on level; GATE2 is port 61h bit 0.
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/device.h"

namespace bantam::devices {

class I8254 final : public Device {
public:
    static constexpr u64 kHertz = 1'193'182;

    struct Pins {
        std::array<OutputLine, 3> out;
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

    /// A1-0 = `offset`: ports 40h-43h.
    [[nodiscard]] RegisterSpace registers();
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;

private:
    /// One counter. Times are ticks of CLK since power-on.
    struct Counter {
        u8 control = 0;     // the control word's low six bits, as read back
        u16 reload = 0;     // CR, the count as written
        u32 loaded = 0;     // what the counting element started from: 1..65536, or 1..10000 in BCD
        u64 origin = 0;     // tick at which the element held `loaded` (in mode 3: at which this half cycle began)
        u64 held = 0;       // ticks already counted, while not running
        u64 load_tick = 0;  // when load_pending: tick at which CR moves into the element
        bool load_pending = false;
        bool running = false;   // the element decrements with CLK
        bool armed = false;     // the element was loaded since the control word (mode 0: since the last count)
        bool written = false;   // CR was written since the control word
        bool half_high = true;  // mode 3: first half of the cycle
        bool null_count = true;
        bool gate = true;
        bool write_high_next = false, read_high_next = false;
        bool count_latched = false, status_latched = false;
        u16 latched_count = 0;
        u8 latched_status = 0;
        bool out = false;  // level last driven on the pin
        u64 settled = 0;   // tick up to which OUT edges were driven

        [[nodiscard]] unsigned mode() const;
        [[nodiscard]] bool bcd() const { return (control & 1) != 0; }
        [[nodiscard]] unsigned access() const { return (control >> 4) & 3u; }
        [[nodiscard]] u32 count_of_reload() const;
        [[nodiscard]] u64 elapsed(u64 tick) const { return running ? tick - origin : held; }
        [[nodiscard]] u64 half_length() const;
        /// Brings loads and reloads up to `tick`.
        void advance(u64 tick);
        void advance_periodic(u64 tick);
        void load(u64 tick);
        void hold(u64 tick);
        void resume(u64 tick);
        // Valid after advance(tick):
        [[nodiscard]] bool out_at(u64 tick) const;
        [[nodiscard]] u16 count_at(u64 tick) const;
        [[nodiscard]] u8 status_at(u64 tick) const;
        /// First tick after `tick` at which OUT or the element's source may change, or kNever.
        [[nodiscard]] u64 next_event(u64 tick) const;
        void write_control(u8 value);
        void write_byte(u64 tick, u8 value);
        void count_written(u64 tick);
        void set_gate(u64 tick, bool level);
        u8 read_byte(u64 tick);
        void describe(Archive& archive);
    };

    struct Registers {
        std::array<Counter, 3> counters{{{}, {}, {.gate = false}}};
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

    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
    std::array<Timer, 3> timers_;
};

}  // namespace bantam::devices
