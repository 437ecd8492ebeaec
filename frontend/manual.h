// What is written about Bantam's options, all from the option table: --help, the man page, the bash completion.
#pragma once

#include <string>
#include <string_view>

namespace bantam::frontend {

/// Help on one command, or with an empty `topic` on all of them. Ends with the exit statuses.
std::string help_text(std::string_view topic);

/// bantam(1) in man(7) macros.
std::string manual_page();

/// A completion script for bash.
std::string bash_completion();

}  // namespace bantam::frontend
