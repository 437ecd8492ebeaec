// Debug registers: breakpoints on instructions, data and I/O, and the DR6 bookkeeping of #DB (SDM vol. 3,
// chapter 18.2).
#pragma once

#include <optional>

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
    /// Asked between two elements of a string instruction that goes on within its turn (a turn is counted as one
    /// instruction), of which `left` elements are to come. True: the processor is left there, and the instruction not
    /// retired; whoever says so asks for a stop.
    [[nodiscard]] virtual bool leaves_repeat([[maybe_unused]] u64 left) { return false; }
    /// A string instruction begins: the elements that are left of its turn if it was left in the midst of that.
    [[nodiscard]] virtual std::optional<u64> left_of_turn() { return std::nullopt; }
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

/// The elements of the turn that a string instruction begins: `whole`, or what is left of one (DataWatch).
[[nodiscard]] u64 debug_turn(Cpu& cpu, u64 whole);

/// Between two elements of a turn, registers committed, `left` to come: does not return where a DataWatch leaves it.
void debug_between_elements(Cpu& cpu, u64 left);
/// With this value an instruction that has changed nothing, or that repeats, is left for the engine's recovery point
/// (Cpu::recovery), where exceptions arrive with 1: it is not retired, and begins anew.
constexpr int kLeftInTheMidst = 2;

/// Tells the MMU which pages data breakpoints lie in. Call after DR0-3 or DR7 changed.
void update_debug_watch(Cpu& cpu);

/// Adds `bits` to the #DB trap that is due after the current instruction.
void debug_pend_trap(Cpu& cpu, u64 bits);

}  // namespace bantam
