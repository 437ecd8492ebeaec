#include "frontend/scenario_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "frontend/values.h"

namespace bantam::frontend {
namespace {

using scenario::Action;
using scenario::Step;

constexpr std::size_t kLargestPicture = std::size_t{16} << 20;

enum class Value { text, regex, keys, time, flag, drive_and_file, screenshot, picture, io, address, place, include };
struct StepKey {
    std::string_view name;
    Action action;
    Value value;
    std::string_view help;
};
constexpr std::array kSteps{
    StepKey{"wait-screen", Action::wait_screen, Value::text, "until the text is on the screen"},
    StepKey{"wait-screen-regex", Action::wait_screen_regex, Value::regex, "the same, an expression within a line"},
    StepKey{"wait-serial", Action::wait_serial, Value::text, "until it comes on the serial line, after the last found"},
    StepKey{"wait-serial-regex", Action::wait_serial_regex, Value::regex, "the same, an expression within a line"},
    StepKey{"wait-stable", Action::wait_stable, Value::time, "until the screen has not changed for the time"},
    StepKey{"wait-idle", Action::wait_idle, Value::time, "until the guest has been halted for the time"},
    StepKey{"wait-picture", Action::wait_picture, Value::picture,
            "until the screen shows the PNG file, from at = \"X,Y\" on"},
    StepKey{"wait-io", Action::wait_io, Value::io, "until a write to the port: \"0x80\", or \"0x80=0x55\""},
    StepKey{"wait-address", Action::wait_address, Value::address,
            "until the instruction at the linear address is next"},
    StepKey{"wait-time", Action::wait_time, Value::time, "guest time"},
    StepKey{"wait-power-off", Action::wait_power_off, Value::flag, "true: until the guest turns itself off"},
    StepKey{"wait-halt", Action::wait_halt, Value::flag, "true: until it has halted, and nothing can wake it"},
    StepKey{"type", Action::type, Value::text, "text by the keyboard, paced by what the guest reads"},
    StepKey{"keys", Action::type, Value::keys, "keys by name, such as \"ctrl-alt-delete\" or [\"down\", \"ret\"]"},
    StepKey{"click", Action::click, Value::place, "\"X,Y\" in pixels, by the mouse"},
    StepKey{"click-text", Action::click_text, Value::text, "on the text, when it is on the screen"},
    StepKey{"send", Action::send, Value::text, "bytes to the serial line"},
    StepKey{"insert", Action::insert, Value::drive_and_file, "DRIVE=FILE, a diskette or CD; writes are forgotten"},
    StepKey{"eject", Action::eject, Value::text, "DRIVE"},
    StepKey{"power-button", Action::power_button, Value::flag, "true: pressed, by ACPI"},
    StepKey{"reset", Action::reset, Value::flag, "true: the reset button is pressed"},
    StepKey{"screenshot", Action::screenshot, Value::screenshot, "NAME.png or NAME.ppm in the artefacts"},
    StepKey{"run", Action::run, Value::text, "a command of the host, among the artefacts; status 0 is wanted"},
    StepKey{"expect-screen", Action::expect_screen, Value::text, "the text must be on the screen now"},
    StepKey{"reject-screen", Action::reject_screen, Value::text, "it must not"},
    StepKey{"expect-serial", Action::expect_serial, Value::text, "the text must have come on the serial line"},
    StepKey{"reject-serial", Action::reject_serial, Value::text, "it must not"},
    StepKey{"hash", Action::hash, Value::flag, "true: the machine's state, as a hash, into the trace"},
    StepKey{"expect-refusal", Action::expect_refusal, Value::regex,
            "the only step: no machine is built, and the reason matches"},
    StepKey{"include", Action::wait_time, Value::include, "the steps of another scenario file, relative to this one"},
};

bool talks_serial(Action action) {
    return action == Action::wait_serial || action == Action::wait_serial_regex || action == Action::send ||
           action == Action::expect_serial || action == Action::reject_serial;
}
bool finds_text(Action action) {
    return action == Action::wait_screen || action == Action::wait_screen_regex || action == Action::expect_screen ||
           action == Action::reject_screen;
}
bool is_picture(Action action) { return action == Action::wait_picture; }
bool is_typing(Action action) { return action == Action::type; }
bool is_click(Action action) { return action == Action::click || action == Action::click_text; }
/// What repeating can end with: whether it holds is known at any time.
bool ends_repeating(Action action) {
    return action == Action::wait_screen || action == Action::wait_screen_regex || action == Action::wait_serial ||
           action == Action::wait_serial_regex || action == Action::wait_picture || action == Action::wait_io ||
           action == Action::wait_address || action == Action::wait_power_off || action == Action::wait_halt;
}
bool anything(Action) { return true; }

/// What may stand beside the key that says what the step does.
struct Parameter {
    std::string_view name;
    bool (*belongs_to)(Action action);
    std::string_view help;
};
constexpr std::array kParameters{
    Parameter{"limit", anything, "TIME of the guest that the step may take (run: of the host)"},
    Parameter{"port", talks_serial, "1 to 4: the serial line"},
    Parameter{"ocr", finds_text, "true: also in what the program tesseract makes of the picture; it may err"},
    Parameter{"at", is_picture, "\"X,Y\": where the picture is on the screen"},
    Parameter{"tolerance", is_picture, "0 to 255: by so much each colour may differ"},
    Parameter{"hold", is_typing, "TIME that each key is down, instead of until it is read"},
    Parameter{"button", is_click, "left, right or middle"},
    Parameter{"repeat-until", ends_repeating, "true: repeat the [[step.step]] below until the wait is over"},
};

std::optional<std::pair<unsigned, unsigned>> parse_place(std::string_view text) {
    constexpr u64 kMost = 16384;
    const std::size_t comma = text.find(',');
    if (comma == text.npos) return std::nullopt;
    const auto x = parse_number(text.substr(0, comma)), y = parse_number(text.substr(comma + 1));
    if (!x || !y || *x > kMost || *y > kMost) return std::nullopt;
    return std::pair(static_cast<unsigned>(*x), static_cast<unsigned>(*y));
}

class StepReader {
public:
    StepReader(const StepSurroundings& around, unsigned line) : around_(around) { read_.line = line; }

