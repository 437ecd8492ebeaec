// The commands besides `run`: what `bantam doctor`, `bantam disassemble`, `bantam run` do once their options are known.
#pragma once

#include "frontend/options.h"

namespace bantam::frontend {

/// Prints what the host offers, and what each point means for Bantam. Always status 0: it reports, it does not judge.
int run_doctor();

/// Prints the code in a file, one instruction a line. Errors: bad_input, usage.
Result<void> run_disassemble(const DisassembleOptions& options);

/// Builds and runs the machine; the value is the process's exit status.
Result<int> run_machine(const Settings& settings);

/// Runs the scenarios; the value is the process's exit status: 0, or 1 when some failed. Errors: bad_input (a scenario
/// is wrong; nothing has run then), host_resource.
Result<int> run_tests(const TestOptions& options);

/// Says one command to a running machine and prints what it answers. Errors: usage (it refuses), host_resource (there
/// is none).
Result<void> run_control(const ControlOptions& options);

}  // namespace bantam::frontend
