#include "frontend/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "frontend/machine_file.h"
#include "frontend/values.h"

namespace bantam::frontend {
namespace {

Error usage(const std::string& message) {
    return {ExitStatus::usage, message + " ('bantam help' lists commands and options)"};
}

/// CLI11's view of one command: its subcommand and what it found.
struct Parsed {
    CLI::App* app = nullptr;
    std::map<std::string_view, CLI::Option*> options;
    std::string positional;
    std::vector<std::string> positionals;
};

void add_options(Parsed& parsed, Command command) {
    for (const Option& option : option_table()) {
        if (option.command != command) continue;
        const std::string flag = "--" + std::string(option.name);
        const std::string names = option.name == "jobs" ? "-j," + flag : flag;
        CLI::Option* added = option.is_flag() ? parsed.app->add_flag(names) : parsed.app->add_option(names);
        if (option.repeatable) {
            added->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false)->take_all();
        } else {
            added->take_last();
        }
        parsed.options.emplace(option.name, added);
    }
}

Result<void> apply_options(const Parsed& parsed, Command command, Settings& settings) {
    for (const Option& option : option_table()) {
        const auto found = parsed.options.find(option.name);
        if (option.command != command || found == parsed.options.end() || found->second->count() == 0) continue;
        option.clear(settings);
        for (const std::string& text : found->second->results()) {
            if (const Result<void> set = option.set(settings, text); !set) {
                return usage(fmt::format("--{}: {}", option.name, set.error().message));
            }
        }
    }
    return {};
}

Error unknown_argument(const std::string& argument, Command command) {
    if (argument.starts_with("--")) {
        const std::string name = argument.substr(2, argument.find('=') - 2);
        const auto known = nearest(name, option_names(command, false));
        return usage(
            fmt::format("unknown option '--{}'{}", name, known ? fmt::format("; did you mean '--{}'?", *known) : ""));
    }
    return usage(fmt::format("unexpected argument '{}'", argument));
}

std::vector<std::string_view> command_names() {
    std::vector<std::string_view> names;
    for (const CommandInfo& info : command_table()) names.push_back(info.name);
    return names;
}

Result<CommandLine> finish_run(const Parsed& run, CommandLine line) {
    if (!run.positional.empty()) {
        if (const Result<void> read = read_machine_file(run.positional, line.settings); !read) return read.error();
    }
    if (const Result<void> applied = apply_options(run, Command::run, line.settings); !applied) return applied.error();
    if (const Result<void> completed = complete_settings(line.settings); !completed) return completed.error();
    return line;
}

Result<CommandLine> finish_test(CommandLine line) {
    const TestOptions& test = line.settings.test;
    const ControlConfig::Kind kind = test.gdb.line.kind;
    if (test.stop_at_failure != (kind != ControlConfig::Kind::none))
        return usage(
            "--stop-at-failure and --gdb go together: the one stops the machine, the other lets gdb look at it");
    if (kind == ControlConfig::Kind::stdio)
        return usage("--gdb stdio: the results go there; use tcp:PORT or unix:PATH");
    if (test.film && test.artifacts.empty()) return usage("--film is one of the artefacts: add --artifacts DIR");
    if (test.stop_at_failure && test.scenarios.size() != 1)
        return usage("--stop-at-failure takes one scenario: its machine stands until somebody ends it");
    return line;
}

/// `bantam test --record FILE.toml`: a machine runs for it, by the options of `bantam run`.
bool records_scenario(const std::vector<std::string>& arguments) {
    const auto any = [&](auto matches) { return std::any_of(arguments.begin(), arguments.end(), matches); };
    return !arguments.empty() && arguments.front() == "test" &&
           any([](const std::string& word) { return word == "--record" || word.starts_with("--record="); }) &&
           !any([](const std::string& word) { return word == "--help" || word == "-h"; });
}

}  // namespace

