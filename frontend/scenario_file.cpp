#include "frontend/scenario_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "frontend/files.h"
#include "frontend/flat_toml.h"
#include "frontend/machine_file.h"
#include "frontend/values.h"

namespace bantam::frontend {
namespace {

using scenario::Action;
using scenario::Scenario;
using scenario::Step;

constexpr std::size_t kLargestFile = 256 << 10;
constexpr std::size_t kMostSteps = 1000;
constexpr std::size_t kLongestText = 64 << 10;  // after its variables are put in
constexpr u64 kWallLimit_ns = 600'000'000'000;

enum class Value { text, regex, keys, time, flag, drive_and_file, picture };
struct StepKey {
    std::string_view name;
    Action action;
    Value value;
    std::string_view help;
};
constexpr std::array kSteps{
    StepKey{"wait-screen", Action::wait_screen, Value::text, "until the text is on the text screen"},
    StepKey{"wait-serial", Action::wait_serial, Value::text, "until it comes on the serial line, after the last found"},
    StepKey{"wait-serial-regex", Action::wait_serial_regex, Value::regex, "the same, an expression within a line"},
    StepKey{"wait-stable", Action::wait_stable, Value::time, "until the text screen has not changed for the time"},
    StepKey{"wait-time", Action::wait_time, Value::time, "guest time"},
    StepKey{"wait-power-off", Action::wait_power_off, Value::flag, "true: until the guest turns itself off"},
    StepKey{"type", Action::type, Value::text, "text by the keyboard, paced by what the guest reads"},
    StepKey{"keys", Action::type, Value::keys, "keys by name, such as \"ctrl-alt-delete\" or [\"down\", \"ret\"]"},
    StepKey{"send", Action::send, Value::text, "bytes to the serial line"},
    StepKey{"insert", Action::insert, Value::drive_and_file, "DRIVE=FILE, a diskette or CD; writes are forgotten"},
    StepKey{"eject", Action::eject, Value::text, "DRIVE"},
    StepKey{"screenshot", Action::screenshot, Value::picture, "NAME.png or NAME.ppm in the artefacts"},
    StepKey{"expect-screen", Action::expect_screen, Value::text, "the text must be on the text screen now"},
    StepKey{"reject-screen", Action::reject_screen, Value::text, "it must not"},
    StepKey{"expect-serial", Action::expect_serial, Value::text, "the text must have come on the serial line"},
    StepKey{"reject-serial", Action::reject_serial, Value::text, "it must not"},
};

struct Section {
    std::string header;  // empty: before the first
    unsigned line = 1;   // of the header
    std::size_t begin = 0, end = 0;
};

class Parser {
public:
    Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

    Result<Scenario> parse() {
        if (Result<void> cut = cut_sections(); !cut) return cut.error();
        for (const Section& section : sections_) {
            if (section.header == "[variables]") {
                if (Result<void> read = read_variables(section); !read) return read.error();
            }
        }
        for (const Section& section : sections_) {
            Result<void> read;
            if (section.header.empty()) read = read_top(section);
            if (section.header == "[machine]") read = read_machine(section);
            if (section.header == "[[step]]") read = read_step(section);
            if (!read) return read.error();
        }
        if (scenario_.steps.empty()) return wrong(1, "there is no [[step]]");
        if (Result<void> done = finish_machine(); !done) return done.error();
        for (const Step& step : scenario_.steps) {
            if (step.port >= scenario_.machine.serials.size())
                return wrong(step.line, fmt::format("port {}: the machine has {} serial lines", step.port + 1,
                                                    scenario_.machine.serials.size()));
        }
        return std::move(scenario_);
    }

private:
    [[nodiscard]] Error wrong(unsigned line, std::string_view cause) const {
        return {ExitStatus::bad_input, fmt::format("{}:{}: {}", name_, line, cause)};
    }
    static Error as_bad(const Error& error) { return {ExitStatus::bad_input, error.message}; }

