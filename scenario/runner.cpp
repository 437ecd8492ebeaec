#include "scenario/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "machine/image_writer.h"
#include "scenario/host_command.h"
#include "scenario/recognition.h"

namespace bantam::scenario {
namespace {

std::string seconds(u64 ns) { return fmt::format("{}.{:03} s", ns / 1'000'000'000, ns / 1'000'000 % 1000); }

constexpr unsigned kFilmPeriods = Film::kLeast_ns / Runner::kPeriod_ns;

bool reads_screen(Action action) {
    return action == Action::wait_screen || action == Action::wait_screen_regex || action == Action::click_text ||
           action == Action::expect_screen || action == Action::reject_screen;
}

}  // namespace

Result<std::unique_ptr<Runner>> Runner::create(const Scenario& scenario, Options options) {
    std::unique_ptr<Runner> runner(new Runner(scenario, std::move(options)));
    Machine::SerialEnds ends;
    for (std::size_t i = 0; i < scenario.machine.serials.size(); ++i) {
        auto line = std::make_unique<SerialLine>();
        runner->lines_.push_back(line.get());
        ends.push_back(std::move(line));
    }
    const bool recognises =
        std::any_of(scenario.steps.begin(), scenario.steps.end(), [](const Step& step) { return step.ocr; });
    if (recognises) {
        if (Result<void> found = find_recognition(); !found) return found.error();
    }
    Result<std::unique_ptr<Machine>> made = Machine::create(scenario.machine, std::move(ends));
    if (!made) return made.error();
    runner->machine_ = std::move(made.value());
    runner->events_ = std::make_unique<Events>(*runner->machine_, [self = runner.get()] { self->event(); });
    const bool watches_ports = std::any_of(scenario.steps.begin(), scenario.steps.end(),
                                           [](const Step& step) { return step.action == Action::wait_io; });
    if (watches_ports) runner->events_->watch_ports();
    const auto screenshot = [self = runner.get()](const std::string& name) -> Result<void> {
        const Result<std::string> folder = self->folder();
        if (!folder) return folder.error();
        return self->machine_->screendump(folder.value() + "/" + name);
    };
    const auto run = [self = runner.get()](const Step& step) { return self->run_command(step); };
    const auto recognise = [self = runner.get()](const devices::Frame& frame) -> Result<std::string> {
        const Result<std::string> folder = self->folder();
        if (!folder) return folder.error();
        return scenario::recognise(frame, folder.value(), [self] { return self->machine_->quit_requested(); });
    };
    runner->steps_ = std::make_unique<Steps>(*runner->machine_, *runner->events_, runner->lines_,
                                             Steps::Host{.screenshot = screenshot, .run = run, .recognise = recognise});
    return runner;
}

Runner::~Runner() {
    std::error_code ignored;
    if (!temporary_folder_.empty()) std::filesystem::remove_all(temporary_folder_, ignored);
}

Report Runner::run() {
    machine_->watch(
        kPeriod_ns, [this] { tick(); }, Machine::Watcher::acts);
    machine_->post([this] { go_on(); });  // before the first instruction
    const Outcome outcome = machine_->run();
    if (!over_) end_of_guest(outcome);
    if (!held_) snapshot();
    look_for_film();
    report_.film = film_.encode(machine_->now_ns());
    return std::move(report_);
}

void Runner::snapshot() {
    report_.guest_ns = machine_->now_ns();
    steps_->screen().look();
    report_.screen = steps_->screen().text();
    report_.screen_source = steps_->screen().source();
    report_.serials.clear();
    for (const auto& line : lines_) report_.serials.push_back(line->output());
}

void Runner::tick() {
    if (over_) return;
    const bool quick = current_ && Steps::is_quick(current_->step->action);
    const bool look = ++ticks_ % kConditionPeriods == 0;
    if (ticks_ % kFilmPeriods == 1) look_for_film();
    if (look || quick) go_on();
}

void Runner::look_for_film() {
    if (options_.film && machine_->render_changes(filmed_)) film_.add(filmed_.frame, machine_->now_ns());
}

/// The machine stands at what a step waits for.
void Runner::event() {
    if (!over_) go_on();
    if (!over_) machine_->cont();
}

void Runner::go_on() {
    advance();
    events_->tidy();
    if (over_ && !held_) machine_->quit();
}

/// Takes steps until one has to wait.
void Runner::advance() {
    yielded_ = false;
    while (!over_ && !yielded_) {
        if (!current_) {
            if (leave_groups() || over_) continue;
            if (!groups_.empty() && next_ == groups_.back().end) {
                next_round();
            } else if (next_ == scenario_.steps.size()) {
                report_.passed = over_ = true;
            } else {
                begin_next();
            }
            continue;
        }
        Attempt& attempt = *current_;
        const bool possible = !ended_ || !Steps::needs_guest(attempt.step->action);
        const Steps::Progress progress = possible ? steps_->poll(attempt) : steps_->ended_within(attempt);
        if (progress == Steps::Progress::failed) return fail(attempt, attempt.why);
        if (progress == Steps::Progress::waiting) {
            if (ended_ && leave_groups()) {  // that is what the repetition was for
                current_.reset();
                continue;
            }
            if (ended_) return fail(attempt, describe(ended_->reason));
            const bool any_late = late(attempt) || std::any_of(groups_.begin(), groups_.end(),
                                                               [&](Group& group) { return late(group.condition); });
            if (!any_late || !over_) return;
        } else {
            note(*attempt.step, "done", remark(attempt));
            ++next_;
            current_.reset();
        }
    }
}

/// What the trace says about a step that is done.
std::string Runner::remark(const Attempt& attempt) const {
    if (attempt.step->action == Action::hash) return attempt.why;
    if (attempt.recognised) return "recognised by tesseract";
    const bool graphics = reads_screen(attempt.step->action) && machine_->graphics_mode();
    return graphics ? steps_->screen().source() : std::string();
}

void Runner::begin_next() {
    const Step& step = scenario_.steps[next_];
    Attempt attempt = steps_->begin(step);
    if (step.repeated == 0) {
        current_ = std::move(attempt);
        return;
    }
    groups_.push_back({.condition = std::move(attempt), .begin = next_ + 1, .end = next_ + 1 + step.repeated});
    ++next_;
}

/// Rounds whose steps take no guest time would never end: the next one begins at the next look.
void Runner::next_round() {
    Group& group = groups_.back();
    if (ended_) return fail(group.condition, describe(ended_->reason));
    next_ = group.begin;
    ++group.rounds;
    yielded_ = true;
}

/// Looks at the conditions of all groups, and goes on behind the outermost that is fulfilled.
bool Runner::leave_groups() {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        Group& group = groups_[i];
        const Steps::Progress progress = steps_->poll(group.condition);
        if (progress == Steps::Progress::failed) {
            fail(group.condition, group.condition.why);
            return false;
        }
        if (progress == Steps::Progress::waiting) {
            if (!ended_ && late(group.condition)) return false;
            continue;
        }
        note(*group.condition.step, "done", fmt::format("in round {}", group.rounds + 1));
        next_ = group.end;
        groups_.erase(groups_.begin() + static_cast<std::ptrdiff_t>(i), groups_.end());
        return true;
    }
    return false;
}

/// Fails when the limit is over.
bool Runner::late(const Attempt& attempt) {
    const u64 limit = attempt.step->limit_ns.value_or(scenario_.limit_ns);
    if (attempt.step->action == Action::wait_time || machine_->now_ns() - attempt.begun_ns < limit) return false;
    fail(attempt,
         fmt::format("not within {} of guest time{}{}", seconds(limit), attempt.why.empty() ? "" : "; ", attempt.why));
    return true;
}

/// The guest ended by itself: what needs no running guest is still done.
void Runner::end_of_guest(const Outcome& outcome) {
    ended_ = outcome;
    steps_->end(outcome.reason);
    if (outcome.reason != StopReason::quit) return advance();
    Attempt interrupted;
    interrupted.step = &scenario_.steps[std::min(next_, scenario_.steps.size() - 1)];
    fail(interrupted, describe(outcome.reason));
}

void Runner::note(const Step& step, const char* what, const std::string& remark) {
    report_.trace.push_back(fmt::format("{:>15} ns  {:<8}  {:<6}  {}{}", machine_->now_ns(), step.place, what,
                                        step.source, remark.empty() ? "" : fmt::format("  ({})", remark)));
}

void Runner::fail(const Attempt& attempt, const std::string& cause) {
    if (std::exchange(over_, true)) return;
    const Step& step = *attempt.step;
    note(step, "failed");
    report_.failure = fmt::format("{}: {}: {}", step.place, step.source, cause);
    if (!options_.stopped_at_failure || ended_) return;
    held_ = true;
    current_.reset();
    groups_.clear();
    snapshot();
    machine_->stop();
    events_->tidy();  // the debugger is free for others
    options_.stopped_at_failure(report_);
}

Result<std::string> Runner::folder() {
    if (!options_.artifacts.empty()) return options_.artifacts;
    if (temporary_folder_.empty()) {
        std::string pattern = (std::filesystem::temp_directory_path() / "bantam-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            return Error{ExitStatus::host_resource,
                         fmt::format("cannot make the folder {}: {}", pattern, std::strerror(errno))};
        }
        temporary_folder_ = pattern;
    }
    return temporary_folder_;
}

Result<void> Runner::run_command(const Step& step) {
    const Result<std::string> place = folder();
    if (!place) return place.error();
    snapshot();
    if (Result<void> written = write_artifacts(place.value(), scenario_, report_, *machine_); !written) return written;
    const HostCommand command{.text = step.text,
                              .folder = place.value(),
                              .variables = {{"BANTAM_SCENARIO", scenario_.name}},
                              .limit_ns = step.limit_ns.value_or(scenario_.limit_ns)};
    std::string output;
    const Result<void> run = run_host_command(
        command, [this] { return machine_->quit_requested(); }, output);
    Result<void> written = write_file(fmt::format("{}/run{}.log", place.value(), ++commands_), output);
    return run ? written : run;
}

}  // namespace bantam::scenario
