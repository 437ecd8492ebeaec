#include "scenario/steps.h"

#include <fmt/format.h>

namespace bantam::scenario {
namespace {

std::vector<Keystroke> held_for(std::vector<Keystroke> keystrokes, u64 hold_ns) {
    for (Keystroke& keystroke : keystrokes) keystroke.hold_ns = hold_ns;
    return keystrokes;
}

constexpr const char* kUnreadable = "the guest shows graphics without text in a known font";
constexpr std::size_t kLongestLine = 4096;  // for regular expressions

u64 whole_seconds(u64 ns) { return ns / 1'000'000'000; }

/// The step's text is in `text`, or a line of it matches the step's expression.
bool contains(std::string_view text, const Step& step) {
    if (!step.expression) return text.find(step.text) != text.npos;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        if (step.expression->end_of_match(text.substr(start, end - start))) return true;
        start = end + 1;
    }
    return false;
}

}  // namespace

Steps::Steps(Machine& machine, Events& events, std::vector<SerialLine*> lines, Host host)
    : machine_(machine),
      events_(events),
      lines_(std::move(lines)),
      looked_(lines_.size()),
      host_(std::move(host)),
      screen_(machine),
      typist_(machine),
      pointer_(machine) {}

bool Steps::needs_guest(Action action) {
    switch (action) {
        case Action::wait_stable:
        case Action::wait_idle:
        case Action::wait_time:
        case Action::type:
        case Action::click:
        case Action::click_text:
        case Action::send:
        case Action::insert:
        case Action::eject:
        case Action::power_button:
        case Action::reset:
            return true;
        default:
            return false;
    }
}

Steps::Progress Steps::ended_within(const Attempt& attempt) const {
    return attempt.step->action == Action::type && typist_.all_pressed() ? Progress::done : Progress::waiting;
}

bool Steps::is_quick(Action action) {
    return action == Action::type || action == Action::click || action == Action::click_text;
}

Attempt Steps::begin(const Step& step) {
    const u64 now = machine_.now_ns();
    Attempt attempt{.step = &step, .begun_ns = now, .quiet_since_ns = now, .looked_ns = now};
    switch (step.action) {
        case Action::type:
            typist_.begin(held_for(step.chords, step.duration_ns));
            break;
        case Action::click:
            pointer_.begin(step.x, step.y, step.buttons);
            break;
        case Action::wait_stable:
            screen_.look();
            attempt.version = screen_.version();
            break;
        case Action::wait_idle:
            attempt.idle_ns = machine_.idle_ns();
            break;
        case Action::wait_io:
            attempt.happened = events_.await_write(static_cast<u16>(step.address), step.value);
            break;
        case Action::wait_address:
            attempt.happened = events_.await_address({step.address});
            break;
        default:
            break;
    }
    return attempt;
}

Steps::Progress Steps::check(Attempt& attempt, bool found, bool wanted, const char* where) {
    if (found == wanted) return Progress::done;
    attempt.why = fmt::format("the text is {}{}", wanted ? "not " : "", where);
    return Progress::failed;
}

Steps::Progress Steps::act(Attempt& attempt, const Result<void>& done) {
    if (done) return Progress::done;
    attempt.why = done.error().message;
    return Progress::failed;
}

Steps::Progress Steps::check_screen(Attempt& attempt, bool wanted) {
    const Result<bool> found = on_screen(attempt);
    if (found && (screen_.readable() || attempt.step->ocr))
        return check(attempt, found.value(), wanted, "on the screen");
    attempt.why = found ? kUnreadable : found.error().message;
    return Progress::failed;
}

Steps::Progress Steps::wait_screen(Attempt& attempt) {
    const Result<bool> found = on_screen(attempt);
    if (!found) {
        attempt.why = found.error().message;
        return Progress::failed;
    }
    attempt.why = screen_.readable() || attempt.step->ocr ? "" : kUnreadable;
    return found.value() ? Progress::done : Progress::waiting;
}

/// Looks at the screen for the step's text, exactly first.
Result<bool> Steps::on_screen(Attempt& attempt) {
    const Step& step = *attempt.step;
    screen_.look();
    if (contains(screen_.text(), step)) return true;
    if (!step.ocr || !machine_.graphics_mode()) return false;
    const bool waits = step.action == Action::wait_screen || step.action == Action::wait_screen_regex;
    if (Result<void> read = recognise(waits); !read) return read.error();
    attempt.recognised = contains(recognised_, step);
    return attempt.recognised;
}

/// `patient`: what was read last is good enough for a while.
Result<void> Steps::recognise(bool patient) {
    const u64 now = machine_.now_ns();
    if (patient && now < next_recognition_ns_) return {};
    const bool fresh = recognised_picture_.version == 0;
    if (!machine_.render_changes(recognised_picture_) && !fresh) return {};
    Result<std::string> text = host_.recognise(recognised_picture_.frame);
    if (!text) return text.error();
    recognised_ = std::move(text.value());
    next_recognition_ns_ = now + kRecognition_ns;
    return {};
}

Steps::Progress Steps::wait_stable(Attempt& attempt) {
    screen_.look();
    const u64 now = machine_.now_ns();
    if (screen_.version() != attempt.version) attempt.quiet_since_ns = now;
    attempt.version = screen_.version();
    return now - attempt.quiet_since_ns >= attempt.step->duration_ns ? Progress::done : Progress::waiting;
}

Steps::Progress Steps::wait_idle(Attempt& attempt) {
    const u64 now = machine_.now_ns(), passed = now - attempt.looked_ns;
    if (passed < kLook_ns) return Progress::waiting;
    const u64 idle = machine_.idle_ns();
    const u64 busy = passed - std::min(passed, idle - attempt.idle_ns);
    attempt.looked_ns = now;
    attempt.idle_ns = idle;
    if (busy * 10 > passed) attempt.quiet_since_ns = now;
    attempt.why = fmt::format("the guest was busy for {} % of the last {} ms", busy * 100 / passed, passed / 1'000'000);
    return now - attempt.quiet_since_ns >= attempt.step->duration_ns ? Progress::done : Progress::waiting;
}

Steps::Progress Steps::wait_picture(Attempt& attempt) {
    const Step& step = *attempt.step;
    static_cast<void>(machine_.render_changes(picture_));
    if (attempt.version == picture_.version) return Progress::waiting;  // as it was
    attempt.version = picture_.version;
    const devices::Frame& frame = picture_.frame;
    const Difference difference = compare(frame, *step.picture, step.x, step.y, step.tolerance);
    if (difference.outside) {
        attempt.why = fmt::format("the screen has {}x{} pixels, and the picture {}x{} at {},{}", frame.width,
                                  frame.height, step.picture->width, step.picture->height, step.x, step.y);
        return Progress::waiting;
    }
    attempt.why =
        fmt::format("{} pixels differ, the first of them at {},{}", difference.pixels, difference.x, difference.y);
    return difference.pixels == 0 ? Progress::done : Progress::waiting;
}

/// What was looked through in vain is not looked through again: a wait that ends without finding fails the scenario.
Steps::Progress Steps::find_serial(Attempt& attempt) {
    const Step& step = *attempt.step;
    const std::string& output = serial(step);
    std::size_t& from = looked_.at(step.port);
    if (step.action == Action::wait_serial) {
        const std::size_t at = output.find(step.text, from);
        if (at != output.npos) {
            from = at + step.text.size();
            return Progress::done;
        }
        if (output.size() >= step.text.size()) from = std::max(from, output.size() - step.text.size() + 1);
        return wait_for_more(attempt);
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
    return wait_for_more(attempt);
}

Steps::Progress Steps::wait_for_more(Attempt& attempt) {
    if (!lines_.at(attempt.step->port)->full()) return Progress::waiting;
    attempt.why = fmt::format("the guest sent more than {} MiB, which is where a scenario stops listening",
                              SerialLine::kMostOutput >> 20);
    return Progress::failed;
}

Steps::Progress Steps::type(Attempt& attempt) {
    switch (typist_.step()) {
        case Typist::State::done:
            return Progress::done;
        case Typist::State::typing:
            return Progress::waiting;
        case Typist::State::stuck:
            break;
    }
    attempt.why = fmt::format("the guest reads no keys: it took {} of {} and none in {} s", typist_.typed(),
                              typist_.all(), whole_seconds(Typist::kPatience_ns));
    return Progress::failed;
}

Steps::Progress Steps::click(Attempt& attempt) {
    switch (pointer_.step()) {
        case Pointer::State::done:
            return Progress::done;
        case Pointer::State::moving:
            return Progress::waiting;
        case Pointer::State::stuck:
            break;
    }
    attempt.why = fmt::format("the guest has not read the mouse for {} s", whole_seconds(Pointer::kPatience_ns));
    return Progress::failed;
}

Steps::Progress Steps::click_text(Attempt& attempt) {
    if (attempt.pointing) return click(attempt);
    screen_.look();
    attempt.why = screen_.readable() ? "the text is not on the screen" : kUnreadable;
    const auto place = screen_.find(attempt.step->text);
    if (!place) return Progress::waiting;
    attempt.pointing = true;
    pointer_.begin(place->x, place->y, attempt.step->buttons);
    return Progress::waiting;
}

Steps::Progress Steps::poll(Attempt& attempt) {
    const Step& step = *attempt.step;
    const auto until = [](bool over) { return over ? Progress::done : Progress::waiting; };
    const auto in_serial = [&] { return serial(step).find(step.text) != std::string::npos; };
    switch (step.action) {
        case Action::wait_screen:
        case Action::wait_screen_regex:
            return wait_screen(attempt);
        case Action::wait_serial:
        case Action::wait_serial_regex:
            return find_serial(attempt);
        case Action::wait_stable:
            return wait_stable(attempt);
        case Action::wait_idle:
            return wait_idle(attempt);
        case Action::wait_picture:
            return wait_picture(attempt);
        case Action::wait_io:
        case Action::wait_address:
            return until(*attempt.happened);
        case Action::wait_time:
            return until(machine_.now_ns() - attempt.begun_ns >= step.duration_ns);
        case Action::wait_power_off:
            return until(ended_ == StopReason::power_off);
        case Action::wait_halt:
            return until(ended_ == StopReason::halted);
        case Action::type:
            return type(attempt);
        case Action::click:
            return click(attempt);
        case Action::click_text:
            return click_text(attempt);
        case Action::send:
            lines_.at(step.port)->send(step.text);
            return Progress::done;
        case Action::insert:
            return act(attempt,
                       machine_.change_medium(
                           step.text, ImageConfig{.path = step.file, .readonly = false, .temporary_overlay = true}));
        case Action::eject:
            return act(attempt, machine_.eject(step.text));
        case Action::power_button:
            machine_.system_powerdown();
            return Progress::done;
        case Action::reset:
            machine_.system_reset();
            return Progress::done;
        case Action::screenshot:
            return act(attempt, host_.screenshot(step.file));
        case Action::run:
            return act(attempt, host_.run(step));
        case Action::expect_screen:
            return check_screen(attempt, true);
        case Action::reject_screen:
            return check_screen(attempt, false);
        case Action::expect_serial:
            return check(attempt, in_serial(), true, "in the serial output");
        case Action::reject_serial:
            return check(attempt, in_serial(), false, "in the serial output");
        case Action::hash:
            attempt.why = fmt::format("{:016x}", machine_.state_hash());
            return Progress::done;
        case Action::expect_refusal:
            attempt.why = "the machine could be built";
            return Progress::failed;
    }
    return Progress::failed;
}

}  // namespace bantam::scenario
