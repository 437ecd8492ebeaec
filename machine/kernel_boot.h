// KernelBoot: `--kernel` without firmware: keeps the images, puts them into RAM and the processor at the kernel's
// entry, at power-on and again after every reset. The protocols are in machine/boot.
#pragma once

#include "cpu/cpu.h"
#include "machine/boot/acpi_tables.h"
#include "machine/boot/loader.h"
#include "machine/config.h"

namespace bantam {

class KernelBoot {
public:
    /// Reads kernel, initrd and modules. Errors: bad_input (unreadable files), usage (initrd or modules that the
    /// kernel's kind cannot take).
    static Result<KernelBoot> open(const MachineConfig& config, bool long_mode);

    /// Loads everything, writes the ACPI and MP tables of `board` and sets the processor's registers. `cpu` has just
    /// been reset; the rest of the board is as firmware leaves it.
    Result<void> start(Cpu& cpu, PhysicalMemory& memory, const boot::BoardDescription& board);

private:
    boot::KernelImage image_;
};

/// Puts the processor into the state a kernel's entry point expects.
void enter(Cpu& cpu, const boot::EntryState& entry);

}  // namespace bantam
