// Scenario files: TOML with one [machine], at most one [variables], and a [[step]] for each step (docs/SCENARIOS.md);
// [[step.step]] are those that a step repeats. The file is cut at these headers, and what is between them is read as
// flat TOML, [machine] as MACHINE.toml is. Files may include others.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "scenario/scenario.h"

namespace bantam::frontend {

/// Gives a file that a scenario names, `most` bytes at most. Errors: with a message that names it.
using ReadFile = std::function<Result<std::string>(const std::string& path, std::size_t most)>;

/// Reads the text of a scenario; `name` stands for the file in messages, and what the scenario includes is relative to
/// it. Errors (bad_input): file, line, cause, and for an unknown key the nearest known one.
Result<scenario::Scenario> read_scenario_text(std::string_view text, const std::string& name, const ReadFile& read);

/// Reads the file. Errors: bad_input.
Result<scenario::Scenario> read_scenario_file(const std::string& path);

}  // namespace bantam::frontend
