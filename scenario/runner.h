// Runner: takes the steps of a Scenario with a machine. Everything happens on the machine's thread, at fixed points of
// guest time (Machine::watch) and at events within instructions (events.h): in virtual time the same scenario has the
// same trace on any host, under any load and with both engines. Steps that do not wait take no guest time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenario/film.h"
#include "scenario/report.h"
#include "scenario/scenario.h"
#include "scenario/steps.h"

namespace bantam::scenario {

class Runner {
public:
    /// Keys and the mouse are looked after at every point, conditions at every tenth.
    static constexpr u64 kPeriod_ns = 1'000'000;
    static constexpr unsigned kConditionPeriods = Steps::kLook_ns / kPeriod_ns;

    struct Options {
        std::string artifacts;  // folder for what `screenshot` and `run` leave; empty: one that is removed at the end
        bool film = false;      // into Report::film
        /// After a failure the machine stands still instead of ending, until somebody else quits it or lets it go on.
        /// Called on the machine's thread.
        std::function<void(const Report&)> stopped_at_failure;
    };
    /// Builds the machine, its serial lines ending here. Errors: those of Machine::create, and of find_recognition()
    /// for scenarios that need it.
    static Result<std::unique_ptr<Runner>> create(const Scenario& scenario, Options options);
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    /// Runs the machine to the last step, a failure, or the end of the guest. `quit`, by Machine::request_quit, fails.
    Report run();
    [[nodiscard]] Machine& machine() { return *machine_; }

private:
    /// Steps that are repeated.
    struct Group {
        Attempt condition;
        std::size_t begin = 0, end = 0;  // of its steps
        unsigned rounds = 0;
    };

    Runner(const Scenario& scenario, Options options) : scenario_(scenario), options_(std::move(options)) {}
    void tick();
    void event();
    void go_on();
    void advance();
    void begin_next();
    void next_round();
    bool leave_groups();
    [[nodiscard]] bool late(const Attempt& attempt);
    void end_of_guest(const Outcome& outcome);
    [[nodiscard]] std::string remark(const Attempt& attempt) const;
    void note(const Step& step, const char* what, const std::string& remark = {});
    void fail(const Attempt& attempt, const std::string& cause);
    void snapshot();
    void look_for_film();
    Result<std::string> folder();
    Result<void> run_command(const Step& step);

    const Scenario& scenario_;
    const Options options_;
    std::string temporary_folder_;
    std::vector<SerialLine*> lines_;  // the machine's
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<Events> events_;
    std::unique_ptr<Steps> steps_;
    std::size_t next_ = 0;            // the step that is being taken, or comes next
    std::optional<Attempt> current_;  // at it
    std::vector<Group> groups_;       // around it, the outermost first
    std::optional<Outcome> ended_;    // the guest has
    bool over_ = false;               // no more steps are taken
    bool held_ = false;               // the machine was stopped at the failure
    bool yielded_ = false;            // the next round begins at the next look
    unsigned ticks_ = 0;
    unsigned commands_ = 0;  // of the host, that were run
    Film film_;
    devices::Picture filmed_;
    Report report_;
};

}  // namespace bantam::scenario