    Result<void> cut_sections() {
        sections_.push_back({});
        unsigned line = 1;
        int depth = 0;
        for (std::size_t at = 0; at < text_.size();) {
            const std::size_t word = text_.find_first_not_of(" \t", at);
            std::size_t end = at;
            if (depth == 0 && word != text_.npos && text_[word] == '[') {
                end = std::min(text_.find('\n', at), text_.size());
                std::string header(text_.substr(word, end - word));
                header.resize(std::min(header.find('#'), header.size()));
                header.erase(header.find_last_not_of(" \t\r") + 1);
                constexpr std::array<std::string_view, 3> kHeaders{"[machine]", "[variables]", "[[step]]"};
                if (std::find(kHeaders.begin(), kHeaders.end(), header) == kHeaders.end())
                    return wrong(line, fmt::format("'{}' is no part of a scenario{}; there are [machine], [variables] "
                                                   "and [[step]]",
                                                   header, suggestion(header, kHeaders)));
                const bool again = header != "[[step]]" && std::any_of(sections_.begin(), sections_.end(),
                                                                       [&](auto& s) { return s.header == header; });
                if (again) return wrong(line, fmt::format("{} is there twice", header));
                if (sections_.size() > kMostSteps) return wrong(line, fmt::format("more than {} steps", kMostSteps));
                sections_.back().end = at;
                sections_.push_back({header, line, end, 0});
            } else {
                end = end_of_line(at, depth);
            }
            if (end < text_.size()) ++end;  // the line's end
            line += static_cast<unsigned>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at),
                                                     text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
            at = end;
        }
        sections_.back().end = text_.size();
        return {};
    }

    /// The '\n' that ends what begins at `at`, outside strings and comments.
    [[nodiscard]] std::size_t end_of_line(std::size_t at, int& depth) const {
        while (at < text_.size() && text_[at] != '\n') {
            const char c = text_[at];
            if (c == '#') return std::min(text_.find('\n', at), text_.size());
            depth = std::max(0, depth + (c == '[' ? 1 : c == ']' ? -1 : 0));
            at = c == '"' || c == '\'' ? toml_string_end(text_, at) : at + 1;
            if (at > 0 && at <= text_.size() && text_[at - 1] == '\n') return at - 1;  // an unterminated string
        }
        return at;
    }

    /// The section's text at its place: the lines before it are empty.
    [[nodiscard]] std::string body(const Section& section) const {
        return std::string(section.line - 1, '\n') +
               std::string(text_.substr(section.begin, section.end - section.begin));
    }

    Result<void> read_variables(const Section& section) {
        const auto entries = read_flat_toml(body(section), name_);
        if (!entries) return as_bad(entries.error());
        for (const FlatEntry& entry : entries.value()) {
            if (entry.array) return wrong(entry.line, fmt::format("variable '{}' takes one value", entry.key));
            const char* given = std::getenv(("BANTAM_VAR_" + entry.key).c_str());
            variables_[entry.key] = given != nullptr ? given : entry.values.front().text;
        }
        return {};
    }

