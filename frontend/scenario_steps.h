// The steps of a scenario file: what each key means and what it takes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "frontend/flat_toml.h"
#include "scenario/scenario.h"

namespace bantam::frontend {

/// What reading a step needs of the file it stands in.
struct StepSurroundings {
    std::function<Error(unsigned line, std::string_view cause)> wrong;
    /// Puts variables in.
    std::function<Result<std::string>(const std::string& text, unsigned line)> expand;
    /// The contents of a file that is named relative to this one.
    std::function<Result<std::string>(const std::string& path, std::size_t most)> read;
};

struct ReadStep {
    scenario::Step step = {};  // without its place
    unsigned line = 0;
    bool repeats = false;      // the steps below it
    std::string include = {};  // a file, instead of a step
};

/// The step whose header is in line `line`. Errors: those of `around`.
Result<ReadStep> read_step(const std::vector<FlatEntry>& entries, unsigned line, const StepSurroundings& around);

/// A positive length of time. Errors: those of `wrong`.
Result<u64> read_duration(const FlatEntry& entry, const std::function<Error(unsigned, std::string_view)>& wrong);

/// What a step may be, for the help text: a line each.
std::string scenario_steps_text();

}  // namespace bantam::frontend
