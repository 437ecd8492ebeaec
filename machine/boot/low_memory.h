// LowMemory: where, below 1 MiB, the loaders and tables put things when no firmware runs. One place, so that nothing
// overlaps; everything is below the EBDA or in the BIOS area, which the memory map reserves.
#pragma once

#include "base/types.h"

namespace bantam::boot::low_memory {

inline constexpr u64 kBiosData = 0x400;
inline constexpr u64 kGdt = 0x6000;
inline constexpr u64 kBootParams = 0x7000;
inline constexpr u64 kStackTop = 0x9000;
inline constexpr u64 kPageTables = 0x9000;  // PML4, PDPT and four page directories
inline constexpr u64 kPageTablesEnd = 0xF000;
inline constexpr u64 kCommandLine = 0x20000;
inline constexpr u64 kCommandLineMax = 0x10000;
inline constexpr u64 kMultibootInfo = 0x10000;  // information, strings, memory map
inline constexpr u64 kMultibootInfoEnd = 0x90000;
inline constexpr u64 kExtendedBiosData = 0x9FC00;
inline constexpr u64 kVga = 0xA0000;
inline constexpr u64 kAcpiTables = 0xE0000;
inline constexpr u64 kMpTable = 0xF0000;
inline constexpr u64 kRsdp = 0xF8000;
inline constexpr u64 kApmBios = 0xF9000;
inline constexpr u64 kBiosEnd = 0x100000;

}  // namespace bantam::boot::low_memory
