// The local APIC's timer (SDM vol. 3, 11.5.4): a down counter behind a divider, or a TSC deadline. Its count is
// computed from elapsed time; the scheduler is asked only for an expiry that would be seen.
#include <algorithm>

#include "base/bits.h"
#include "devices/local_apic.h"

namespace bantam::devices {
namespace {
constexpr u64 kNsPerTick = 1'000'000'000 / LocalApic::kTimerHz;
constexpr u64 kFarthestSeconds = 100'000'000;  // three years: a deadline beyond it is looked at again then
}  // namespace

unsigned LocalApic::timer_shift() const {
    // Divide configuration bits 3, 1, 0: 000 = by 2 ... 110 = by 128, 111 = by 1.
    const u32 field = (r_.divide & 3) | ((r_.divide >> 1) & 4);
    return (field + 1) & 7;
}

u64 LocalApic::timer_period_ns() const { return (u64{r_.initial_count} << timer_shift()) * kNsPerTick; }

u32 LocalApic::current_count() const {
    if (!r_.timer_running || r_.initial_count == 0) return 0;
    const u64 counted = ((scheduler_.now() - r_.timer_origin_ns) / kNsPerTick) >> timer_shift();
    if (timer_mode() == kModePeriodic) return r_.initial_count - static_cast<u32>(counted % r_.initial_count);
    return counted >= r_.initial_count ? 0 : r_.initial_count - static_cast<u32>(counted);
}

u64 LocalApic::tsc() const { return pins_.tsc ? pins_.tsc() : ticks_from_ns(scheduler_.now(), tsc_hz_); }

void LocalApic::arm_timer() {
    timer_.disarm();
    const u64 now = scheduler_.now();
    if (timer_mode() == kModeTscDeadline) {
        if (r_.tsc_deadline == 0) return;
        const u64 counter = tsc();
        if (r_.tsc_deadline <= counter) {
            r_.tsc_deadline = 0;
            fire_lvt(kTimer);
            return;
        }
        const u64 ticks = std::min(r_.tsc_deadline - counter, kFarthestSeconds * tsc_hz_);
        timer_.arm(now + std::max(ns_from_ticks(ticks, tsc_hz_), u64{1}));
        return;
    }
    // A masked expiry changes nothing that current_count() does not know.
    if (!r_.timer_running || (r_.lvt[kTimer] & kMasked) != 0) return;
    const u64 period = timer_period_ns();
    if (period == 0) return;
    const u64 elapsed = now - r_.timer_origin_ns;
    if (elapsed < period) {
        timer_.arm(now + (period - elapsed));
    } else if (timer_mode() == kModePeriodic) {
        timer_.arm(now + (period - elapsed % period));
    }
}

void LocalApic::timer_fired() {
    if (timer_mode() == kModeTscDeadline) {
        arm_timer();
        return;
    }
    const u64 period = timer_period_ns();
    if (timer_mode() == kModePeriodic && period != 0) {
        r_.timer_origin_ns += (scheduler_.now() - r_.timer_origin_ns) / period * period;
    } else {
        r_.timer_running = false;
    }
    fire_lvt(kTimer);
    arm_timer();
}

void LocalApic::settle_timer() {
    if (timer_.armed() && timer_.deadline_ns() <= scheduler_.now()) {
        timer_.disarm();
        timer_fired();
    }
}

void LocalApic::write_initial_count(u32 value) {
    if (timer_mode() == kModeTscDeadline) return;  // ignored (SDM 11.5.4.1)
    settle_timer();
    r_.initial_count = value;
    r_.timer_origin_ns = scheduler_.now();
    r_.timer_running = value != 0;
    arm_timer();
}

void LocalApic::write_divide(u32 value) {
    settle_timer();
    // The count goes on from where it is at the new rate.
    const u64 counted = r_.initial_count - current_count();
    r_.divide = value;
    r_.timer_origin_ns = scheduler_.now() - (counted << timer_shift()) * kNsPerTick;
    arm_timer();
}

void LocalApic::write_timer_lvt(u32 value) {
    settle_timer();
    const unsigned before = timer_mode();
    if (current_count() == 0) r_.timer_running = false;
    r_.lvt[kTimer] = value;
    if ((before == kModeTscDeadline) != (timer_mode() == kModeTscDeadline)) {
        // Entering or leaving TSC-deadline mode disarms the timer.
        r_.timer_running = false;
        r_.tsc_deadline = 0;
    }
    arm_timer();
}

void LocalApic::tsc_changed() {
    if (timer_mode() == kModeTscDeadline) arm_timer();
}

}  // namespace bantam::devices
