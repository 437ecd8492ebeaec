// Saves guest memory to a file, for the monitor and for QMP.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "machine/machine.h"

namespace bantam::frontend {

/// Fills `to` from `address` on; false: part of it is not mapped. Without side effects.
using ReadMemory = std::function<bool(u64 address, std::span<u8> to)>;
ReadMemory physical_reader(Machine& machine);
ReadMemory linear_reader(Machine& machine);

/// Writes `size` bytes from `first` on to `path`. Errors: usage (not mapped), host_resource (cannot write).
Result<void> save_memory(const ReadMemory& read, u64 first, u64 size, const std::string& path);

}  // namespace bantam::frontend
