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

/// Store `from` as the CPU would (A20), whatever page tables forbid. False: part of it is not mapped, and nothing was
/// changed; or part of it is ROM or a chip's, and stayed as it was.
bool write_physical(Machine& machine, u64 address, std::span<const u8> from);
bool write_linear(Machine& machine, u64 address, std::span<const u8> from);

/// Writes `size` bytes from `first` on to `path`. Errors: usage (not mapped), host_resource (cannot write).
Result<void> save_memory(const ReadMemory& read, u64 first, u64 size, const std::string& path);

}  // namespace bantam::frontend