    /// `text` with ${NAME} replaced; $$ is a dollar sign.
    Result<std::string> expand(const std::string& text, unsigned line) const {
        std::string expanded;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '$' || i + 1 == text.size() || (text[i + 1] != '$' && text[i + 1] != '{')) {
                expanded += text[i];
            } else if (text[i + 1] == '$') {
                expanded += '$';
                ++i;
            } else {
                const std::size_t end = text.find('}', i);
                const std::string name = text.substr(i + 2, end == text.npos ? end : end - i - 2);
                const auto found = variables_.find(name);
                if (end == text.npos || found == variables_.end()) {
                    std::vector<std::string_view> names;
                    for (const auto& [known, value] : variables_) names.push_back(known);
                    return wrong(line, fmt::format("there is no variable '{}'{}", name, suggestion(name, names)));
                }
                expanded += found->second;
                i = end;
            }
            if (expanded.size() > kLongestText) return wrong(line, "the text is longer than 64K");
        }
        return expanded;
    }

    Result<void> read_top(const Section& section) {
        const auto entries = read_flat_toml(body(section), name_);
        if (!entries) return as_bad(entries.error());
        for (const FlatEntry& entry : entries.value()) {
            constexpr std::array<std::string_view, 2> kKeys{"about", "limit"};
            if (std::find(kKeys.begin(), kKeys.end(), entry.key) == kKeys.end())
                return wrong(entry.line, fmt::format("unknown key '{}'{}; above [machine] there are about and limit",
                                                     entry.key, suggestion(entry.key, kKeys)));
            if (entry.array) return wrong(entry.line, fmt::format("'{}' takes one value", entry.key));
            if (entry.key == "about") {
                scenario_.about = entry.values.front().text;
            } else {
                const Result<u64> time = duration(entry);
                if (!time) return time.error();
                scenario_.limit_ns = time.value();
            }
        }
        return {};
    }

    Result<u64> duration(const FlatEntry& entry) const {
        const auto time = entry.array ? std::nullopt : parse_duration(entry.values.front().text);
        if (time && *time != 0) return *time;
        return wrong(entry.line,
                     fmt::format("'{}' takes a length of time, such as \"500ms\", \"30s\" or \"2m\"", entry.key));
    }

    Result<void> read_machine(const Section& section) {
        const Result<std::string> text = expand(body(section), section.line);
        if (!text) return text.error();
        if (Result<void> read = read_machine_text(text.value(), name_, settings_); !read) return as_bad(read.error());
        machine_line_ = section.line;
        return {};
    }

    Result<void> finish_machine() {
        MachineConfig& machine = settings_.machine;
        const auto refuse = [&](std::string_view cause) { return wrong(machine_line_, cause); };
        if (machine.lockstep) return refuse("lockstep: a scenario has one machine");
        if (machine.clock == ClockKind::real_time) return refuse("clock: a scenario runs in virtual time");
        if (machine.monitor.kind != ControlConfig::Kind::none) return refuse("monitor: a scenario has no monitor");
        if (machine.qmp.kind != ControlConfig::Kind::none) return refuse("qmp: a scenario is controlled by its steps");
        if (machine.gdb.line.kind != ControlConfig::Kind::none || machine.paused)
            return refuse("gdb, paused: a scenario runs by itself");
        if (settings_.display == DisplayKind::sdl) return refuse("display: a scenario has no window");
        if (settings_.audio.kind == AudioConfig::Kind::sdl || settings_.audio.kind == AudioConfig::Kind::wav)
            return refuse("audio: a scenario is not heard");
        if (machine.debugcon.kind == DebugconConfig::Kind::stdio) return refuse("debugcon: use file:PATH");
        for (const SerialConfig& serial : machine.serials) {
            if (serial.kind != SerialConfig::Kind::none || !serial.log.empty())
                return refuse(
                    "serial: its lines end in the scenario; write serial = [\"none\", \"none\"] for two of them");
        }
        if (machine.serials.empty()) machine.serials.emplace_back();
        if (Result<void> completed = complete_settings(settings_); !completed)
            return wrong(machine_line_, completed.error().message);
        scenario_.machine_text = print_machine_text(settings_);
        machine.headless = true;
        machine.clock = ClockKind::virtual_time;
        if (!machine.wall_limit_ns) machine.wall_limit_ns = kWallLimit_ns;
        scenario_.machine = machine;
        return {};
    }

    Result<void> read_step(const Section& section) {
        const auto entries = read_flat_toml(body(section), name_);
        if (!entries) return as_bad(entries.error());
        Step step;
        step.line = section.line;
        const StepKey* chosen = nullptr;
        for (const FlatEntry& entry : entries.value()) {
            if (entry.key == "limit") {
                const Result<u64> time = duration(entry);
                if (!time) return time.error();
                step.limit_ns = time.value();
                continue;
            }
            if (entry.key == "port") {
                const auto port = entry.array ? std::nullopt : parse_number(entry.values.front().text);
                if (!port || *port < 1 || *port > 4) return wrong(entry.line, "'port' takes 1 to 4, for COM1 to COM4");
                step.port = static_cast<unsigned>(*port - 1);
                continue;
            }
            const auto* found =
                std::find_if(kSteps.begin(), kSteps.end(), [&](const StepKey& key) { return key.name == entry.key; });
            if (found == kSteps.end()) {
                std::vector<std::string_view> names{"limit", "port"};
                for (const StepKey& key : kSteps) names.push_back(key.name);
                return wrong(entry.line, fmt::format("unknown key '{}'{} ('bantam help test' lists them)", entry.key,
                                                     suggestion(entry.key, names)));
            }
            if (chosen != nullptr)
                return wrong(entry.line,
                             fmt::format("one step does one thing: '{}' needs a [[step]] of its own", entry.key));
            chosen = found;
            if (Result<void> set = set_step(step, *found, entry); !set) return set;
        }
        if (chosen == nullptr)
            return wrong(section.line, "this step does nothing ('bantam help test' lists what it may)");
        scenario_.steps.push_back(std::move(step));
        return {};
    }

    Result<void> set_step(Step& step, const StepKey& key, const FlatEntry& entry) {
        step.action = key.action;
        step.line = entry.line;
        if ((entry.array && key.value != Value::keys) || entry.values.empty() ||
            entry.values.front().flag != (key.value == Value::flag))
            return wrong(entry.line, fmt::format("'{}' takes {}", key.name,
                                                 key.value == Value::flag   ? "true"
                                                 : key.value == Value::keys ? "a string or an array of them"
                                                                            : "one string"));
        std::vector<std::string> texts;
        for (const FlatValue& raw : entry.values) {
            Result<std::string> text = expand(raw.text, raw.line);
            if (!text) return text.error();
            texts.push_back(std::move(text.value()));
        }
        const std::string& text = texts.front();
        step.text = text;
        std::string shown = text.substr(0, 60);
        for (char& c : shown) c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
        step.source = fmt::format("{} \"{}\"{}", key.name, shown, text.size() > 60 ? "..." : "");
        if (text.empty()) return wrong(entry.line, fmt::format("'{}': the text is empty", key.name));
        switch (key.value) {
            case Value::flag:
                if (text != "true") return wrong(entry.line, fmt::format("'{}' takes true", key.name));
                break;
            case Value::time: {
                const Result<u64> time = duration(entry);
                if (!time) return time.error();
                step.duration_ns = time.value();
                break;
            }
            case Value::keys:
                for (const std::string& keys : texts) {
                    Result<Chord> chord = parse_chord(keys);
                    if (!chord) return wrong(entry.line, chord.error().message);
                    step.chords.push_back(std::move(chord.value()));
                }
                break;
            case Value::regex: {
                Result<scenario::Expression> compiled = scenario::Expression::compile(text);
                if (!compiled) return wrong(entry.line, compiled.error().message);
                step.expression = std::move(compiled.value());
                break;
            }
            case Value::drive_and_file: {
                const std::size_t equals = text.find('=');
                if (equals == text.npos || equals == 0 || equals + 1 == text.size())
                    return wrong(entry.line, "'insert' takes DRIVE=FILE");
                step.text = text.substr(0, equals);
                step.file = text.substr(equals + 1);
                break;
            }
            case Value::picture:
                if (text.find('/') != text.npos || !(text.ends_with(".png") || text.ends_with(".ppm")))
                    return wrong(entry.line, "'screenshot' takes a file name without folder that ends in .png or .ppm");
                step.file = text;
                break;
            case Value::text:
                if (key.action == Action::type) {
                    Result<std::vector<Chord>> chords = scenario::chords_for_text(text);
                    if (!chords) return wrong(entry.line, chords.error().message);
                    step.chords = std::move(chords.value());
                }
                break;
        }
        return {};
    }

    std::string_view text_;
    const std::string name_;
    std::vector<Section> sections_;
    std::map<std::string, std::string> variables_;
    Settings settings_;
    unsigned machine_line_ = 1;
    Scenario scenario_;
};

}  // namespace

Result<Scenario> read_scenario_text(std::string_view text, const std::string& name) {
    return Parser(text, name).parse();
}

Result<Scenario> read_scenario_file(const std::string& path) {
    const Result<std::string> text = read_text_file(path, kLargestFile, "is larger than 256K: that is no scenario");
    if (!text) return text.error();
    Result<Scenario> scenario = read_scenario_text(text.value(), shown_name(path));
    if (scenario) scenario.value().name = path == "-" ? "stdin" : std::filesystem::path(path).stem().string();
    return scenario;
}

std::string scenario_steps_text() {
    std::string text;
    for (const StepKey& key : kSteps) text += fmt::format("  {:<18} {}\n", key.name, key.help);
    return text;
}

}  // namespace bantam::frontend
