// Monitor: the line console of a running machine (--monitor), on standard input and output or on a listening unix
// socket. It has a thread of its own that reads lines; each command runs on the machine's thread between two
// instructions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "machine/machine.h"

namespace bantam::frontend {

class Monitor {
public:
    static constexpr std::string_view kPrompt = "(bantam) ";

    /// Starts the console that `config` asks for (kind none: null). Errors: host_resource when the socket cannot be
    /// made.
    static Result<std::unique_ptr<Monitor>> start(const MonitorConfig& config, Machine& machine);
    /// Ends the thread and removes the socket. Call when Machine::run has returned.
    ~Monitor();
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

private:
    struct Parts;
    explicit Monitor(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// Carries out one command line on `machine`: the text to print, ending in a newline unless empty. Only on the
/// machine's thread.
std::string execute_monitor_line(Machine& machine, std::string_view line);

}  // namespace bantam::frontend