    Result<ReadStep> read(const std::vector<FlatEntry>& entries) {
        for (const FlatEntry& entry : entries) {
            const auto* key =
                std::find_if(kSteps.begin(), kSteps.end(), [&](const StepKey& k) { return k.name == entry.key; });
            if (key == kSteps.end()) continue;
            if (chosen_ != nullptr)
                return wrong(entry,
                             fmt::format("one step does one thing: '{}' needs a [[step]] of its own", entry.key));
            chosen_ = key;
            if (Result<void> set = set_action(entry); !set) return set.error();
        }
        for (const FlatEntry& entry : entries) {
            const bool known = chosen_ != nullptr && chosen_->name == entry.key;
            if (known) continue;
            if (Result<void> set = set_parameter(entry); !set) return set.error();
        }
        if (chosen_ == nullptr)
            return around_.wrong(read_.line, "this step does nothing ('bantam help test' lists what it may)");
        return std::move(read_);
    }

private:
    [[nodiscard]] Error wrong(const FlatEntry& entry, std::string_view cause) const {
        return around_.wrong(entry.line, cause);
    }

    Result<void> set_parameter(const FlatEntry& entry) {
        const auto* parameter = std::find_if(kParameters.begin(), kParameters.end(),
                                             [&](const Parameter& p) { return p.name == entry.key; });
        if (parameter == kParameters.end()) {
            std::vector<std::string_view> names;
            for (const Parameter& known : kParameters) names.push_back(known.name);
            for (const StepKey& known : kSteps) names.push_back(known.name);
            return wrong(entry, fmt::format("unknown key '{}'{} ('bantam help test' lists them)", entry.key,
                                            suggestion(entry.key, names)));
        }
        if (chosen_ == nullptr) return {};  // refused by read()
        if (!read_.include.empty() || !parameter->belongs_to(read_.step.action))
            return wrong(entry, fmt::format("'{}' says nothing about '{}'", entry.key, chosen_->name));
        if (entry.array) return wrong(entry, fmt::format("'{}' takes one value", entry.key));
        const FlatValue& value = entry.values.front();
        const Result<std::string> text = around_.expand(value.text, value.line);
        if (!text) return text.error();
        return set_parameter(entry, text.value());
    }

