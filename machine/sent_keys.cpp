#include "machine/sent_keys.h"

#include <fmt/format.h>

#include "base/log.h"

namespace bantam {

SentKeys::SentKeys(Machine& machine, Scheduler& scheduler)
    : scheduler_(scheduler), typist_(machine), timer_(scheduler, "sendkey", [this] { step(); }) {}

Result<void> SentKeys::add(Chord keys, u64 hold_ns) {
    if (typist_.waiting() >= kMostWaiting) {
        return Error{ExitStatus::usage,
                     fmt::format("{} keys wait already; let the guest take them first", kMostWaiting)};
    }
    typist_.add({.keys = std::move(keys), .hold_ns = hold_ns, .insists = true});
    if (!timer_.armed()) step();
    return {};
}

void SentKeys::step() {
    constexpr u64 kPeriod_ns = 1'000'000;  // a PS/2 keyboard needs about that for a byte
    switch (typist_.step()) {
        case Typist::State::typing:
            return timer_.arm(scheduler_.now() + kPeriod_ns);
        case Typist::State::stuck:
            log::warning("sendkey: the guest reads no keys: {} were not typed", typist_.waiting());
            return typist_.stop();
        case Typist::State::done:
            return;
    }
}

void SentKeys::reset() {
    typist_.stop();
    timer_.disarm();
}

}  // namespace bantam
