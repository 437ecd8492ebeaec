#include "frontend/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "frontend/flat_toml.h"
#include "frontend/machine_file.h"

namespace bantam::frontend {
namespace {

using devices::KeyCode;

bool changes_others(KeyCode key) {
    constexpr std::array<std::string_view, 8> kNames{"shift", "shift_r", "ctrl",   "ctrl_r",
                                                     "alt",   "alt_r",   "meta_l", "meta_r"};
    return std::find(kNames.begin(), kNames.end(), devices::key_row(key).name) != kNames.end();
}
bool is_shift(KeyCode key) { return devices::key_row(key).name.starts_with("shift"); }

/// The character that a US keyboard types with the key.
std::optional<char> character_of(KeyCode key, bool shift) {
    static const auto characters = [] {
        std::map<std::pair<KeyCode, bool>, char> all;
        for (char c = '~'; c >= '\n'; --c) {
            const bool text = c >= ' ' || c == '\n' || c == '\t';
            if (const auto typed = text ? devices::key_for_ascii(c) : std::nullopt) all[{typed->key, typed->shift}] = c;
        }
        return all;
    }();
    const auto found = characters.find({key, shift});
    return found == characters.end() ? std::nullopt : std::optional(found->second);
}

/// Variables are written ${NAME} in scenarios.
std::string literal(const std::string& text) {
    std::string doubled;
    for (const char c : text) doubled.append(c == '$' ? 2 : 1, c);
    return quote_toml(doubled);
}

/// The longest part without unknown glyphs of the last line that has any text.
std::string last_words(const std::string& screen) {
    std::size_t end = screen.find_last_not_of("\n ");
    if (end == screen.npos) return {};
    const std::size_t line = screen.rfind('\n', end) + 1;
    std::string_view rest = std::string_view(screen).substr(line, end + 1 - line);
    std::string_view best;
    constexpr std::string_view kUnknown = "\uFFFD";
    while (true) {
        const std::size_t part_end = std::min(rest.find(kUnknown), rest.size());
        std::string_view part = rest.substr(0, part_end);
        part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
        if (part.size() > best.size()) best = part;
        if (part_end == rest.size()) return std::string(best);
        rest.remove_prefix(part_end + kUnknown.size());
    }
}

/// The settings as a scenario may have them: it has its own clock, ends of serial lines, no other control, and is not
/// heard.
Settings for_scenario(Settings settings) {
    MachineConfig& machine = settings.machine;
    machine.monitor = machine.qmp = machine.gdb.line = {};
    machine.gdb.bits = 0;
    machine.paused = machine.print_hash = machine.headless = false;
    machine.hash_every_ns.reset();
    machine.clock = ClockKind::automatic;
    machine.trace = {};
    machine.plugins.clear();
    for (SerialConfig& serial : machine.serials) serial = {};
    if (machine.debugcon.kind == DebugconConfig::Kind::stdio) machine.debugcon = {};
    settings.display = {};
    settings.audio = {};
    settings.record.clear();
    return settings;
}

}  // namespace

Recorder::Recorder(Machine& machine, const Settings& settings)
    : machine_(machine), screen_(machine), machine_text_(print_machine_text(for_scenario(settings))) {
    machine.observe_input([this](const InputEvent& event) { take(event); });
}

void Recorder::add_step(const std::string& key, const std::string& value) {
    steps_ += fmt::format("\n[[step]]\n{} = {}\n", key, value);
}

void Recorder::take(const InputEvent& event) {
    if (event.kind == InputEvent::Kind::key) return key(event.key, event.pressed);
    const bool presses = event.buttons != 0 && buttons_ == 0;
    const bool pointer = event.kind == InputEvent::Kind::pointed || event.kind == InputEvent::Kind::buttons;
    if (pointer) buttons_ = event.buttons;
    if (pointer && !presses) return;
    end_keys();
    await_screen();
    switch (event.kind) {
        case InputEvent::Kind::pointed:
            return click(event);
        case InputEvent::Kind::buttons:
            steps_ +=
                "\n# A click: where is known to the guest alone. Write click = \"X,Y\" or click-text = \"TEXT\" "
                "here.\n";
            return;
        case InputEvent::Kind::inserted:
            return add_step("insert", literal(event.device + "=" + event.file));
        case InputEvent::Kind::ejected:
            return add_step("eject", literal(event.device));
        case InputEvent::Kind::power_button:
            return add_step("power-button", "true");
        case InputEvent::Kind::reset:
            return add_step("reset", "true");
        case InputEvent::Kind::key:
            return;
    }
}

void Recorder::key(KeyCode code, bool pressed) {
    if (changes_others(code)) {
        std::erase(held_, code);
        if (pressed) held_.push_back(code);
        return;
    }
    if (!pressed) return;
    const u64 now = machine_.now_ns();
    const bool idle = typed_.empty() && chords_.empty();
    if (idle || now - last_key_ns_ >= kPause_ns) {
        end_keys();
        await_screen();
    }
    last_key_ns_ = now;
    const bool shifted = std::any_of(held_.begin(), held_.end(), is_shift);
    const bool others = std::any_of(held_.begin(), held_.end(), [](KeyCode held) { return !is_shift(held); });
    const std::optional<char> character = others ? std::nullopt : character_of(code, shifted);
    if (character) {
        if (!chords_.empty()) end_keys();
        typed_ += *character;
        return;
    }
    if (!typed_.empty()) end_keys();
    std::string chord;
    for (const KeyCode held : held_) chord += fmt::format("{}-", devices::key_row(held).name);
    chords_.push_back(chord + std::string(devices::key_row(code).name));
}

void Recorder::end_keys() {
    if (!typed_.empty()) add_step("type", literal(typed_));
    std::string keys;
    for (const std::string& chord : chords_) keys += (keys.empty() ? "" : ", ") + quote_toml(chord);
    if (!chords_.empty()) add_step("keys", chords_.size() == 1 ? keys : fmt::format("[{}]", keys));
    typed_.clear();
    chords_.clear();
}

void Recorder::click(const InputEvent& event) {
    const devices::Frame frame = machine_.frame();
    add_step("click",
             fmt::format("\"{},{}\"", u64{event.x} * frame.width / 0x10000, u64{event.y} * frame.height / 0x10000));
    if ((event.buttons & 1) == 0)
        steps_ += fmt::format("button = \"{}\"\n", (event.buttons & 2) != 0 ? "right" : "middle");
}

void Recorder::await_screen() {
    screen_.look();
    const std::string words = last_words(screen_.text());
    if (!words.empty() && words != last_wait_) {
        add_step("wait-screen", literal(words));
        last_wait_ = words;
    } else {
        add_step("wait-stable", "\"500ms\"");
    }
}

std::string Recorder::text(const Outcome& outcome) {
    end_keys();
    if (outcome.reason == StopReason::power_off) add_step("wait-power-off", "true");
    if (steps_.empty()) add_step("wait-time", "\"1s\"");
    return fmt::format("limit = \"60s\"\n\n[machine]\n{}{}", machine_text_, steps_);
}

}  // namespace bantam::frontend