    Result<void> set_parameter(const FlatEntry& entry, const std::string& text) {
        Step& step = read_.step;
        const auto number = parse_number(text);
        if (entry.key == "limit") {
            const Result<u64> time = read_duration(entry, around_.wrong);
            if (!time) return time.error();
            step.limit_ns = time.value();
        } else if (entry.key == "hold") {
            const Result<u64> time = read_duration(entry, around_.wrong);
            if (!time) return time.error();
            step.duration_ns = time.value();
        } else if (entry.key == "port") {
            if (!number || *number < 1 || *number > 4) return wrong(entry, "'port' takes 1 to 4, for COM1 to COM4");
            step.port = static_cast<unsigned>(*number - 1);
        } else if (entry.key == "at") {
            const auto place = parse_place(text);
            if (!place) return wrong(entry, "'at' takes \"X,Y\" in pixels");
            std::tie(step.x, step.y) = *place;
        } else if (entry.key == "tolerance") {
            if (!number || *number > 255) return wrong(entry, "'tolerance' takes 0 to 255");
            step.tolerance = static_cast<unsigned>(*number);
        } else if (entry.key == "button") {
            constexpr std::array<std::string_view, 3> kButtons{"left", "right", "middle"};
            const auto* button = std::find(kButtons.begin(), kButtons.end(), text);
            if (button == kButtons.end())
                return wrong(entry, fmt::format("'{}' is no button{}; there are left, right and middle", text,
                                                suggestion(text, kButtons)));
            step.buttons = 1u << (button - kButtons.begin());
        } else {
            if (text != "true") return wrong(entry, fmt::format("'{}' takes true", entry.key));
            (entry.key == "ocr" ? step.ocr : read_.repeats) = true;
        }
        return {};
    }

    Result<void> set_action(const FlatEntry& entry) {
        Step& step = read_.step;
        step.action = chosen_->action;
        read_.line = entry.line;
        const Value kind = chosen_->value;
        if ((entry.array && kind != Value::keys) || entry.values.empty() ||
            entry.values.front().flag != (kind == Value::flag))
            return wrong(entry, fmt::format("'{}' takes {}", chosen_->name,
                                            kind == Value::flag   ? "true"
                                            : kind == Value::keys ? "a string or an array of them"
                                                                  : "one string"));
        std::vector<std::string> texts;
        for (const FlatValue& raw : entry.values) {
            Result<std::string> text = around_.expand(raw.text, raw.line);
            if (!text) return text.error();
            texts.push_back(std::move(text.value()));
        }
        const std::string& text = texts.front();
        std::string shown = text.substr(0, 60);
        for (char& c : shown) c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
        step.source = fmt::format("{} \"{}\"{}", chosen_->name, shown, text.size() > 60 ? "..." : "");
        if (text.empty()) return wrong(entry, fmt::format("'{}': the text is empty", chosen_->name));
        step.text = text;
        return kind == Value::keys ? set_keys(entry, texts) : set_value(entry, text);
    }

    Result<void> set_keys(const FlatEntry& entry, const std::vector<std::string>& texts) {
        for (const std::string& keys : texts) {
            Result<Chord> chord = parse_chord(keys);
            if (!chord) return wrong(entry, chord.error().message + key_suggestion(keys));
            read_.step.chords.push_back({.keys = std::move(chord.value())});
        }
        return {};
    }

