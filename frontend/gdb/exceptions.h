// The exceptions that gdb may ask to stop at ('monitor catch'): those an instruction raises, INT3 and INTO among them,
// and #DB. What is raised in the midst of a delivery is left out: a breakpoint at the handler sees it.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "cpu/exception.h"

namespace bantam::frontend::gdb {

/// A bit for each vector that `words` name, "all" and "none" among them. Errors: usage, with the names there are.
Result<u32> parse_exceptions(std::span<const std::string> words);
/// Their names, or "none".
std::string exception_names(u32 vectors);
/// gdb's number of the signal that Unix makes of an exception (include/gdb/signals.def).
unsigned signal_of(Vector vector);

}  // namespace bantam::frontend::gdb