Result<CommandLine> parse_command_line(std::vector<std::string> arguments) {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    app.require_subcommand(0, 1);  // a second command's name is a positional argument of the first
    bool version = false;
    bool help = false;
    bool generate_manual = false;
    bool generate_completion = false;
    app.add_flag("--version,-V", version);
    app.add_flag("--help,-h", help);
    app.add_flag("--generate-man", generate_manual);
    app.add_flag("--generate-completion", generate_completion);

    std::map<Command, Parsed> commands;
    for (const CommandInfo& info : command_table()) {
        Parsed& parsed = commands[info.command];
        parsed.app = app.add_subcommand(std::string(info.name));
        parsed.app->set_help_flag();
        parsed.app->allow_extras();
        parsed.app->add_flag("--help,-h", help);
        add_options(parsed, info.command);
    }
    commands[Command::run].app->add_option("MACHINE.toml", commands[Command::run].positional);
    commands[Command::test].app->add_option("SCENARIO", commands[Command::test].positionals);
    commands[Command::ctl].app->add_option("PATH COMMAND ARG", commands[Command::ctl].positionals);
    commands[Command::disassemble].app->add_option("FILE", commands[Command::disassemble].positional);
    commands[Command::help].app->add_option("COMMAND", commands[Command::help].positional);

    if (records_scenario(arguments)) arguments.front() = "run";
    std::reverse(arguments.begin(), arguments.end());  // CLI11 wants the first argument last
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ArgumentMismatch& error) {  // "--memory: 1 required TEXT missing"
        const std::string_view text = error.what();
        const std::string_view flag = text.substr(0, text.find(':'));
        for (const Option& option : option_table()) {
            if (flag.size() > 2 && flag.substr(2) == option.name)
                return usage(fmt::format("{} needs a value: {} {}", flag, flag, option.value));
        }
        return usage(error.what());
    } catch (const CLI::ParseError& error) {
        return usage(error.what());
    }

    CommandLine line;
    if (generate_manual || generate_completion) {
        line.generated = generate_manual ? Generated::manual : Generated::completion;
        return line;
    }
    if (version) {
        line.command = Command::version;
        return line;
    }
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    if (chosen.empty()) {
        const std::vector<std::string> rest = app.remaining();
        if (help && rest.empty()) return line;
        if (rest.empty()) return usage("no command given");
        if (rest.front().starts_with("-")) return unknown_argument(rest.front(), Command::run);
        return usage(fmt::format("unknown command '{}'{}", rest.front(), suggestion(rest.front(), command_names())));
    }
    for (const auto& [command, parsed] : commands) {
        if (parsed.app != chosen.front()) continue;
        line.command = help ? Command::help : command;
        line.help_topic = help ? parsed.app->get_name() : std::string{};
        const std::vector<std::string> rest = app.remaining(true);
        if (!rest.empty() && !help) return unknown_argument(rest.front(), command);
    }
    switch (line.command) {
        case Command::run:
            return finish_run(commands[Command::run], std::move(line));
        case Command::test: {
            const Parsed& parsed = commands[Command::test];
            if (parsed.positionals.empty()) return usage("test needs a scenario");
            line.settings.test.scenarios = parsed.positionals;
            if (const Result<void> applied = apply_options(parsed, Command::test, line.settings); !applied) {
                return applied.error();
            }
            return finish_test(std::move(line));
        }
        case Command::ctl: {
            const std::vector<std::string>& words = commands[Command::ctl].positionals;
            if (words.size() < 2) return usage("ctl needs the path of a machine's QMP socket and a command");
            line.settings.control = {.place = words.front(), .words = {words.begin() + 1, words.end()}};
            return line;
        }
        case Command::disassemble: {
            const Parsed& parsed = commands[Command::disassemble];
            line.settings.disassemble.file = parsed.positional;
            if (parsed.positional.empty()) return usage("disassemble needs a file");
            if (const Result<void> applied = apply_options(parsed, Command::disassemble, line.settings); !applied) {
                return applied.error();
            }
            return line;
        }
        case Command::help: {
            if (line.help_topic.empty()) line.help_topic = commands[Command::help].positional;
            const auto names = command_names();
            if (!line.help_topic.empty() && std::find(names.begin(), names.end(), line.help_topic) == names.end()) {
                return usage(
                    fmt::format("unknown command '{}'{}", line.help_topic, suggestion(line.help_topic, names)));
            }
            return line;
        }
        case Command::doctor:
        case Command::version:
            return line;
    }
    return line;
}

}  // namespace bantam::frontend