    Result<void> set_value(const FlatEntry& entry, const std::string& text) {
        Step& step = read_.step;
        switch (chosen_->value) {
            case Value::flag:
                if (text != "true") return wrong(entry, fmt::format("'{}' takes true", chosen_->name));
                break;
            case Value::time: {
                const Result<u64> time = read_duration(entry, around_.wrong);
                if (!time) return time.error();
                step.duration_ns = time.value();
                break;
            }
            case Value::regex: {
                Result<scenario::Expression> compiled = scenario::Expression::compile(text);
                if (!compiled) return wrong(entry, compiled.error().message);
                step.expression = std::move(compiled.value());
                break;
            }
            case Value::drive_and_file: {
                const std::size_t equals = text.find('=');
                if (equals == text.npos || equals == 0 || equals + 1 == text.size())
                    return wrong(entry, "'insert' takes DRIVE=FILE");
                step.text = text.substr(0, equals);
                step.file = text.substr(equals + 1);
                break;
            }
            case Value::screenshot:
                if (text.find('/') != text.npos || !(text.ends_with(".png") || text.ends_with(".ppm")))
                    return wrong(entry, "'screenshot' takes a file name without folder that ends in .png or .ppm");
                step.file = text;
                break;
            case Value::picture:
                return set_picture(entry, text);
            case Value::io:
                return set_io(entry, text);
            case Value::address: {
                const auto address = parse_number(text);
                if (!address) return wrong(entry, "'wait-address' takes a linear address, such as \"0x7c00\"");
                step.address = *address;
                break;
            }
            case Value::place: {
                const auto place = parse_place(text);
                if (!place) return wrong(entry, "'click' takes \"X,Y\" in pixels; 'click-text' finds text");
                std::tie(step.x, step.y) = *place;
                break;
            }
            case Value::include:
                read_.include = text;
                break;
            case Value::text:
                if (step.action == Action::type) {
                    Result<std::vector<Keystroke>> chords = keystrokes_for_text(text);
                    if (!chords) return wrong(entry, chords.error().message);
                    step.chords = std::move(chords.value());
                }
                break;
            case Value::keys:
                break;
        }
        return {};
    }

    Result<void> set_picture(const FlatEntry& entry, const std::string& path) {
        const Result<std::string> file = around_.read(path, kLargestPicture);
        if (!file) return wrong(entry, file.error().message);
        const auto* bytes = reinterpret_cast<const u8*>(file.value().data());
        Result<scenario::ReferencePicture> picture = scenario::decode_png({bytes, file.value().size()});
        if (!picture) return wrong(entry, fmt::format("{}: {}", path, picture.error().message));
        read_.step.picture = std::make_shared<const scenario::ReferencePicture>(std::move(picture.value()));
        return {};
    }

    Result<void> set_io(const FlatEntry& entry, const std::string& text) {
        const std::size_t equals = std::min(text.find('='), text.size());
        const auto port = parse_number(text.substr(0, equals));
        std::optional<u64> value;
        if (equals != text.size()) value = parse_number(text.substr(equals + 1));
        if (!port || *port > 0xFFFF || (equals != text.size() && (!value || *value > 0xFFFFFFFF)))
            return wrong(entry, "'wait-io' takes PORT or PORT=VALUE, such as \"0x80=0x55\"");
        read_.step.address = *port;
        if (value) read_.step.value = static_cast<u32>(*value);
        return {};
    }

    const StepSurroundings& around_;
    ReadStep read_;
    const StepKey* chosen_ = nullptr;
};

}  // namespace

Result<u64> read_duration(const FlatEntry& entry, const std::function<Error(unsigned, std::string_view)>& wrong) {
    const auto time = entry.array ? std::nullopt : parse_duration(entry.values.front().text);
    if (time && *time != 0) return *time;
    return wrong(entry.line,
                 fmt::format("'{}' takes a length of time, such as \"500ms\", \"30s\" or \"2m\"", entry.key));
}

Result<ReadStep> read_step(const std::vector<FlatEntry>& entries, unsigned line, const StepSurroundings& around) {
    return StepReader(around, line).read(entries);
}

std::string scenario_steps_text() {
    std::string text;
    for (const StepKey& key : kSteps) text += fmt::format("  {:<18} {}\n", key.name, key.help);
    text += "beside them, where they say something:\n";
    for (const Parameter& parameter : kParameters) text += fmt::format("  {:<18} {}\n", parameter.name, parameter.help);
    return text;
}

}  // namespace bantam::frontend
