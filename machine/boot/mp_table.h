// The MultiProcessor tables (Intel MultiProcessor Specification 1.4), for kernels that use the APICs without ACPI.
#pragma once

#include "machine/boot/acpi_tables.h"

namespace bantam::boot {

/// Writes the floating pointer and the configuration table at low_memory::kMpTable. Nothing without APICs.
void install_mp_table(PhysicalMemory& memory, const BoardDescription& board);

}  // namespace bantam::boot
