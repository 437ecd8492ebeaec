// SMBIOS tables (DMTF DSP0134, version 2.8): system, enclosure, processor, memory, end of table. Firmware adds its own
// type 0 and the final address. Left out: strings about makers of parts that do not exist.
#pragma once

#include <vector>

#include "mmu/physical_memory.h"

namespace bantam::boot {

struct SmbiosImage {
    std::vector<u8> anchor;  // entry point "_SM_"; table address and checksums for firmware to fill in
    std::vector<u8> tables;
};

/// `cpu_signature` and `cpu_features` are EAX and EDX of CPUID leaf 1.
[[nodiscard]] SmbiosImage make_smbios(const PhysicalMemory& memory, unsigned processors, u32 cpu_signature,
                                      u32 cpu_features);

}  // namespace bantam::boot
