// TimeShares: where a machine's thread spends its time, found by a thread that looks once a millisecond. Nothing is
// added to what it watches but the stores of a byte.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "jit/translator.h"
#include "machine/run_loop.h"

namespace bantam {

class TimeShares {
public:
    /// `translator`: null when everything is interpreted. Both must outlive this object.
    TimeShares(const RunLoop& loop, const jit::Translator* translator);
    ~TimeShares();
    TimeShares(const TimeShares&) = delete;
    TimeShares& operator=(const TimeShares&) = delete;

    /// Ends watching; text() is of the time until then.
    void stop();
    /// "time 2.9 s: ...", one line.
    [[nodiscard]] std::string text() const;

private:
    static constexpr std::size_t kPhases = static_cast<std::size_t>(jit::Phase::count);
    void watch();

    const RunLoop& loop_;
    const jit::Translator* translator_;
    const u64 start_ns_;
    u64 end_ns_ = 0;
    mutable std::mutex mutex_;
    std::condition_variable end_;
    bool ended_ = false;
    std::array<u64, kPhases + 1> samples_{};  // by Phase; the last one: outside the engine
    std::thread thread_;
};

}  // namespace bantam
