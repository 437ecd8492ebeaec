// Debug registers: breakpoints on instructions, data and I/O, and the DR6 bookkeeping of #DB (SDM vol. 3,
// chapter 18.2).
#pragma once

#include "cpu/cpu.h"

namespace bantam {

/// DR6 bits.
enum DebugStatus : u64 { kDr6Bd = 1u << 13, kDr6Bs = 1u << 14, kDr6Bt = 1u << 15 };

/// Watchpoints that are not the guest's: what a debugger wants to know of accesses to data. It is told after each, in
/// the middle of the instruction, and asks for attention itself.
class DataWatch {
public:
    /// Leaves the guest's four breakpoints their pages.
    static constexpr std::size_t kMostPages = Mmu::kMostWatched - 4;
    virtual ~DataWatch() = default;
    virtual void accessed(Linear address, unsigned size, bool write) = 0;
    /// kMostPages at most.
    [[nodiscard]] virtual std::span<const Linear> pages() const = 0;
};

/// True when DR7 enables at least one instruction breakpoint.
[[nodiscard]] bool debug_instruction_breakpoint_armed(const CpuState& state);

/// DR6 bits of the instruction breakpoints that match `rip` in the current code segment, 0 if none is enabled there.
[[nodiscard]] u64 debug_instruction_match(const Cpu& cpu, u64 rip);

/// Notes the data breakpoints that [address, address+size) hits: #DB follows the instruction.
void debug_data_access(Cpu& cpu, Linear address, unsigned size, bool write);

/// The same for an I/O access (CR4.DE = 1).
void debug_io_access(Cpu& cpu, u16 port, unsigned size);

/// Tells the MMU which pages data breakpoints lie in. Call after DR0-3 or DR7 changed.
void update_debug_watch(Cpu& cpu);

/// Adds `bits` to the #DB trap that is due after the current instruction.
void debug_pend_trap(Cpu& cpu, u64 bits);

}  // namespace bantam
