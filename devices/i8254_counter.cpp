// See i8254_counter.h.
#include "devices/i8254_counter.h"

#include <algorithm>

#include "base/bits.h"
#include "base/scheduler.h"

namespace bantam::devices {
namespace {
constexpr u64 kNever = Scheduler::kNever;
constexpr unsigned kModeCount = 6;

u32 from_bcd(u16 value) {
    return static_cast<u32>(bits(value, 12, 4) * 1000 + bits(value, 8, 4) * 100 + bits(value, 4, 4) * 10 +
                            bits(value, 0, 4));
}

u16 to_bcd(u32 value) {
    return static_cast<u16>((value / 1000 % 10) << 12 | (value / 100 % 10) << 8 | (value / 10 % 10) << 4 | value % 10);
}
}  // namespace

unsigned I8254Counter::mode() const {
    const unsigned field = (control >> 1) & 7u;
    return field < kModeCount ? field : field & 3u;  // 110 and 111 are modes 2 and 3
}

u32 I8254Counter::count_of_reload() const {
    const u32 count = bcd() ? from_bcd(reload) : reload;
    if (count != 0) return count;
    return bcd() ? 10'000 : 65'536;
}

u64 I8254Counter::half_length() const { return half_high ? (loaded + 1) / 2 : loaded / 2; }

void I8254Counter::load(u64 tick) {
    loaded = count_of_reload();
    null_count = false;
    load_pending = false;
    armed = true;
    half_high = true;
    held = 0;
    origin = tick;
    // Modes 1 and 5 count on whatever GATE does after its rise.
    running = gate || mode() == 1 || mode() == 5;
}

void I8254Counter::hold(u64 tick) {
    held = elapsed(tick);
    running = false;
}

void I8254Counter::resume(u64 tick) {
    if (running) return;
    origin = tick - held;
    running = true;
}

void I8254Counter::advance(u64 tick) {
    // A pending load splits the time: before it the old count runs, from load_tick on the new one.
    if (load_pending && load_tick <= tick) load(load_tick);
    if (running && armed && (mode() == 2 || mode() == 3)) advance_periodic(tick);
}

void I8254Counter::advance_periodic(u64 tick) {
    const bool square = mode() == 3;
    for (;;) {
        const u64 length = square ? half_length() : loaded;
        if (tick - origin < length) return;
        if (!null_count && tick - origin >= 2 * u64{loaded} && (!square || half_high)) {
            origin += (tick - origin) / loaded * loaded;
            continue;
        }
        origin += length;
        if (square) half_high = !half_high;
        // A count written meanwhile is taken at the end of the (half) cycle.
        if (null_count) {
            loaded = count_of_reload();
            null_count = false;
        }
    }
}

bool I8254Counter::out_at(u64 tick) const {
    const u64 counted = elapsed(tick);
    switch (mode()) {
        case 0:
            return armed && counted >= loaded;
        case 1:
            return !armed || counted >= loaded;
        case 2:
            return !(armed && running && loaded > 1 && counted == loaded - 1);
        case 3:
            return !(armed && running) || half_high || loaded == 1;
        default:
            return !(armed && counted == loaded);
    }
}

u16 I8254Counter::count_at(u64 tick) const {
    const u64 modulus = bcd() ? 10'000 : 65'536;
    const u64 counted = mode() == 3 ? 2 * elapsed(tick) : elapsed(tick);
    const u64 start = mode() == 3 ? loaded & ~u32{1} : loaded;
    const u64 count = (start % modulus + modulus - counted % modulus) % modulus;
    return bcd() ? to_bcd(static_cast<u32>(count)) : static_cast<u16>(count);
}

u8 I8254Counter::status_at(u64 tick) const {
    return static_cast<u8>((out_at(tick) ? 0x80 : 0) | (null_count ? 0x40 : 0) | control);
}

u64 I8254Counter::next_event(u64 tick) const {
    const u64 load_event = load_pending ? load_tick : kNever;
    if (!armed || !running) return load_event;
    const u64 end = origin + loaded;
    u64 edge = kNever;
    switch (mode()) {
        case 0:
        case 1:
            if (tick < end) edge = end;
            break;
        case 2:
            if (loaded > 1) edge = tick < end - 1 ? end - 1 : end;
            break;
        case 3:
            if (loaded > 1) edge = origin + half_length();
            break;
        default:
            if (tick < end) {
                edge = end;
            } else if (tick == end) {
                edge = end + 1;
            }
            break;
    }
    return std::min(edge, load_event);
}

void I8254Counter::write_control(u8 value) {
    control = value & 0x3F;
    loaded = 0;
    held = 0;
    load_pending = running = armed = written = false;
    half_high = true;
    null_count = true;
    write_high_next = read_high_next = false;
    count_latched = status_latched = false;
}

void I8254Counter::write_byte(u64 tick, u8 value) {
    if (access() == 0) return;  // no control word has chosen how to write
    if (access() == 3 && !write_high_next) {
        reload = replace_bits(reload, u16{value}, u16{0x00FF});
        write_high_next = true;
        if (mode() == 0) {  // the first byte stops the count and lets OUT fall
            hold(tick);
            armed = load_pending = false;
        }
        return;
    }
    if (access() == 1) {
        reload = value;
    } else if (access() == 2) {
        reload = static_cast<u16>(value << 8);
    } else {
        reload = replace_bits(reload, static_cast<u16>(value << 8), u16{0xFF00});
    }
    write_high_next = false;
    count_written(tick);
}

void I8254Counter::count_written(u64 tick) {
    null_count = true;
    const bool first = !written;
    written = true;
    switch (mode()) {
        case 0:
            hold(tick);
            armed = false;
            [[fallthrough]];
        case 4:
            load_pending = true;
            load_tick = tick + 1;
            break;
        case 2:
        case 3:
            // The first count starts the counter; later ones wait for the end of the (half) cycle.
            if (first || (load_pending && !armed)) {
                load_pending = true;
                load_tick = tick + 1;
            }
            break;
        default:  // 1 and 5 wait for GATE
            break;
    }
}

void I8254Counter::set_gate(u64 tick, bool level) {
    if (gate == level) return;
    gate = level;
    switch (mode()) {
        case 0:
        case 4:
            if (!level) {
                hold(tick);
            } else if (armed) {
                resume(tick);
            }
            break;
        case 1:
        case 5:
            if (level && written) {
                load_pending = true;
                load_tick = tick + 1;
            }
            break;
        default:
            if (!level) {
                hold(tick);
            } else if (written) {
                load_pending = true;
                load_tick = tick + 1;
            }
            break;
    }
}

u8 I8254Counter::read_byte(u64 tick) {
    if (status_latched) {
        status_latched = false;
        return latched_status;
    }
    const u16 value = count_latched ? latched_count : count_at(tick);
    const bool high = access() == 2 || (access() == 3 && read_high_next);
    if (access() == 3) read_high_next = !read_high_next;
    if (access() != 3 || high) count_latched = false;
    return static_cast<u8>(high ? value >> 8 : value);
}

void I8254Counter::describe(Archive& archive) {
    archive.field("control", control);
    archive.field("reload", reload);
    archive.field("loaded", loaded);
    archive.field("origin", origin);
    archive.field("held", held);
    archive.field("load_tick", load_tick);
    archive.field("load_pending", load_pending);
    archive.field("running", running);
    archive.field("armed", armed);
    archive.field("written", written);
    archive.field("half_high", half_high);
    archive.field("null_count", null_count);
    archive.field("gate", gate);
    archive.field("write_high_next", write_high_next);
    archive.field("read_high_next", read_high_next);
    archive.field("count_latched", count_latched);
    archive.field("status_latched", status_latched);
    archive.field("latched_count", latched_count);
    archive.field("latched_status", latched_status);
    archive.field("out", out);
    archive.field("settled", settled);
    // A damaged file must not stop the clock: a count that runs is never zero.
    if (archive.loading() && loaded == 0) running = armed = false;
}

}  // namespace bantam::devices
