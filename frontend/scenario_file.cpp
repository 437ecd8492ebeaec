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
#include "frontend/scenario_steps.h"
#include "frontend/values.h"

namespace bantam::frontend {
namespace {

using scenario::Scenario;
using scenario::Step;

constexpr std::size_t kLargestFile = 256 << 10;
constexpr const char* kTooLarge = "is larger than 256K: that is no scenario";
constexpr std::size_t kMostSteps = 1000;  // of all files together, includes counted too
constexpr std::size_t kDeepestStep = 8;   // [[step.step...]]
constexpr std::size_t kDeepestInclude = 16;
constexpr std::size_t kLongestText = 64 << 10;  // after its variables are put in
constexpr u64 kWallLimit_ns = 600'000'000'000;

using Variables = std::map<std::string, std::string>;

struct Section {
    std::string header;     // empty: before the first
    std::size_t depth = 0;  // of a step: 1 for [[step]], 2 for [[step.step]]
    unsigned line = 1;      // of the header
    std::size_t begin = 0, end = 0;
};

/// 2 for "[[step.step]]"; 0: it is no step's header.
std::size_t step_depth(std::string_view header) {
    if (!header.starts_with("[[step") || !header.ends_with("]]")) return 0;
    header = header.substr(6, header.size() - 8);
    if (header.size() % 5 != 0) return 0;
    for (std::size_t at = 0; at < header.size(); at += 5) {
        if (header.substr(at, 5) != ".step") return 0;
    }
    return header.size() / 5 + 1;
}

/// What the files of one scenario have in common.
struct Reading {
    const ReadFile& read;
    std::vector<std::string> files;  // that are being read, each included by the one before
    std::size_t sections = 0;        // of steps, in all files
    std::string machine_place = {};  // where [machine] is; empty: nowhere yet
    Settings settings = {};
};

/// A step with its place in the tree of repetitions.
struct PlacedStep {
    Step step;
    std::size_t depth = 1;
    bool repeats = false;
    std::string place;  // with the file's name
};

/// What a file consists of.
struct FileContents {
    std::string about;
    std::optional<u64> limit_ns;
    std::vector<PlacedStep> steps;
};

Error bad(std::string_view place, std::string_view cause) {
    return {ExitStatus::bad_input, fmt::format("{}: {}", place, cause)};
}

class Parser {
public:
    /// `given`: variables of the files that include this one.
    Parser(Reading& reading, std::string_view text, const std::string& name, Variables given)
        : reading_(reading), text_(text), name_(name), variables_(std::move(given)) {}

    Result<FileContents> parse() {
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
            if (section.depth != 0) read = read_step_section(section);
            if (!read) return read.error();
        }
        if (contents_.steps.empty()) return wrong(1, "there is no [[step]]");
        return std::move(contents_);
    }

private:
    [[nodiscard]] std::string place(unsigned line) const { return fmt::format("{}:{}", name_, line); }
    [[nodiscard]] Error wrong(unsigned line, std::string_view cause) const { return bad(place(line), cause); }
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
                sections_.back().end = at;
                if (Result<void> begun = begin_section(header, line, end); !begun) return begun;
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

    Result<void> begin_section(const std::string& header, unsigned line, std::size_t begin) {
        constexpr std::array<std::string_view, 4> kHeaders{"[machine]", "[variables]", "[[step]]", "[[step.step]]"};
        const std::size_t depth = step_depth(header);
        const bool known = depth != 0 || header == kHeaders[0] || header == kHeaders[1];
        if (!known)
            return wrong(line, fmt::format("'{}' is no part of a scenario, which has [machine], [variables], "
                                           "[[step]] and [[step.step]]{}",
                                           header, suggestion(header, kHeaders)));
        const bool again = depth == 0 && std::any_of(sections_.begin(), sections_.end(),
                                                     [&](const Section& s) { return s.header == header; });
        if (again) return wrong(line, fmt::format("{} is there twice", header));
        if (depth > kDeepestStep) return wrong(line, fmt::format("steps are nested {} deep at most", kDeepestStep));
        if (depth != 0 && ++reading_.sections > kMostSteps)
            return wrong(line, fmt::format("more than {} steps", kMostSteps));
        sections_.push_back({header, depth, line, begin, 0});
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
            variables_.emplace(entry.key, given != nullptr ? given : entry.values.front().text);
        }
        return {};
    }

