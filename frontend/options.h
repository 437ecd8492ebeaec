// The option table: every option of every command, once. From it come the command line (command_line.cpp), the keys of
// MACHINE.toml and --print-config (machine_file.cpp), --help, the man page and the bash completion (manual.cpp).
// An option's value travels as text: `set` parses it, `get` prints it so that `set` reads it back the same.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "machine/config.h"

namespace bantam::frontend {

enum class Command { run, test, ctl, doctor, disassemble, help, version };

struct DisassembleOptions {
    std::string file;
    u64 offset = 0;             // into the file
    std::optional<u64> length;  // bytes; default: to the end
    std::optional<u64> base;    // address of the first byte shown; default: the offset
    unsigned bits = 64;         // 16, 32, 64
};

struct TestOptions {
    std::vector<std::string> scenarios;  // files
    u64 jobs = 1;                        // machines at a time
    std::string junit;                   // file; empty: none
    std::string artifacts;               // folder; empty: none
    std::optional<EngineKind> engine;    // instead of what the scenarios say
    bool film = false;                   // an animated picture among the artefacts
    bool stop_at_failure = false;        // and wait for gdb
    GdbConfig gdb;
};

struct ControlOptions {
    std::string place;               // socket's path, or tcp:HOST:PORT
    std::vector<std::string> words;  // the command and its arguments
};

enum class DisplayKind { automatic, none, sdl, vnc, web };

struct DisplayConfig {
    DisplayKind kind = DisplayKind::automatic;
    std::string host = {};                   // vnc, web: where it listens
    u16 port = 0;                            // 0: any that is free
    std::string password_file = {};          // empty: viewers give none
    std::string certificate = {}, key = {};  // of https; empty: http
    std::string novnc = {};                  // folder; empty: where the distribution has it
};

struct AudioConfig {
    enum class Kind { automatic, none, sdl, wav } kind = Kind::automatic;
    std::string path;  // wav
};

/// Everything a command line (and MACHINE.toml) can say.
struct Settings {
    MachineConfig machine;
    DisplayConfig display;
    AudioConfig audio;
    log::Level log_level = log::Level::warning;
    bool print_config = false;
    std::string record;  // file for a scenario of what is done to the machine; empty: none
    DisassembleOptions disassemble;
    TestOptions test;
    ControlOptions control;
};

struct Option {
    Command command;
    std::string_view name;   // without dashes; also the key in MACHINE.toml
    std::string_view value;  // what help calls the value; empty for a flag, whose texts are "true" and "false"
    std::string_view help;   // one sentence without a full stop
    std::string_view words;  // values worth completing, between spaces
    bool repeatable;
    bool in_file;                                                    // may stand in MACHINE.toml
    bool takes_file;                                                 // completes file names
    Result<void> (*set)(Settings& settings, std::string_view text);  // errors: usage, without the option's name
    std::vector<std::string> (*get)(const Settings& settings);       // nothing: as if never given
    void (*clear)(Settings& settings);                               // forgets earlier values of a repeatable option

    [[nodiscard]] bool is_flag() const { return value.empty(); }
};

/// Where a control line is, as its option says it.
std::string control_text(const ControlConfig& control);

/// FILE[,readonly][,overlay=temp], a comma in the name written twice. Errors: usage.
Result<ImageConfig> parse_image(std::string_view text);

std::span<const Option> option_table();
/// The option called `name` of `command`, or null.
const Option* find_option(Command command, std::string_view name);
/// Names of `command`'s options; only those of MACHINE.toml when `in_file`.
std::vector<std::string_view> option_names(Command command, bool in_file);

struct CommandInfo {
    Command command;
    std::string_view name;
    std::string_view usage;  // after "bantam "
    std::string_view help;
};
std::span<const CommandInfo> command_table();

struct ExitStatusInfo {
    ExitStatus status;
    std::string_view meaning;
};
std::span<const ExitStatusInfo> exit_status_table();

/// What follows from the options together: refuses combinations that make no sense, and fills in the defaults that
/// depend on others (a kernel run without --serial talks on stdio).
Result<void> complete_settings(Settings& settings);

}  // namespace bantam::frontend
