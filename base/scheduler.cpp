#include "base/scheduler.h"

#include <algorithm>

#include "base/check.h"

namespace bantam {
namespace {
constexpr u64 kNsPerSecond = 1'000'000'000;
// GCC and Clang both offer 128-bit integers on the only host we support; ISO C++ does not name them.
__extension__ using u128 = unsigned __int128;
}  // namespace

Timer::Timer(Scheduler& scheduler, std::string name, std::function<void()> callback, Owner owner)
    : scheduler_(scheduler), name_(std::move(name)), callback_(std::move(callback)), owner_(owner) {
    scheduler_.timers_.push_back(this);
}

Timer::~Timer() { std::erase(scheduler_.timers_, this); }

void Timer::arm(u64 deadline_ns) {
    armed_ = true;
    deadline_ns_ = deadline_ns;
    order_ = owner_ == Owner::host ? Scheduler::kNever : scheduler_.next_order_++;
    scheduler_.deadline_changed();
}

void Timer::disarm() {
    armed_ = false;
    scheduler_.recompute_next();
}

void Timer::describe(Archive& archive) {
    archive.field("armed", armed_);
    archive.field("deadline_ns", deadline_ns_);
    archive.field("order", order_);
}

void Scheduler::set_now(u64 now_ns) {
    CHECK(now_ns >= now_);
    now_ = now_ns;
}

bool Scheduler::machine_waits() const {
    return std::any_of(timers_.begin(), timers_.end(),
                       [](const Timer* timer) { return timer->armed_ && timer->owner_ == Timer::Owner::machine; });
}

void Scheduler::run_due() {
    for (;;) {
        Timer* due = nullptr;
        const u64 time = now();
        for (Timer* timer : timers_) {
            if (!timer->armed_ || timer->deadline_ns_ > time) continue;
            const bool earlier = due == nullptr || timer->deadline_ns_ < due->deadline_ns_ ||
                                 (timer->deadline_ns_ == due->deadline_ns_ && timer->order_ < due->order_);
            if (earlier) due = timer;
        }
        if (due == nullptr) break;
        due->armed_ = false;
        due->callback_();
    }
    recompute_next();
}

void Scheduler::recompute_next() {
    next_deadline_ = kNever;
    for (const Timer* timer : timers_) {
        if (timer->armed_) next_deadline_ = std::min(next_deadline_, timer->deadline_ns_);
    }
}

void Scheduler::deadline_changed() {
    const u64 before = next_deadline_;
    recompute_next();
    if (next_deadline_ < before && deadline_listener_) deadline_listener_();
}

void Scheduler::describe(Archive& archive) {
    archive.field("now_ns", now_);
    archive.field("next_order", next_order_);
    for (Timer* timer : timers_) {
        if (timer->owner_ == Timer::Owner::machine) archive.field(timer->name(), *timer);
    }
    if (archive.loading()) recompute_next();
}

u64 ticks_from_ns(u64 ns, u64 hertz) { return static_cast<u64>(static_cast<u128>(ns) * hertz / kNsPerSecond); }

u64 ns_from_ticks(u64 ticks, u64 hertz) {
    return static_cast<u64>((static_cast<u128>(ticks) * kNsPerSecond + hertz - 1) / hertz);
}

}  // namespace bantam
