// The guest's x87/MMX registers, live in the host's x87 unit while an engine runs: enter_fpu loads them, leave_fpu puts
// them back into CpuState::x87. Between the two, host C++ code uses no x87 (no long double, no MMX).
//
// Pointers: the host's FIP and FDP would point into thunks, so the guest's are kept in CpuState. Measured on a
// processor with CPUID.7:EBX[6] and [13] set: every x87 instruction but FNINIT, FNCLEX, FNENI, FNDISI, FNSETPM, FLDCW,
// FNSTCW, FNSTSW, FLDENV, FNSTENV, FNSAVE, FRSTOR and FWAIT sets FIP (FNOP, FFREE, FINCSTP too); FOP, and FDP when
// there is a memory operand, change only when the instruction leaves an unmasked exception pending; FCS and FDS read 0.
// Models with Feature::x87_pointers, which those bits announce, behave so; the others record all five always.
#pragma once

#include "cpu/cpu.h"

namespace bantam::host {

/// Flags beside the opcode in CpuState::x87_last_opcode: that instruction, or one since the pointers were last settled,
/// had the memory operand x87_last_data_pointer names.
enum X87Last : u16 { kX87EarlierMemory = 1u << 13, kX87LastMemory = 1u << 14, kX87LastValid = 1u << 15 };

/// Bits of the x87 status word (SDM vol. 1, 8.1.3).
enum X87Status : u16 {
    kX87Invalid = 1u << 0,
    kX87Overflow = 1u << 3,
    kX87Underflow = 1u << 4,
    kX87Exceptions = 0x3F,
    kX87StackFault = 1u << 6,
    kX87ErrorSummary = 1u << 7,
    kX87Busy = 1u << 15,
};

/// Loads the guest's x87/MMX state into the host's unit.
void enter_fpu(CpuState& state);
/// Stores it back and leaves the host's unit in its power-on state. Does not trap on pending exceptions.
void leave_fpu(CpuState& state);

/// The guest's live status and control words.
[[nodiscard]] inline u16 x87_status_word() {
    u16 value;
    asm volatile("fnstsw %0" : "=a"(value));
    return value;
}
[[nodiscard]] inline u16 x87_control_word() {
    u16 value;
    asm volatile("fnstcw %0" : "=m"(value));
    return value;
}

/// Whether FOP and FDP change only with unmasked exceptions and FCS and FDS are always 0.
[[nodiscard]] inline bool x87_modern_pointers(const Cpu& cpu) { return cpu.model.has(isa::Feature::x87_pointers); }

/// Makes the last instruction's FOP and FDP architectural if its exceptions say so. Call before reading the pointers
/// and before anything that clears pending exceptions.
void settle_x87_pointers(Cpu& cpu);
/// With an engine's turn ends the use of what the last instruction noted, unless its exceptions are pending: CpuState
/// shall not tell by which engine it ran.
void forget_unsettled_x87_pointers(Cpu& cpu);
/// FNINIT, FNSAVE: the pointers read 0.
void clear_x87_pointers(CpuState& state);

/// What a waiting instruction does about a pending unmasked exception (SDM vol. 1, 8.7): raises #MF (CR0.NE = 1), or
/// asserts FERR# and stops the CPU before the instruction until an interrupt comes. True: stopped, the instruction must
/// return. False: IGNNE# is asserted, the instruction executes.
bool report_x87_error(Cpu& cpu);
/// FERR# follows the error summary bit once it is clear.
void update_ferr(Cpu& cpu);

/// TOP = 0, nothing else: what an MMX store has done to the x87 unit when its memory access faults.
void clear_x87_top();

/// Executes with pending exceptions set aside (IGNNE#): takes their flags out of the status word, and back in
/// afterwards.
u16 set_aside_x87_exceptions();
void restore_x87_exceptions(u16 flags);

// Called instructions.
void fwait(Cpu& cpu, const isa::Instruction& instruction);
void fninit(Cpu& cpu, const isa::Instruction& instruction);
void fnclex(Cpu& cpu, const isa::Instruction& instruction);
void fnstenv(Cpu& cpu, const isa::Instruction& instruction);
void fldenv(Cpu& cpu, const isa::Instruction& instruction);
void fnsave(Cpu& cpu, const isa::Instruction& instruction);
void frstor(Cpu& cpu, const isa::Instruction& instruction);

}  // namespace bantam::host
