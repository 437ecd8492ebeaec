// What two machines in lock-step have in common: the processor's registers, compared at equal counts of retired
// instructions, and RAM. Left out is what no program can see: CpuState::deadline, instruction_rip, a stop that the run
// loop asked for, and the notes from which x87 pointers are settled (cpu/host/x87_unit.h).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cpu/state.h"
#include "mmu/physical_memory.h"

namespace bantam::lockstep {

/// Whether register_differences finds none; quicker.
[[nodiscard]] bool same_registers(const CpuState& interpreter, const CpuState& translator);

struct RegisterDifference {
    std::string name;
    std::string interpreter, translator;  // hexadecimal
};
enum class Scope { visible, everything };
[[nodiscard]] std::vector<RegisterDifference> register_differences(const CpuState& interpreter,
                                                                   const CpuState& translator,
                                                                   Scope scope = Scope::visible);

/// The first bytes of a page that differ.
struct MemoryDifference {
    static constexpr std::size_t kShown = 16;
    Physical address;  // a multiple of kShown
    std::array<u8, kShown> interpreter, translator;
};
/// One for each page of RAM that differs, as far as `most`. Pages that neither host has backed are not touched.
[[nodiscard]] std::vector<MemoryDifference> memory_differences(const PhysicalMemory& interpreter,
                                                               const PhysicalMemory& translator, std::size_t most);
/// The same for the page of RAM at `page`.
[[nodiscard]] std::optional<MemoryDifference> page_difference(const PhysicalMemory& interpreter,
                                                              const PhysicalMemory& translator, Physical page);

}  // namespace bantam::lockstep
