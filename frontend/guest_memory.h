// Guest memory as debuggers see it, and saved to a file: for the monitor, QMP and gdb.
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

/// Stores `from` at a linear address, whatever the page tables forbid; false: part of it is not mapped. What is ROM or
/// a chip's stays as it is.
bool write_linear(Machine& machine, u64 address, std::span<const u8> from);

/// Writes `size` bytes from `first` on to `path`. Errors: usage (not mapped), host_resource (cannot write).
Result<void> save_memory(const ReadMemory& read, u64 first, u64 size, const std::string& path);

}  // namespace bantam::frontend
