#include "devices/hpet.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr u64 kCapabilities = 0x000, kConfiguration = 0x010, kStatus = 0x020, kMainCounter = 0x0F0, kFirstTimer = 0x100;
constexpr u64 kTimerStride = 0x20;
// GCAP_ID: period in femtoseconds, vendor 8086h, legacy route capable, 64-bit counter, 3 timers, revision 1
constexpr u64 kFemtosecondsPerTick = 1'000'000'000'000'000 / Hpet::kHertz;
constexpr u64 kCapabilityValue =
    kFemtosecondsPerTick << 32 | 0x8086u << 16 | 1u << 15 | 1u << 13 | (Hpet::kTimers - 1) << 8 | 1;
constexpr u64 kConfigurationBits = 3, kEnable = 1, kLegacy = 2;
// Tn_CONF
constexpr u64 kLevel = 1 << 1, kInterruptEnable = 1 << 2, kPeriodic = 1 << 3, kSetValue = 1 << 6, kMode32 = 1 << 8;
constexpr u64 kCanBePeriodic = 1 << 4, kIs64Bit = 1 << 5;
constexpr unsigned kRouteShift = 9;
constexpr u64 kTimerBits = kLevel | kInterruptEnable | kPeriodic | kMode32 | u64{0x1F} << kRouteShift;
// A match farther off than this (three years of guest time) is not waited for.
constexpr u64 kFarthestTicks = u64{1} << 50;
}  // namespace

Hpet::Hpet(Scheduler& scheduler, Pins pins)
    : scheduler_(scheduler),
      pins_(std::move(pins)),
      timers_{{{scheduler, "hpet.0", [this] { match(0); }},
               {scheduler, "hpet.1", [this] { match(1); }},
               {scheduler, "hpet.2", [this] { match(2); }}}} {}

void Hpet::reset() {
    for (unsigned index = 0; index < kTimers; ++index) {
        timers_.at(index).disarm();
        drive(index, false);
    }
    const bool was_legacy = legacy_replacement();
    r_ = {};
    if (was_legacy && pins_.legacy_replacement) pins_.legacy_replacement(false);
}

void Hpet::Comparator::describe(Archive& archive) {
    archive.field("configuration", configuration);
    archive.field("value", value);
    archive.field("period", period);
    archive.field("value_set", value_set);
    archive.field("line", line);
}

void Hpet::describe(Archive& archive) {
    archive.field("configuration", r_.configuration);
    archive.field("status", r_.status);
    archive.field("counter", r_.counter);
    archive.field("counter_origin", r_.counter_origin);
    archive.field("timers", r_.timers);
}

std::string Hpet::info() const {
    std::string text = fmt::format("hpet: {}{} counter={:#x} status={:x}\n", enabled() ? "running" : "halted",
                                   legacy_replacement() ? " legacy-replacement" : "", counter(), r_.status);
    for (unsigned index = 0; index < kTimers; ++index) {
        const Comparator& timer = r_.timers.at(index);
        text += fmt::format("  timer {}: configuration={:x} comparator={:#x} period={:#x}\n", index,
                            timer.configuration, timer.value, timer.period);
    }
    return text;
}

u64 Hpet::width_mask(unsigned index) const {
    return (r_.timers.at(index).configuration & kMode32) != 0 ? u64{0xFFFFFFFF} : ~u64{0};
}

// --- matches and interrupts

void Hpet::arm(unsigned index, bool matched) {
    Timer& timer = timers_.at(index);
    timer.disarm();
    if (!enabled()) return;
    const u64 mask = width_mask(index);
    u64 distance = (r_.timers.at(index).value - counter()) & mask;
    // The tick that has just matched matches again only after the counter wraps.
    if (distance == 0 && matched) distance = mask == ~u64{0} ? mask : mask + 1;
    if (distance > kFarthestTicks) return;
    timer.arm(std::max(ns_from_ticks(ticks() + distance, kHertz), scheduler_.now() + (matched ? 1 : 0)));
}

void Hpet::match(unsigned index) {
    Comparator& timer = r_.timers.at(index);
    const u64 mask = width_mask(index);
    if ((timer.configuration & kPeriodic) != 0 && timer.period != 0) {
        const u64 late = (counter() - timer.value) & mask;
        timer.value = (timer.value + (late / timer.period + 1) * timer.period) & mask;
    }
    if ((timer.configuration & kLevel) != 0) {
        r_.status |= u64{1} << index;
        refresh(index);
    } else if ((timer.configuration & kInterruptEnable) != 0) {
        // The edge is a rise that lasts until the next one: an 8259A forgets a request whose input falls before INTA.
        drive(index, false);
        drive(index, true);
    }
    arm(index, true);
}

void Hpet::settle() {
    for (unsigned index = 0; index < kTimers; ++index) {
        Timer& timer = timers_.at(index);
        if (!timer.armed() || timer.deadline_ns() > scheduler_.now()) continue;
        timer.disarm();
        match(index);
    }
}

void Hpet::refresh(unsigned index) {
    const u64 configuration = r_.timers.at(index).configuration;
    drive(index, (configuration & kLevel) != 0 && (configuration & kInterruptEnable) != 0 && bit(r_.status, index));
}

