// A command of the host, run by a scenario to judge what the guest has left behind.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace bantam::scenario {

struct HostCommand {
    std::string text;                                            // for /bin/sh
    std::string folder;                                          // where it runs
    std::vector<std::pair<std::string, std::string>> variables;  // added to the environment
    u64 limit_ns = 0;                                            // of the host's time
};

/// Runs it, its input empty, what it writes to output and error streams in `output` (the first kMostOutput bytes). The
/// guest's time stands still. It and what it has started end with `limit_ns`, or when `interrupted` says so. Errors
/// (host_resource): it cannot be started, has another exit status than 0, or is late; with the end of what it wrote.
Result<void> run_host_command(const HostCommand& command, const std::function<bool()>& interrupted,
                              std::string& output);
inline constexpr std::size_t kMostOutput = std::size_t{16} << 20;

}  // namespace bantam::scenario
