// The Multiboot specification, version 0.6.96 ("multiboot 1"): ELF32 images and those with the address fields (a.out
// kludge), modules, memory map, command line. The screen is what it is, 80 x 25 text, and is reported as that, whatever
// mode the image prefers. Left out: ELF64 and multiboot 2 images (refused), symbol tables, APM, drives, boot device:
// there is no BIOS to have them from.
#pragma once

#include "machine/boot/loader.h"

namespace bantam::boot {

/// True when a header with the right checksum lies in the first 8 KiB.
[[nodiscard]] bool looks_like_multiboot(std::span<const u8> contents);

/// See load_kernel.
Result<EntryState> load_multiboot(PhysicalMemory& memory, const KernelImage& image);

}  // namespace bantam::boot
