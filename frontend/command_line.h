// The command line: arguments in, one command with its settings out. MACHINE.toml is read first, options override it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/options.h"

namespace bantam::frontend {

/// Texts made from the option table, asked for by the build (`bantam --generate-man`) or by packagers.
enum class Generated { nothing, manual, completion };

struct CommandLine {
    Command command = Command::help;
    Settings settings;
    std::string help_topic;  // name of a command, or empty
    Generated generated = Generated::nothing;
};

/// Parses everything after the program's name. Errors: usage, or what reading MACHINE.toml gives.
Result<CommandLine> parse_command_line(std::vector<std::string> arguments);

}  // namespace bantam::frontend
