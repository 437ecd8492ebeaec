#include "machine/time_shares.h"

#include <fmt/format.h>

#include <chrono>
#include <numeric>

namespace bantam {

TimeShares::TimeShares(const RunLoop& loop, const jit::Translator* translator)
    : loop_(loop), translator_(translator), start_ns_(host::monotonic_ns()), thread_([this] { watch(); }) {}

TimeShares::~TimeShares() { stop(); }

void TimeShares::stop() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        end_ns_ = host::monotonic_ns();
    }
    end_.notify_one();
    thread_.join();
}

void TimeShares::watch() {
    std::unique_lock lock(mutex_);
    while (!end_.wait_for(lock, std::chrono::milliseconds(1), [this] { return ended_; })) {
        const jit::Phase phase = translator_ != nullptr ? translator_->phase() : jit::Phase::interpreter;
        ++samples_.at(loop_.in_engine() ? static_cast<std::size_t>(phase) : kPhases);
    }
}

std::string TimeShares::text() const {
    constexpr std::array<const char*, kPhases + 1> kNames{
        "interpreter", "translator", "translated code", "handed-over instructions", "slow paths", "devices and idle"};
    const std::lock_guard lock(mutex_);
    const u64 total = std::accumulate(samples_.begin(), samples_.end(), u64{0});
    std::string text =
        fmt::format("time {:.1f} s:", static_cast<double>((ended_ ? end_ns_ : host::monotonic_ns()) - start_ns_) / 1e9);
    for (std::size_t i = 0; i < samples_.size(); ++i) {
        const double share = total == 0 ? 0 : 100 * static_cast<double>(samples_[i]) / static_cast<double>(total);
        text += fmt::format("{} {} {:.1f} %", i == 0 ? "" : ",", kNames[i], share);
    }
    return text + "\n";
}

}  // namespace bantam
