// The machines that had a window last, for the start screen: a JSON file in the user's state folder (XDG Base Directory
// Specification 0.8), written as a whole or not at all.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace bantam::frontend {

struct RecentMachine {
    std::string folder;   // that its file names are relative to
    std::string machine;  // MACHINE.toml's text
    bool operator==(const RecentMachine&) const = default;
};

/// $XDG_STATE_HOME/bantam/recent.json, or that below ~/.local/state. Empty when the environment names neither.
std::string recent_machines_file();

/// The latest first; none when there is no file. Errors (bad_input): it cannot be read, or is not as we write it.
Result<std::vector<RecentMachine>> read_recent_machines(const std::string& file);

/// Puts `machine` at the beginning; of more than twelve the oldest are forgotten, and so is a file that cannot be
/// understood. Errors: host_resource.
Result<void> remember_machine(const std::string& file, RecentMachine machine);

}  // namespace bantam::frontend