    /// `text`, which begins on `line`, with ${NAME} replaced; $$ is a dollar sign.
    Result<std::string> expand(const std::string& text, unsigned line) const {
        std::string expanded;
        for (std::size_t i = 0; i < text.size(); ++i) {
            line += text[i] == '\n' ? 1 : 0;
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
                contents_.about = entry.values.front().text;
            } else {
                const Result<u64> time = read_duration(entry, wrong_at());
                if (!time) return time.error();
                contents_.limit_ns = time.value();
            }
        }
        return {};
    }

    [[nodiscard]] std::function<Error(unsigned, std::string_view)> wrong_at() const {
        return [this](unsigned line, std::string_view cause) { return wrong(line, cause); };
    }

    Result<void> read_machine(const Section& section) {
        if (!reading_.machine_place.empty())
            return wrong(section.line, fmt::format("a scenario has one machine, and there is [machine] in {} too",
                                                   reading_.machine_place));
        const Result<std::string> text = expand(body(section), 1);
        if (!text) return text.error();
        if (Result<void> read = read_machine_text(text.value(), name_, reading_.settings); !read)
            return as_bad(read.error());
        reading_.machine_place = place(section.line);
        return {};
    }

    /// `path` as the file names it, from where the process is.
    [[nodiscard]] std::string beside(const std::string& path) const {
        return (std::filesystem::path(name_).parent_path() / path).string();
    }

    Result<void> read_step_section(const Section& section) {
        const auto entries = read_flat_toml(body(section), name_);
        if (!entries) return as_bad(entries.error());
        const StepSurroundings around{
            .wrong = wrong_at(),
            .expand = [this](const std::string& text, unsigned line) { return expand(text, line); },
            .read = [this](const std::string& path, std::size_t most) { return reading_.read(beside(path), most); }};
        Result<ReadStep> read = read_step(entries.value(), section.line, around);
        if (!read) return read.error();
        ReadStep& step = read.value();
        // The step before it that is less deep is the one that repeats it.
        const auto parent = std::find_if(contents_.steps.rbegin(), contents_.steps.rend(),
                                         [&](const PlacedStep& before) { return before.depth < section.depth; });
        const bool nested = parent != contents_.steps.rend() && parent->depth + 1 == section.depth && parent->repeats;
        if (section.depth > 1 && !nested)
            return wrong(section.line, fmt::format("{} stands below no step that repeats: that has repeat-until = true "
                                                   "and one [step less",
                                                   section.header));
        if (!step.include.empty()) return include(step.include, section.depth, step.line);
        const bool main = reading_.files.size() == 1;
        step.step.place = main ? fmt::format("line {}", step.line) : place(step.line);
        if (!step.step.limit_ns) step.step.limit_ns = contents_.limit_ns;
        contents_.steps.push_back({std::move(step.step), section.depth, step.repeats, place(step.line)});
        return {};
    }

    Result<void> include(const std::string& file, std::size_t depth, unsigned line) {
        const std::string path = beside(file);
        const std::string canonical = std::filesystem::path(path).lexically_normal().string();
        const auto again = std::find(reading_.files.begin(), reading_.files.end(), canonical);
        if (again != reading_.files.end()) {
            std::string cycle;
            for (auto at = again; at != reading_.files.end(); ++at) cycle += *at + " includes ";
            return wrong(line, fmt::format("'include' goes in a circle: {}{}", cycle, canonical));
        }
        if (reading_.files.size() > kDeepestInclude)
            return wrong(line, fmt::format("files include each other {} deep at most", kDeepestInclude));
        const Result<std::string> text = reading_.read(path, kLargestFile);
        if (!text) return wrong(line, text.error().message);
        reading_.files.push_back(canonical);
        Result<FileContents> contents = Parser(reading_, text.value(), path, variables_).parse();
        reading_.files.pop_back();
        if (!contents) return contents.error();
        for (PlacedStep& step : contents.value().steps) {
            step.depth += depth - 1;
            contents_.steps.push_back(std::move(step));
        }
        return {};
    }

    Reading& reading_;
    const std::string_view text_;
    const std::string name_;
    std::vector<Section> sections_;
    Variables variables_;
    FileContents contents_;
};

