// See mc146818.h. Time of day lives in the CMOS bytes themselves, as on the chip; catch_up() advances them by the
// seconds that have passed since the last look, so an idle clock costs no events. Events exist only while an interrupt
// is enabled.
#include "devices/mc146818.h"

#include <fmt/format.h>

#include <algorithm>

namespace bantam::devices {
namespace {
constexpr u64 kSecondNs = 1'000'000'000;
constexpr u64 kSecondsPerDay = 86400;
// Datasheet, figure 16: UIP rises 244 us before the update cycle, which lasts 1984 us with a 32.768 kHz crystal.
constexpr u64 kUpdateInProgressNs = (244 + 1984) * 1000;
constexpr u64 kTimeBaseHz = 32768;

// Time and alarm bytes
constexpr unsigned kSeconds = 0, kSecondsAlarm = 1, kMinutes = 2, kMinutesAlarm = 3, kHours = 4, kHoursAlarm = 5;
constexpr unsigned kWeekday = 6, kDay = 7, kMonth = 8, kYear = 9, kCentury = 0x32;
// Control registers
constexpr unsigned kA = 0x0A, kB = 0x0B, kC = 0x0C, kD = 0x0D;
constexpr u8 kUip = 0x80;
constexpr u8 kSet = 0x80, kPie = 0x40, kAie = 0x20, kUie = 0x10, kSqwe = 0x08, kBinary = 0x04, k24Hours = 0x02;
constexpr u8 kIrqf = 0x80, kPf = 0x40, kAf = 0x20, kUf = 0x10;
constexpr u8 kVrt = 0x80;
constexpr u8 kPm = 0x80;

struct Date {
    unsigned year, month, day;
};

constexpr bool leap(unsigned year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

constexpr unsigned month_days(unsigned year, unsigned month) {
    constexpr std::array<u8, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap(year) ? 29 : kDays[(month - 1) % 12];
}

/// The date `days` days after `date`, Gregorian calendar; whole 400-year cycles are skipped at once.
Date add_days(Date date, u64 days) {
    constexpr u64 kCycleDays = 146097;
    date.year += static_cast<unsigned>(days / kCycleDays % 25) * 400;
    days %= kCycleDays;
    while (days != 0) {
        const unsigned left = month_days(date.year, date.month) - date.day;
        if (days <= left) {
            date.day += static_cast<unsigned>(days);
            break;
        }
        days -= left + 1;
        date.day = 1;
        if (++date.month > 12) {
            date.month = 1;
            ++date.year;
        }
    }
    return date;
}
}  // namespace

Mc146818::Mc146818(Scheduler& scheduler, Pins pins, u64 epoch_seconds)
    : scheduler_(scheduler), pins_(std::move(pins)), timer_(scheduler, "rtc", [this] {
          catch_up();
          schedule();
      }) {
    r_.cmos[kA] = 0x26;  // 32.768 kHz, 1024 Hz periodic rate, as firmware sets it
    r_.cmos[kB] = k24Hours;
    r_.cmos[kD] = kVrt;
    set_time(epoch_seconds);
    r_.next_update_ns = scheduler_.now() + kSecondNs;
    r_.periodic_base_ns = scheduler_.now();
}

void Mc146818::reset() {
    catch_up();
    r_.cmos[kB] &= static_cast<u8>(~(kPie | kAie | kUie | kSqwe));
    r_.cmos[kC] = 0;
    r_.index = 0x80;
    r_.extended_index = 0;
    update_interrupt();
    if (pins_.nmi_enabled) pins_.nmi_enabled(false);
    schedule();
}

void Mc146818::describe(Archive& archive) {
    archive.bytes("cmos", r_.cmos.data(), r_.cmos.size());
    archive.field("index", r_.index);
    archive.field("extended_index", r_.extended_index);
    archive.field("next_update_ns", r_.next_update_ns);
    archive.field("periodic_base_ns", r_.periodic_base_ns);
    archive.field("periodic_seen", r_.periodic_seen);
    archive.field("interrupt_level", r_.interrupt_level);
}

std::string Mc146818::info() const {
    return fmt::format(
        "rtc: {}{:02x}-{:02x}-{:02x} {:02x}:{:02x}:{:02x} (raw, as last updated) A {:02x} B {:02x} C {:02x}, index "
        "{:02x}\n",
        fmt::format("{:02x}", r_.cmos[kCentury]), r_.cmos[kYear], r_.cmos[kMonth], r_.cmos[kDay], r_.cmos[kHours],
        r_.cmos[kMinutes], r_.cmos[kSeconds], r_.cmos[kA], r_.cmos[kB], r_.cmos[kC], r_.index);
}

RegisterSpace Mc146818::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

u8 Mc146818::peek(u64 offset) const {
    switch (offset & 3) {
        case 0:
            return 0xFF;  // the index port is write-only
        case 1:
            return r_.cmos[r_.index & 0x7F];
        case 2:
            return r_.extended_index;
        default:
            return r_.cmos[0x80 | r_.extended_index];
    }
}

u8 Mc146818::read(u64 offset) {
    if ((offset & 3) == 1) return read_data(r_.index & 0x7F);
    return peek(offset);
}

void Mc146818::write(u64 offset, u8 value) {
    switch (offset & 3) {
        case 0: {
            const bool mask_changed = ((value ^ r_.index) & 0x80) != 0;
            r_.index = value;
            if (mask_changed && pins_.nmi_enabled) pins_.nmi_enabled((value & 0x80) == 0);
            break;
        }
        case 1:
            write_data(r_.index & 0x7F, value);
            break;
        case 2:
            r_.extended_index = value & 0x7F;
            break;
        default:
            r_.cmos[0x80 | r_.extended_index] = value;
            break;
    }
}

u8 Mc146818::read_data(u8 index) {
    if (index > kD && index != kCentury) return r_.cmos[index];
    catch_up();
    if (index == kA) return static_cast<u8>(r_.cmos[kA] | (update_in_progress(scheduler_.now()) ? kUip : 0));
    const u8 value = r_.cmos[index];
    if (index == kC) {
        r_.cmos[kC] = 0;
        update_interrupt();
        schedule();
    }
    return value;
}

void Mc146818::write_data(u8 index, u8 value) {
    if (index > kD && index != kCentury) {
        r_.cmos[index] = value;
        return;
    }
    catch_up();
    const u64 now = scheduler_.now();
    switch (index) {
        case kA: {
            const bool was_dividing = dividing();
            const u8 before = r_.cmos[kA];
            r_.cmos[kA] = value & 0x7F;
            if (dividing() && !was_dividing) {
                // The first update comes half a second after the divider is released.
                r_.next_update_ns = now + kSecondNs / 2;
                r_.periodic_base_ns = now;
                r_.periodic_seen = 0;
            } else if (((before ^ value) & 0x0F) != 0) {
                const u32 hertz = periodic_hertz();
                r_.periodic_seen = hertz == 0 ? 0 : ticks_from_ns(now - periodic_base(), hertz);
            }
            break;
        }
        case kB:
            if ((value & kSet) != 0) value &= static_cast<u8>(~kUie);
            r_.cmos[kB] = value;
            update_interrupt();
            break;
        case kC:
        case kD:
            return;  // read-only
        default:
            r_.cmos[index] = value;
            break;
    }
    schedule();
}

void Mc146818::set_cmos(u8 index, u8 value) {
    if (index > kD) r_.cmos[index] = value;
}

void Mc146818::update_cmos_checksum() {
    unsigned sum = 0;
    for (unsigned i = 0x10; i <= 0x2D; ++i) sum += r_.cmos[i];
    r_.cmos[0x2E] = static_cast<u8>(sum >> 8);
    r_.cmos[0x2F] = static_cast<u8>(sum);
}

/// The divider chain runs on any of the three crystals (DV 0, 1, 2); DV 3-5 are test modes, 6 and 7 hold it in reset.
/// PCs have the 32.768 kHz crystal only, so DV 0 and 1 would not keep time: they stop it too.
bool Mc146818::dividing() const { return (r_.cmos[kA] & 0x70) == 0x20; }
bool Mc146818::updating() const { return dividing() && (r_.cmos[kB] & kSet) == 0; }

bool Mc146818::update_in_progress(u64 now) const {
    return updating() && r_.next_update_ns > now && r_.next_update_ns - now <= kUpdateInProgressNs;
}

u32 Mc146818::periodic_hertz() const {
    const unsigned rate = r_.cmos[kA] & 0x0F;
    if (rate == 0 || !dividing()) return 0;
    // Rates 1 and 2 are 256 and 128 Hz, the same as 8 and 9.
    return static_cast<u32>(kTimeBaseHz >> ((rate <= 2 ? rate + 7 : rate) - 1));
}

unsigned Mc146818::decode(u8 value) const {
    return (r_.cmos[kB] & kBinary) != 0 ? value : (value >> 4) * 10u + (value & 15u);
}

u8 Mc146818::encode(unsigned value) const {
    return static_cast<u8>((r_.cmos[kB] & kBinary) != 0 ? value : (value / 10 % 10) << 4 | value % 10);
}

unsigned Mc146818::hour24(u8 value) const {
    if ((r_.cmos[kB] & k24Hours) != 0) return decode(value);
    return decode(value & 0x7F) % 12 + ((value & kPm) != 0 ? 12 : 0);
}

u8 Mc146818::encode_hour(unsigned hour) const {
    if ((r_.cmos[kB] & k24Hours) != 0) return encode(hour);
    const u8 twelve = encode(hour % 12 == 0 ? 12 : hour % 12);
    return static_cast<u8>(twelve | (hour >= 12 ? kPm : 0));
}

void Mc146818::set_time(u64 unix_seconds) {
    const u64 days = unix_seconds / kSecondsPerDay;
    const unsigned second = static_cast<unsigned>(unix_seconds % kSecondsPerDay);
    const Date date = add_days({1970, 1, 1}, days);
    r_.cmos[kSeconds] = encode(second % 60);
    r_.cmos[kMinutes] = encode(second / 60 % 60);
    r_.cmos[kHours] = encode_hour(second / 3600);
    r_.cmos[kWeekday] =
        encode(static_cast<unsigned>((days + 4) % 7 + 1));  // 1 January 1970 was a Thursday; Sunday is 1
    r_.cmos[kDay] = encode(date.day);
    r_.cmos[kMonth] = encode(date.month);
    r_.cmos[kYear] = encode(date.year % 100);
    r_.cmos[kCentury] = encode(date.year / 100 % 100);
}

/// Adds `days` to the date bytes. A date the guest set wrongly is brought into range first.
void Mc146818::advance_days(u64 days) {
    Date date{decode(r_.cmos[kCentury]) * 100 + decode(r_.cmos[kYear]) % 100,
              std::clamp(decode(r_.cmos[kMonth]), 1u, 12u), std::max(decode(r_.cmos[kDay]), 1u)};
    date.day = std::min(date.day, month_days(date.year, date.month));
    date = add_days(date, days);
    r_.cmos[kWeekday] = encode(static_cast<unsigned>((decode(r_.cmos[kWeekday]) + 6 + days) % 7 + 1));
    r_.cmos[kDay] = encode(date.day);
    r_.cmos[kMonth] = encode(date.month);
    r_.cmos[kYear] = encode(date.year % 100);
    r_.cmos[kCentury] = encode(date.year / 100 % 100);
}

/// One update cycle. Values out of range roll over at the next carry.
void Mc146818::advance_one_second() {
    const unsigned second = decode(r_.cmos[kSeconds]) + 1;
    r_.cmos[kSeconds] = encode(second >= 60 ? 0 : second);
    if (second >= 60) {
        const unsigned minute = decode(r_.cmos[kMinutes]) + 1;
        r_.cmos[kMinutes] = encode(minute >= 60 ? 0 : minute);
        if (minute >= 60) {
            const unsigned hour = hour24(r_.cmos[kHours]) + 1;
            r_.cmos[kHours] = encode_hour(hour >= 24 ? 0 : hour);
            if (hour >= 24) advance_days(1);
        }
    }
    if (alarm_matches()) r_.cmos[kC] |= kAf;
    r_.cmos[kC] |= kUf;
}

bool Mc146818::alarm_matches() const {
    const auto matches = [this](unsigned alarm, unsigned time) {
        return r_.cmos[alarm] >= 0xC0 || r_.cmos[alarm] == r_.cmos[time];
    };
    return matches(kSecondsAlarm, kSeconds) && matches(kMinutesAlarm, kMinutes) && matches(kHoursAlarm, kHours);
}

/// The periodic rate's origin. Never ahead of now(), whatever a saved state says: deadlines from it cannot wrap.
u64 Mc146818::periodic_base() const { return std::min(r_.periodic_base_ns, scheduler_.now()); }

/// Brings time bytes and flags of register C to now().
void Mc146818::catch_up() {
    const u64 now = scheduler_.now();
    if (dividing() && r_.next_update_ns <= now) {
        u64 seconds = (now - r_.next_update_ns) / kSecondNs + 1;
        r_.next_update_ns += seconds * kSecondNs;
        if (updating()) {
            // Whole days change only the date; the seconds of the last two are walked so that every alarm is seen.
            if (seconds > 2 * kSecondsPerDay) {
                const u64 days = seconds / kSecondsPerDay - 1;
                advance_days(days);
                seconds -= days * kSecondsPerDay;
            }
            for (; seconds != 0; --seconds) advance_one_second();
        }
    }
    if (const u32 hertz = periodic_hertz(); hertz != 0) {
        const u64 base = periodic_base();
        const u64 periods = ticks_from_ns(now - base, hertz);
        if (periods > r_.periodic_seen) r_.cmos[kC] |= kPf;
        r_.periodic_seen = periods;
    }
    update_interrupt();
}

void Mc146818::update_interrupt() {
    const bool level = (r_.cmos[kB] & r_.cmos[kC] & (kPf | kAf | kUf)) != 0;
    r_.cmos[kC] = static_cast<u8>((r_.cmos[kC] & ~unsigned{kIrqf}) | (level ? kIrqf : 0));
    if (level == r_.interrupt_level) return;
    r_.interrupt_level = level;
    if (pins_.interrupt) pins_.interrupt(level);
}

/// Arms the timer for the next moment at which IRQ# could fall; while it is asserted there is none.
void Mc146818::schedule() {
    u64 next = Scheduler::kNever;
    if (!r_.interrupt_level) {
        const u32 hertz = periodic_hertz();
        if ((r_.cmos[kB] & kPie) != 0 && hertz != 0) {
            next = periodic_base() + ns_from_ticks(r_.periodic_seen + 1, hertz);
        }
        if ((r_.cmos[kB] & (kAie | kUie)) != 0 && updating()) next = std::min(next, r_.next_update_ns);
    }
    if (next == Scheduler::kNever) {
        timer_.disarm();
    } else {
        timer_.arm(next);
    }
}

}  // namespace bantam::devices
