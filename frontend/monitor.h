// Monitor: the line console of a running machine (--monitor): a prompt, a command, an answer in words. Each command
// runs on the machine's thread between two instructions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "frontend/control_line.h"
#include "machine/machine.h"

namespace bantam::frontend {

/// Talks with one person.
std::unique_ptr<ControlLine::Session> start_monitor(Machine& machine, std::shared_ptr<ControlLine::Output> output);

struct MonitorAnswer {
    std::string text;      // to print; ends in a newline unless empty
    bool refused = false;  // it says why nothing was done
};

/// Carries out one command line on `machine`. Only on the machine's thread.
MonitorAnswer execute_monitor_line(Machine& machine, std::string_view line);

}  // namespace bantam::frontend