Result<void> finish_machine(Settings& settings, const std::string& place, Scenario& scenario) {
    MachineConfig& machine = settings.machine;
    const auto refuse = [&](std::string_view cause) { return bad(place, cause); };
    const auto superfluous = [&](std::string_view cause) { return bad(place, fmt::format("{}; leave it out", cause)); };
    if (machine.hash_every_ns || machine.print_hash)
        return superfluous("print-hash: a scenario's trace says what happens when");
    if (!settings.record.empty()) return superfluous("record: a scenario's steps are there already");
    if (machine.lockstep) return superfluous("lockstep: a scenario has one machine");
    if (machine.clock == ClockKind::real_time) return superfluous("clock: a scenario runs in virtual time");
    if (machine.monitor.kind != ControlConfig::Kind::none) return superfluous("monitor: a scenario has no monitor");
    if (machine.qmp.kind != ControlConfig::Kind::none) return superfluous("qmp: a scenario is controlled by its steps");
    if (machine.gdb.line.kind != ControlConfig::Kind::none || machine.paused)
        return superfluous("gdb, paused: a scenario runs by itself");
    if (settings.display.kind != DisplayKind::automatic && settings.display.kind != DisplayKind::none)
        return superfluous("display: nobody looks at a scenario");
    if (settings.audio.kind == AudioConfig::Kind::sdl || settings.audio.kind == AudioConfig::Kind::wav)
        return superfluous("audio: a scenario is not heard");
    if (machine.debugcon.kind == DebugconConfig::Kind::stdio) return refuse("debugcon: use file:PATH");
    for (const SerialConfig& serial : machine.serials) {
        if (serial.kind != SerialConfig::Kind::none || !serial.log.empty())
            return refuse("serial: its lines end in the scenario; write serial = [\"none\", \"none\"] for two of them");
    }
    if (machine.serials.empty()) machine.serials.emplace_back();
    if (Result<void> completed = complete_settings(settings); !completed) return refuse(completed.error().message);
    scenario.machine_text = print_machine_text(settings);
    machine.headless = true;
    machine.clock = ClockKind::virtual_time;
    if (!machine.wall_limit_ns) machine.wall_limit_ns = kWallLimit_ns;
    scenario.machine = machine;
    return {};
}

/// From the tree to a list in which each step says how many of those behind it it repeats.
Result<std::vector<Step>> flatten(std::vector<PlacedStep> placed, std::size_t serial_lines) {
    std::vector<Step> steps;
    for (std::size_t i = 0; i < placed.size(); ++i) {
        std::size_t end = i + 1;
        while (end < placed.size() && placed[end].depth > placed[i].depth) ++end;
        Step& step = placed[i].step;
        if (placed[i].repeats) step.repeated = end - i - 1;
        if (placed[i].repeats && step.repeated == 0)
            return bad(placed[i].place, "'repeat-until' needs the steps to repeat, as [[step.step]] below it");
        if (step.action == scenario::Action::expect_refusal && placed.size() > 1)
            return bad(placed[i].place, "'expect-refusal' is the only step of a scenario: nothing runs");
        if (step.port >= serial_lines) {
            return bad(placed[i].place,
                       fmt::format("port {}: the machine has {} serial lines", step.port + 1, serial_lines));
        }
        steps.push_back(std::move(step));
    }
    return steps;
}

}  // namespace

Result<Scenario> read_scenario_text(std::string_view text, const std::string& name, const ReadFile& read) {
    Reading reading{.read = read, .files = {std::filesystem::path(name).lexically_normal().string()}};
    Result<FileContents> contents = Parser(reading, text, name, {}).parse();
    if (!contents) return contents.error();
    Scenario scenario;
    scenario.about = contents.value().about;
    scenario.limit_ns = contents.value().limit_ns.value_or(scenario.limit_ns);
    const std::string place = reading.machine_place.empty() ? name + ":1" : reading.machine_place;
    if (Result<void> done = finish_machine(reading.settings, place, scenario); !done) return done.error();
    Result<std::vector<Step>> steps = flatten(std::move(contents.value().steps), scenario.machine.serials.size());
    if (!steps) return steps.error();
    scenario.steps = std::move(steps.value());
    return scenario;
}

Result<Scenario> read_scenario_file(const std::string& path) {
    const auto read = [](const std::string& file, std::size_t most) {
        return read_text_file(file, most, "is too large");
    };
    const Result<std::string> text = read_text_file(path, kLargestFile, kTooLarge);
    if (!text) return text.error();
    Result<Scenario> scenario = read_scenario_text(text.value(), shown_name(path), read);
    if (scenario) scenario.value().name = path == "-" ? "stdin" : std::filesystem::path(path).stem().string();
    return scenario;
}

}  // namespace bantam::frontend
