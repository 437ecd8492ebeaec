// Guest memory as debuggers see it, and saved to a file: for the monitor, QMP, gdb and plugins.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "cpu/cpu.h"

namespace bantam {

/// Fills `to` from `address` on; false: part of it is not mapped. Without side effects.
using ReadMemory = std::function<bool(u64 address, std::span<u8> to)>;
ReadMemory physical_reader(Cpu& cpu);
ReadMemory linear_reader(Cpu& cpu);

/// Store `from` as the CPU would (A20), whatever page tables forbid. False: part of it is not mapped, and nothing was
/// changed; or part of it is ROM or a chip's, and stayed as it was.
bool write_physical(Cpu& cpu, u64 address, std::span<const u8> from);
bool write_linear(Cpu& cpu, u64 address, std::span<const u8> from);

/// Writes `size` bytes from `first` on to `path`. Errors: usage (not mapped), host_resource (cannot write).
Result<void> save_memory(const ReadMemory& read, u64 first, u64 size, const std::string& path);

}  // namespace bantam
