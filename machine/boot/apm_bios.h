// An APM BIOS (Advanced Power Management BIOS Interface Specification 1.2, Intel and Microsoft 1996) for kernels loaded
// without firmware: its 32-bit protected-mode entry point, which switches the power off through the ACPI registers, and
// otherwise reports mains power, no battery and no events. For operating systems that use no ACPI. Left out: the
// real-mode and 16-bit interfaces, standby and suspend (refused with error 60h).
#pragma once

#include <vector>

#include "mmu/physical_memory.h"

namespace bantam::boot {

/// Writes the code at low_memory::kApmBios. `pm1a_control` is the I/O port of PM1a_CNT. Returns what INT 15h, AX=5303h
/// would tell, in the layout that both Linux (apm_bios_info in boot_params) and multiboot (apm_table) take: 20 bytes.
std::vector<u8> install_apm_bios(PhysicalMemory& memory, u16 pm1a_control);

}  // namespace bantam::boot
