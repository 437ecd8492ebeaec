// Scenario files: TOML with one [machine], at most one [variables], and a [[step]] for each step (docs/SCENARIOS.md).
// The file is cut at these headers, and what is between them is read as flat TOML, [machine] as MACHINE.toml is.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "scenario/scenario.h"

namespace bantam::frontend {

/// Reads the text of a scenario; `name` stands for the file in messages. Errors (bad_input): line, cause, and for an
/// unknown key the nearest known one.
Result<scenario::Scenario> read_scenario_text(std::string_view text, const std::string& name);

/// Reads the file. Errors: bad_input.
Result<scenario::Scenario> read_scenario_file(const std::string& path);

/// What a step may be, for the help text: a line each.
std::string scenario_steps_text();

}  // namespace bantam::frontend
