// Debug registers: breakpoints on instructions, data and I/O, and the DR6 bookkeeping of #DB (SDM vol. 3,
// chapter 18.2).
#pragma once

#include "cpu/cpu.h"

namespace bantam {

/// DR6 bits.
enum DebugStatus : u64 { kDr6Bd = 1u << 13, kDr6Bs = 1u << 14, kDr6Bt = 1u << 15 };

/// Who watches accesses to data without the guest's knowing (Cpu::data_watches). It is told after each, in the middle
/// of the instruction, and asks for attention itself; of accesses to other pages than its own too.
class DataWatch {
public:
    /// Leaves the guest's four breakpoints their pages.
    static constexpr std::size_t kMostPages = Mmu::kMostWatched - 4;
    virtual ~DataWatch() = default;
    virtual void accessed(Linear address, std::span<const u8> bytes, bool write) = 0;
    /// It wants to be told of every access; all of them go to C++ then.
    [[nodiscard]] virtual bool everywhere() const { return false; }
    /// Of all watches together kMostPages at most.
    [[nodiscard]] virtual std::span<const Linear> pages() const = 0;
};

/// True when DR7 enables at least one instruction breakpoint.
[[nodiscard]] bool debug_instruction_breakpoint_armed(const CpuState& state);

/// DR6 bits of the instruction breakpoints that match `rip` in the current code segment, 0 if none is enabled there.
[[nodiscard]] u64 debug_instruction_match(const Cpu& cpu, u64 rip);

/// Notes the data breakpoints that `bytes`, which were read or written at `address`, hit: #DB follows the instruction.
void debug_data_access(Cpu& cpu, Linear address, std::span<const u8> bytes, bool write);

/// The same for an I/O access (CR4.DE = 1).
void debug_io_access(Cpu& cpu, u16 port, unsigned size);

/// Tells the MMU which pages data breakpoints lie in. Call after DR0-3 or DR7 changed.
void update_debug_watch(Cpu& cpu);

/// Adds `bits` to the #DB trap that is due after the current instruction.
void debug_pend_trap(Cpu& cpu, u64 bits);

}  // namespace bantam
