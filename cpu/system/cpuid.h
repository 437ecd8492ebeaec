// CPUID (SDM vol. 2, CPUID, table 3-8).
#pragma once

#include "cpu/cpu.h"

namespace bantam {

/// What CPUID answers now: by the model, with the bits that follow CR4, XCR0, IA32_APIC_BASE and IA32_MISC_ENABLE.
[[nodiscard]] CpuidResult cpuid_leaf(const Cpu& cpu, u32 leaf, u32 subleaf);

}  // namespace bantam
