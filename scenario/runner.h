// Runner: takes the steps of a Scenario with a machine. Everything happens on the machine's thread, at fixed points of
// guest time (Machine::watch): in virtual time the same scenario has the same trace on any host, under any load and
// with both engines. Steps that do not wait take no guest time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "scenario/scenario.h"
#include "scenario/serial_line.h"

namespace bantam::scenario {

struct Report {
    bool passed = false;
    std::string failure;             // why not, with the file's line; empty if it passed
    std::vector<std::string> trace;  // a line a step: guest time, line, step
    u64 guest_ns = 0;
    std::string screen;                // text, at the end or the failure
    std::vector<std::string> serials;  // what each line brought
};

class Runner {
public:
    /// Keys are looked after at every point, conditions at every tenth.
    static constexpr u64 kPeriod_ns = 1'000'000;
    static constexpr unsigned kConditionPeriods = 10;

    /// Builds the machine, its serial lines ending here. Files of `screenshot` steps go to `artifacts` (empty:
    /// nowhere). Errors: those of Machine::create.
    static Result<std::unique_ptr<Runner>> create(const Scenario& scenario, std::string artifacts);

    /// Runs the machine to the last step, a failure, or the end of the guest. `quit`, by Machine::request_quit, fails.
    Report run();
    [[nodiscard]] Machine& machine() { return *machine_; }

private:
    enum class Progress { waiting, done, failed };

    Runner(const Scenario& scenario, std::string artifacts) : scenario_(scenario), artifacts_(std::move(artifacts)) {}
    void tick();
    void advance();
    void begin(const Step& step);
    Progress poll(const Step& step);
    Progress find_serial(const Step& step);
    Progress wait_for_more(const Step& step);
    Progress check(bool found, bool wanted, const char* where);
    Progress act(const Result<void>& done);
    void end_of_guest(const Outcome& outcome);
    void note(const Step& step, const char* what);
    void fail(const std::string& cause);
    [[nodiscard]] const std::string& serial(const Step& step) const { return lines_.at(step.port)->output(); }

    const Scenario& scenario_;
    const std::string artifacts_;
    std::vector<SerialLine*> lines_;   // the machine's
    std::vector<std::size_t> looked_;  // in each line: where the next wait begins to look
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<Typist> typist_;
    std::size_t next_ = 0;
    bool begun_ = false;
    bool over_ = false;  // no more steps are taken
    bool powered_off_ = false;
    unsigned ticks_ = 0;
    u64 begun_ns_ = 0;
    u64 stable_since_ns_ = 0;
    std::string last_screen_;
    std::string why_;  // the step that failed did
    Report report_;
};

}  // namespace bantam::scenario
