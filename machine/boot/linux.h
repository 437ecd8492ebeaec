// The Linux/x86 boot protocol (kernel documentation, arch/x86/boot and zero-page), versions 2.02 to 2.15: bzImage with
// its 32-bit or 64-bit entry point, initrd, command line, memory map. memtest86+ 6 follows it too. Left out: entry in
// real mode (zImage and protocols before 2.02 are refused), EFI handover, setup_data.
#pragma once

#include "machine/boot/loader.h"

namespace bantam::boot {

/// True when the image has the boot sector signature and a setup header. Kernels before Linux 1.3.73 have none and look
/// like any boot sector.
[[nodiscard]] bool looks_like_linux(std::span<const u8> contents);

/// See load_kernel.
Result<EntryState> load_linux(PhysicalMemory& memory, const KernelImage& image);

}  // namespace bantam::boot
