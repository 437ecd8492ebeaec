// The memory map as INT 15h AX=E820h would give it (ACPI specification, chapter 15), and the BIOS data area, for
// kernels loaded without firmware.
#pragma once

#include <vector>

#include "mmu/physical_memory.h"

namespace bantam::boot {

struct MemoryRange {
    enum class Type : u32 { ram = 1, reserved = 2 };
    u64 base = 0;
    u64 size = 0;
    Type type = Type::ram;
};

/// Ascending, without overlap: 639 KiB, EBDA, BIOS area with the ACPI tables, low RAM from 1 MiB, registers below 4
/// GiB, RAM from 4 GiB. `memory` holds at least 1 MiB.
[[nodiscard]] std::vector<MemoryRange> memory_ranges(const PhysicalMemory& memory);

/// Fills the BIOS data area as text mode 3 leaves it: serial ports, EBDA, memory size, screen. `serial` says which COM
/// ports exist.
void write_bios_data_area(PhysicalMemory& memory, const std::array<bool, 4>& serial);

}  // namespace bantam::boot
