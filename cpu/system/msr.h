// Model-specific registers (SDM vol. 4, architectural MSRs).
#pragma once

#include "cpu/cpu.h"

namespace bantam {

/// False: no such MSR on this model, or (write) a value it does not take: #GP(0).
[[nodiscard]] bool read_msr(Cpu& cpu, u32 index, u64& value);
[[nodiscard]] bool write_msr(Cpu& cpu, u32 index, u64 value);

/// The time-stamp counter now.
[[nodiscard]] u64 time_stamp_counter(const Cpu& cpu);

}  // namespace bantam
