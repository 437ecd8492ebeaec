#include "devices/i8254.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr u64 kNever = Scheduler::kNever;
// How many OUT edges a late timer drives one by one before it leaps to the present: enough for a full pulse of any
// mode.
constexpr unsigned kLateEdges = 4;
// How many edges of OUT2 are told at once at most: 10 ms of the fastest square wave. Who asks less often misses some.
constexpr unsigned kToldEdges = 12'000;
constexpr unsigned kTold = 2;
}  // namespace

I8254::I8254(Scheduler& scheduler, Pins pins)
    : scheduler_(scheduler),
      pins_(std::move(pins)),
      timers_{{{scheduler, "i8254.0", [this] { timer_fired(0); }},
               {scheduler, "i8254.1", [this] { timer_fired(1); }},
               {scheduler, "i8254.2", [this] { timer_fired(2); }}}} {}

void I8254::reset() {
    for (unsigned index = 0; index < 3; ++index) {
        timers_[index].disarm();
        drive(index, false);
    }
    r_ = {};
    told_until_ = tick();
}

void I8254::describe(Archive& archive) {
    archive.field("counters", r_.counters);
    if (archive.loading()) told_until_ = tick();  // what was before is not told
}

std::string I8254::info() const {
    std::string text;
    for (unsigned index = 0; index < 3; ++index) {
        I8254Counter counter = r_.counters.at(index);
        counter.advance(tick());
        text += fmt::format("i8254 counter {}: mode {}{} reload={:04x} count={:04x} gate={} out={}\n", index,
                            counter.mode(), counter.bcd() ? " bcd" : "", counter.reload, counter.count_at(tick()),
                            int{counter.gate}, int{counter.out_at(tick())});
    }
    return text;
}

void I8254::set_gate(unsigned index, bool level) {
    const u64 time = settle(index);
    r_.counters.at(index).set_gate(time, level);
    update(index);
}

bool I8254::out(unsigned index) const {
    I8254Counter counter = r_.counters.at(index);
    counter.advance(tick());
    return counter.out_at(tick());
}

RegisterSpace I8254::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

u8 I8254::peek(u64 offset) const {
    if ((offset & 3) == 3) return 0xFF;  // the control word cannot be read
    I8254Counter counter = r_.counters.at(offset & 3);
    counter.advance(tick());
    return counter.read_byte(tick());
}

u8 I8254::read(u64 offset) {
    if ((offset & 3) == 3) return 0xFF;
    const u64 time = settle(offset & 3);
    return r_.counters.at(offset & 3).read_byte(time);
}

void I8254::write(u64 offset, u8 value) {
    const unsigned index = offset & 3;
    if (index == 3) {
        write_command(value);
        return;
    }
    const u64 time = settle(index);
    r_.counters.at(index).write_byte(time, value);
    update(index);
}

void I8254::latch(unsigned index, bool count, bool status) {
    const u64 time = settle(index);
    I8254Counter& counter = r_.counters.at(index);
    // A latch holds until it is read; later latch commands change nothing.
    if (count && !counter.count_latched) {
        counter.latched_count = counter.count_at(time);
        counter.count_latched = true;
    }
    if (status && !counter.status_latched) {
        counter.latched_status = counter.status_at(time);
        counter.status_latched = true;
    }
}

void I8254::write_command(u8 value) {
    const unsigned index = value >> 6;
    if (index == 3) {
        for (unsigned counter = 0; counter < 3; ++counter) {
            if (bit(value, counter + 1)) latch(counter, !bit(value, 5), !bit(value, 4));
        }
    } else if ((value & 0x30) == 0) {
        latch(index, true, false);
    } else {
        settle(index);
        r_.counters.at(index).write_control(value);
        update(index);
    }
}

void I8254::drive(unsigned index, bool level) {
    I8254Counter& counter = r_.counters.at(index);
    if (counter.out == level) return;
    counter.out = level;
    if (pins_.out.at(index)) pins_.out.at(index)(level);
}

void I8254::tell_edges() { tell_edges(tick()); }

void I8254::tell_edges(u64 time) {
    if (pins_.edges_wanted && pins_.edges_wanted()) {
        I8254Counter counter = r_.counters[kTold];
        u64 at = told_until_;
        counter.advance(at);
        for (unsigned edge = 0; edge < kToldEdges; ++edge) {
            const u64 next = counter.next_event(at);
            if (next > time) break;
            counter.advance(next);
            at = std::max(at, next);
            pins_.edge(ns_from_ticks(at, kHertz), counter.out_at(next));
        }
    }
    told_until_ = time;
}

bool I8254::out2_runs() const {
    I8254Counter counter = r_.counters[kTold];
    const u64 time = tick();
    counter.advance(time);
    return counter.next_event(time) != kNever;
}

u64 I8254::settle(unsigned index) {
    I8254Counter& counter = r_.counters.at(index);
    const u64 time = tick();
    if (index == kTold) tell_edges(time);
    if (pins_.out.at(index)) {
        for (unsigned edge = 0; edge < kLateEdges; ++edge) {
            const u64 next = counter.next_event(counter.settled);
            if (next > time) break;
            counter.advance(next);
            drive(index, counter.out_at(next));
            counter.settled = next;
        }
    }
    counter.advance(time);
    counter.settled = time;
    return time;
}

void I8254::update(unsigned index) {
    if (index == kTold && pins_.edges_wanted && pins_.edges_wanted()) pins_.edge(scheduler_.now(), out(kTold));
    if (!pins_.out.at(index)) return;
    const I8254Counter& counter = r_.counters.at(index);
    drive(index, counter.out_at(counter.settled));
    const u64 next = counter.next_event(counter.settled);
    if (next == kNever) {
        timers_.at(index).disarm();
    } else {
        timers_.at(index).arm(std::max(ns_from_ticks(next, kHertz), scheduler_.now() + 1));
    }
}

void I8254::timer_fired(unsigned index) {
    settle(index);
    update(index);
}

}  // namespace bantam::devices
