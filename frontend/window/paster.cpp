#include "frontend/window/paster.h"

#include <fmt/format.h>

#include "frontend/window/utf8.h"

namespace bantam::frontend {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;  // hours of typing

bool is_text(char32_t character) {
    return (character >= ' ' && character <= '~') || character == '\n' || character == '\t';
}

}  // namespace

Result<std::vector<Keystroke>> keystrokes_for_paste(std::string_view text) {
    if (text.empty()) return Error{ExitStatus::usage, "the clipboard holds no text"};
    if (text.size() > kMostBytes)
        return Error{ExitStatus::usage, "the clipboard holds more than 1 MiB: nothing was typed"};
    std::string lines;
    std::size_t line = 1;
    while (!text.empty()) {
        char32_t character = take_character(text);
        if (character == '\r') {
            if (text.starts_with('\n')) continue;
            character = '\n';
        }
        if (!is_text(character)) {
            return Error{ExitStatus::usage,
                         fmt::format("nothing was typed: line {} has U+{:04X}, which a US keyboard has no key for",
                                     line, static_cast<unsigned>(character))};
        }
        if (character == '\n') ++line;
        lines += static_cast<char>(character);
    }
    return keystrokes_for_text(lines);
}

Paster::Paster(Machine& machine, std::function<void(std::string)> say)
    : typist_(machine),
      machine_(machine),
      say_(std::move(say)),
      timer_(machine.host_timer("paste", [this] { step(); })) {}

void Paster::begin(std::vector<Keystroke> keystrokes) {
    typist_.begin(std::move(keystrokes));
    percent_ = 0;
    active_ = true;
    step();
}

void Paster::stop() {
    if (!active_) return;
    end(fmt::format("pasting was stopped after {} of {} characters", typist_.typed(), typist_.all()));
}

void Paster::step() {
    using State = Typist::State;
    const State state = typist_.step();
    percent_ = static_cast<unsigned>(100 * typist_.typed() / std::max<std::size_t>(typist_.all(), 1));
    if (state == State::typing) return timer_->arm(machine_.now_ns() + kPeriod_ns);
    end(state == State::done
            ? fmt::format("{} characters were typed", typist_.all())
            : fmt::format("the guest reads no keys: it took {} of {} characters", typist_.typed(), typist_.all()));
}

void Paster::end(std::string text) {
    typist_.stop();
    timer_->disarm();
    active_ = false;
    say_(std::move(text));
}

}  // namespace bantam::frontend
