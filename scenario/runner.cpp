#include "scenario/runner.h"

#include <fmt/format.h>

namespace bantam::scenario {
namespace {

constexpr const char* kShowsGraphics = "the guest shows graphics, and text is read from text modes only";
constexpr std::size_t kLongestLine = 4096;  // for regular expressions

std::string seconds(u64 ns) { return fmt::format("{}.{:03} s", ns / 1'000'000'000, ns / 1'000'000 % 1000); }

}  // namespace

Result<std::unique_ptr<Runner>> Runner::create(const Scenario& scenario, std::string artifacts) {
    std::unique_ptr<Runner> runner(new Runner(scenario, std::move(artifacts)));
    Machine::SerialEnds ends;
    for (std::size_t i = 0; i < scenario.machine.serials.size(); ++i) {
        auto line = std::make_unique<SerialLine>();
        runner->lines_.push_back(line.get());
        ends.push_back(std::move(line));
    }
    runner->looked_.resize(ends.size());
    Result<std::unique_ptr<Machine>> made = Machine::create(scenario.machine, std::move(ends));
    if (!made) return made.error();
    runner->machine_ = std::move(made.value());
    runner->typist_ = std::make_unique<Typist>(*runner->machine_);
    return runner;
}

Report Runner::run() {
    machine_->watch(kPeriod_ns, [this] { tick(); });
    const Outcome outcome = machine_->run();
    if (!over_) end_of_guest(outcome);
    report_.guest_ns = machine_->now_ns();
    report_.screen = machine_->screen_text();
    for (const auto& line : lines_) report_.serials.push_back(line->output());
    return std::move(report_);
}

void Runner::tick() {
    if (over_) return;
    const bool typing = begun_ && scenario_.steps[next_].action == Action::type;
    if (++ticks_ % kConditionPeriods == 0 || typing) advance();
    if (over_) machine_->quit();
}

/// Takes steps until one has to wait.
void Runner::advance() {
    while (next_ < scenario_.steps.size()) {
        const Step& step = scenario_.steps[next_];
        if (!begun_) begin(step);
        const Progress progress = poll(step);
        if (progress == Progress::failed) return fail(why_);
        if (progress == Progress::waiting) {
            const u64 limit = step.limit_ns.value_or(scenario_.limit_ns);
            const bool late = machine_->now_ns() - begun_ns_ >= limit && step.action != Action::wait_time;
            if (!late) return;
            const bool reads_screen = step.action == Action::wait_screen || step.action == Action::wait_stable;
            return fail(fmt::format(
                "not within {} of guest time{}", seconds(limit),
                reads_screen && machine_->graphics_mode() ? std::string("; ") + kShowsGraphics : std::string()));
        }
        note(step, "done");
        ++next_;
        begun_ = false;
    }
    report_.passed = true;
    over_ = true;
}

void Runner::begin(const Step& step) {
    begun_ = true;
    begun_ns_ = stable_since_ns_ = machine_->now_ns();
    if (step.action == Action::type) typist_->begin(step.chords);
    if (step.action == Action::wait_stable) last_screen_ = machine_->screen_text();
}

Runner::Progress Runner::check(bool found, bool wanted, const char* where) {
    if (found == wanted) return Progress::done;
    why_ = fmt::format("the text is {}{}", wanted ? "not " : "", where);
    return Progress::failed;
}

Runner::Progress Runner::act(const Result<void>& done) {
    if (done) return Progress::done;
    why_ = done.error().message;
    return Progress::failed;
}

/// What was looked through in vain is not looked through again: a wait that ends without finding fails the scenario.
Runner::Progress Runner::find_serial(const Step& step) {
    const std::string& output = serial(step);
    std::size_t& from = looked_.at(step.port);
    if (step.action == Action::wait_serial) {
        const std::size_t at = output.find(step.text, from);
        if (at != output.npos) {
            from = at + step.text.size();
            return Progress::done;
        }
        if (output.size() >= step.text.size()) from = std::max(from, output.size() - step.text.size() + 1);
        return wait_for_more(step);
    }
    for (std::size_t start = from; start < output.size();) {
        const std::size_t end = std::min({output.find('\n', start), output.size(), start + kLongestLine});
        if (const auto matched = step.expression->end_of_match(std::string_view(output).substr(start, end - start))) {
            from = start + *matched;
            return Progress::done;
        }
        from = start;  // the last line may grow
        start = end + 1;
    }
    return wait_for_more(step);
}

Runner::Progress Runner::wait_for_more(const Step& step) {
    if (!lines_.at(step.port)->full()) return Progress::waiting;
    why_ = fmt::format("the guest sent more than {} MiB, which is where a scenario stops listening",
                       SerialLine::kMostOutput >> 20);
    return Progress::failed;
}

Runner::Progress Runner::poll(const Step& step) {
    const auto on_screen = [&] { return machine_->screen_text().find(step.text) != std::string::npos; };
    const auto check_screen = [&](bool wanted) {
        if (!machine_->graphics_mode()) return check(on_screen(), wanted, "on the screen");
        why_ = kShowsGraphics;
        return Progress::failed;
    };
    const auto in_serial = [&] { return serial(step).find(step.text) != std::string::npos; };
    switch (step.action) {
        case Action::wait_screen:
            return on_screen() ? Progress::done : Progress::waiting;
        case Action::wait_serial:
        case Action::wait_serial_regex:
            return find_serial(step);
        case Action::wait_stable: {
            std::string screen = machine_->screen_text();
            if (machine_->graphics_mode() || screen != last_screen_) stable_since_ns_ = machine_->now_ns();
            last_screen_ = std::move(screen);
            return machine_->now_ns() - stable_since_ns_ >= step.duration_ns ? Progress::done : Progress::waiting;
        }
        case Action::wait_time:
            return machine_->now_ns() - begun_ns_ >= step.duration_ns ? Progress::done : Progress::waiting;
        case Action::wait_power_off:
            return powered_off_ ? Progress::done : Progress::waiting;
        case Action::type:
            switch (typist_->step()) {
                case Typist::State::done:
                    return Progress::done;
                case Typist::State::typing:
                    return Progress::waiting;
                case Typist::State::stuck:
                    break;
            }
            why_ = fmt::format("the guest reads no keys: it took {} of {} and none in {}", typist_->typed(),
                               typist_->all(), seconds(Typist::kPatience_ns));
            return Progress::failed;
        case Action::send:
            lines_.at(step.port)->send(step.text);
            return Progress::done;
        case Action::insert:
            return act(machine_->change_medium(
                step.text, ImageConfig{.path = step.file, .readonly = false, .temporary_overlay = true}));
        case Action::eject:
            return act(machine_->eject(step.text));
        case Action::screenshot:
            return artifacts_.empty() ? Progress::done : act(machine_->screendump(artifacts_ + "/" + step.file));
        case Action::expect_screen:
            return check_screen(true);
        case Action::reject_screen:
            return check_screen(false);
        case Action::expect_serial:
            return check(in_serial(), true, "in the serial output");
        case Action::reject_serial:
            return check(in_serial(), false, "in the serial output");
    }
    return Progress::failed;
}

/// The guest ended by itself: what needs no running guest is still done.
void Runner::end_of_guest(const Outcome& outcome) {
    powered_off_ = outcome.reason == StopReason::power_off;
    const bool interrupted = outcome.reason == StopReason::quit;
    while (!over_ && !interrupted && next_ < scenario_.steps.size()) {
        const Step& step = scenario_.steps[next_];
        const bool needs_guest = step.action == Action::type || step.action == Action::send ||
                                 step.action == Action::wait_time || step.action == Action::insert ||
                                 step.action == Action::eject || step.action == Action::wait_stable;
        const Progress progress = needs_guest ? Progress::waiting : poll(step);
        if (progress == Progress::failed) return fail(why_);
        if (progress == Progress::waiting) break;
        note(step, "done");
        ++next_;
    }
    if (next_ == scenario_.steps.size()) {
        report_.passed = true;
        return;
    }
    fail(describe(outcome.reason));
}

void Runner::note(const Step& step, const char* what) {
    report_.trace.push_back(
        fmt::format("{:>15} ns  line {:>3}  {:<6}  {}", machine_->now_ns(), step.line, what, step.source));
}

void Runner::fail(const std::string& cause) {
    const Step& step = scenario_.steps[next_];
    note(step, "failed");
    report_.failure = fmt::format("line {}: {}: {}", step.line, step.source, cause);
    over_ = true;
}

}  // namespace bantam::scenario
