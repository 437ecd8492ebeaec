// --trace WHAT: a line on standard error for every event of the kinds asked for: io (port accesses), interrupts
// (acknowledged external vectors), instructions (CS:RIP and disassembly before each instruction). Every line begins
// with the number of instructions retired so far.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cpu/interpreter/interpreter.h"
#include "machine/pc.h"

namespace bantam {

/// Errors: usage for an unknown word, with the list.
Result<void> check_trace(const std::vector<std::string>& words);

/// Switches on what `words` name. `unwritable` is called when standard error takes no more.
void start_trace(const std::vector<std::string>& words, Pc& pc, Interpreter& engine, std::function<void()> unwritable);

}  // namespace bantam
