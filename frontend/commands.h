// The commands besides `run`: what `bantam doctor`, `bantam disassemble`, `bantam run` do once their options are known.
#pragma once

#include "frontend/options.h"
#include "frontend/window/screen.h"

namespace bantam::frontend {

/// Prints what the host offers, and what each point means for Bantam. Always status 0: it reports, it does not judge.
int run_doctor();

/// Prints the code in a file, one instruction a line. Errors: bad_input, usage.
Result<void> run_disassemble(const DisassembleOptions& options);

/// Builds and runs the machine, in `screen` if there is one already; the value is the process's exit status.
Result<int> run_machine(const Settings& settings, Screen* screen = nullptr);

/// Lets the person choose a machine, and runs it; the value is the process's exit status.
Result<int> run_start_screen(Screen& screen);

/// Runs the scenarios; the value is the process's exit status: 0, or 1 when some failed. Errors: bad_input (a scenario
/// is wrong; nothing has run then), host_resource.
Result<int> run_tests(const TestOptions& options);

/// Says one command to a running machine and prints what it answers. Errors: usage (it refuses), host_resource (there
/// is none).
Result<void> run_control(const ControlOptions& options);

}  // namespace bantam::frontend
