// MACHINE.toml: the options of `bantam run` as keys, written and read through the option table. A key's value is what
// the option takes, as a string; numbers and booleans may stand bare; repeatable options take arrays. File names are
// relative to the current folder, as on the command line.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "frontend/options.h"

namespace bantam::frontend {

/// Reads TOML text into `settings`. `name` stands for the file in messages. Errors (usage): the line, the key, the
/// cause, and for an unknown key the nearest known one.
Result<void> read_machine_text(std::string_view text, const std::string& name, Settings& settings);

/// Reads the file. Errors: bad_input when it cannot be read, else as read_machine_text.
Result<void> read_machine_file(const std::string& path, Settings& settings);

/// TOML that read_machine_text turns into the same settings again (--print-config).
std::string print_machine_text(const Settings& settings);

}  // namespace bantam::frontend
