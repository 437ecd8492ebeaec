// The texts of `info WHAT`: the machine's state in words. No side effects.
#pragma once

#include <string>
#include <vector>

#include "machine/inventory.h"
#include "machine/pc.h"

namespace bantam::info {

std::string registers(const Cpu& cpu);
/// Mapped linear ranges by walking the page tables, equal neighbours joined.
std::string mem(const Cpu& cpu, const PhysicalMemory& memory);
std::string tlb(const Cpu& cpu);
std::string pci(const std::vector<PciFunctionState>& functions);
std::string irq(Pc& pc);
/// Every drive with its medium and what was asked of that, and the flash chips.
std::string block(const std::vector<DriveState>& drives, const Pc& pc);
/// Port ranges, physical regions and accesses nobody claimed.
std::string map(Pc& pc, const PhysicalMemory& memory);

}  // namespace bantam::info
