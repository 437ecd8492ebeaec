// A stack that is written before it becomes the current one: far calls, interrupts and returns check and write it first
// and commit SS:RSP last (SDM vol. 3, 5.8.5 and 6.12.1).
#pragma once

#include "cpu/cpu.h"

namespace bantam {

struct PendingStack {
    SegmentRegister ss{};  // with derived fields for the mode after the switch
    u64 sp = 0;
    u64 mask = 0;  // of the stack pointer
    Privilege privilege = Privilege::supervisor;
    u32 error_code = 0;   // of the #SS a limit violation raises
    bool flat64 = false;  // 64-bit stack: no limits, canonical addresses
};

/// The current SS:RSP, accessed with the privilege of the current code.
[[nodiscard]] PendingStack current_stack(const Cpu& cpu);
/// Raises #SS unless `size` bytes from `offset` lie in the stack segment; gives their linear address.
[[nodiscard]] Linear stack_linear(Cpu& cpu, const PendingStack& stack, u64 offset, unsigned size);
/// Writes `size` (2, 4, 8) bytes below the top and moves the top.
void push_to(Cpu& cpu, PendingStack& stack, unsigned size, u64 value);
/// The value `offset` bytes above the top; changes nothing.
[[nodiscard]] u64 peek_stack(Cpu& cpu, const PendingStack& stack, u64 offset, unsigned size);
/// Makes SP of `stack` the current one, in the width the stack segment has; SS must already be loaded.
void commit_stack_pointer(Cpu& cpu, const PendingStack& stack);

struct InnerStack {
    u16 ss = 0;
    u64 sp = 0;
};
/// SS:ESP for privilege level `cpl` (0-2) from a 16- or 32-bit TSS; #TS(TR) when the TSS is too short.
[[nodiscard]] InnerStack inner_stack_from_tss(Cpu& cpu, u8 cpl);
/// RSPn (`slot` 0-2) or ISTn (`slot` 4-10) of the 64-bit TSS; #TS(TR) when too short, #SS(0) when not canonical.
[[nodiscard]] u64 stack_pointer_from_tss64(Cpu& cpu, unsigned slot);

}  // namespace bantam
