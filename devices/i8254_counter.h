// I8254Counter: one of the 8254's three counters (Intel 82C54 datasheet, "Mode Definitions"): counting element, count
// register, control word and latches. The count is computed from the tick at which the element was loaded; the chip
// asks for the next tick at which OUT may change.
#pragma once

#include "base/archive.h"
#include "base/types.h"

namespace bantam::devices {

/// One counter. Times are ticks of CLK since power-on.
struct I8254Counter {
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

}  // namespace bantam::devices