void Hpet::drive(unsigned index, bool level) {
    Comparator& timer = r_.timers.at(index);
    if (timer.line == level) return;
    timer.line = level;
    if (legacy_replacement() && index < 2) {
        const OutputLine& line = index == 0 ? pins_.irq0 : pins_.irq8;
        if (line) line(level);
        return;
    }
    const auto input = static_cast<unsigned>(bits(timer.configuration, kRouteShift, 5));
    if (bit(kRoutes, input) && pins_.interrupt) pins_.interrupt(input, level);
}

// --- registers

u64 Hpet::read_register(u64 offset) const {
    switch (offset) {
        case kCapabilities:
            return kCapabilityValue;
        case kConfiguration:
            return r_.configuration;
        case kStatus:
            return r_.status;
        case kMainCounter:
            return counter();
        default:
            break;
    }
    if (offset < kFirstTimer || offset >= kFirstTimer + kTimers * kTimerStride) return 0;
    const Comparator& timer = r_.timers.at((offset - kFirstTimer) / kTimerStride);
    switch (offset % kTimerStride) {
        case 0x00:
            return timer.configuration | kCanBePeriodic | kIs64Bit | (timer.value_set ? kSetValue : 0) |
                   u64{kRoutes} << 32;
        case 0x08:
            return timer.value;
        default:
            return 0;  // no FSB route
    }
}

void Hpet::write_register(u64 offset, u64 value, u64 mask) {
    settle();
    switch (offset) {
        case kConfiguration:
            write_configuration(replace_bits(r_.configuration, value, mask) & kConfigurationBits);
            return;
        case kStatus:
            r_.status &= ~(value & mask);
            for (unsigned index = 0; index < kTimers; ++index) refresh(index);
            return;
        case kMainCounter:
            // Writing a running counter is undefined; it goes on from the value.
            r_.counter = replace_bits(counter(), value, mask);
            r_.counter_origin = ticks() - r_.counter;
            for (unsigned index = 0; index < kTimers; ++index) arm(index, false);
            return;
        default:
            break;
    }
    if (offset < kFirstTimer || offset >= kFirstTimer + kTimers * kTimerStride) return;
    const auto index = static_cast<unsigned>((offset - kFirstTimer) / kTimerStride);
    if (offset % kTimerStride == 0x00) {
        write_timer_configuration(index, value, mask);
    } else if (offset % kTimerStride == 0x08) {
        write_comparator(index, value, mask);
    }
}

void Hpet::write_configuration(u64 value) {
    const u64 changed = value ^ r_.configuration;
    if ((changed & kLegacy) != 0) {
        for (unsigned index = 0; index < kTimers; ++index) drive(index, false);
    }
    const u64 count = counter();
    r_.configuration = value;
    if ((changed & kEnable) != 0) {
        r_.counter = count;
        r_.counter_origin = ticks() - count;
    }
    if ((changed & kLegacy) != 0 && pins_.legacy_replacement) pins_.legacy_replacement(legacy_replacement());
    for (unsigned index = 0; index < kTimers; ++index) {
        refresh(index);
        if ((changed & kEnable) != 0) arm(index, false);
    }
}

void Hpet::write_timer_configuration(unsigned index, u64 value, u64 mask) {
    Comparator& timer = r_.timers.at(index);
    const u64 before = timer.configuration;
    u64 next = replace_bits(before, value, mask) & kTimerBits;
    // A route the timer does not have is not taken: software sees that by reading back.
    constexpr u64 kRouteField = u64{0x1F} << kRouteShift;
    if (!bit(kRoutes, static_cast<unsigned>(bits(next, kRouteShift, 5))))
        next = replace_bits(next, before, kRouteField);
    drive(index, false);
    timer.configuration = next;
    if ((mask & kSetValue) != 0) timer.value_set = (value & kSetValue) != 0 && (next & kPeriodic) != 0;
    if ((next & kMode32) != 0) {
        timer.value &= 0xFFFFFFFF;
        timer.period &= 0xFFFFFFFF;
    }
    // An edge-triggered timer has no status to hold.
    if ((next & kLevel) == 0) r_.status &= ~(u64{1} << index);
    refresh(index);
    arm(index, true);
}

void Hpet::write_comparator(unsigned index, u64 value, u64 mask) {
    Comparator& timer = r_.timers.at(index);
    const u64 width = width_mask(index);
    if ((timer.configuration & kPeriodic) == 0) {
        timer.value = replace_bits(timer.value, value, mask) & width;
    } else {
        // The accumulator can be set only right after VAL_SET; every write sets the period.
        timer.period = replace_bits(timer.period, value, mask) & width;
        if (timer.value_set) timer.value = replace_bits(timer.value, value, mask) & width;
        timer.value_set = false;
    }
    arm(index, false);
}

RegisterSpace Hpet::registers() {
    const auto read_bytes = [this](u64 offset, unsigned size) { return read(offset, size); };
    return {.read = read_bytes,
            .write = [this](u64 offset, unsigned size, u64 value) { write(offset, size, value); },
            .peek = read_bytes,
            .max_size = 8};
}

u64 Hpet::read(u64 offset, unsigned size) const {
    return (read_register(offset & ~u64{7}) >> (offset % 8 * 8)) & mask_for(size);
}

void Hpet::write(u64 offset, unsigned size, u64 value) {
    const auto shift = static_cast<unsigned>(offset % 8 * 8);
    write_register(offset & ~u64{7}, value << shift, mask_for(size) << shift);
}

}  // namespace bantam::devices
