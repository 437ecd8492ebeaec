// Interrupt and exception delivery (SDM vol. 3, chapter 6), and what happens between instructions.
//
// What an engine does: before an instruction it sets state.instruction_rip and advances state.rip(). When raise()
// arrives at its recovery point it sets rip = instruction_rip and calls deliver_exception(cpu, cpu.pending_exception).
// Whenever state.attention != 0 between two instructions it calls service_attention and does what the Readiness says.
#pragma once

#include "cpu/cpu.h"

namespace bantam {

enum class EventKind : u8 {
    exception,                      // hardware exception (fault, trap or abort)
    software_interrupt,             // INT n
    software_exception,             // INT3, INTO: gate DPL is checked, virtual-8086 mode does not redirect
    privileged_software_exception,  // INT1: like a hardware exception, but EXT = 0
    external,                       // INTR
    nmi,
};

struct Event {
    u8 vector = 0;
    EventKind kind = EventKind::exception;
    bool has_error_code = false;
    u32 error_code = 0;
    bool sets_resume = false;  // RF = 1 in the pushed EFLAGS
};

/// Delivers one event through IVT or IDT; a failure leaves by raise(). For INT n and friends within an instruction:
/// faults are then faults of that instruction.
void deliver_event(Cpu& cpu, const Event& event);

/// Delivers an exception raised by an instruction (or between two), with escalation to double fault and shutdown (SDM
/// vol. 3, table 6-5). Never leaves by raise().
void deliver_exception(Cpu& cpu, const Exception& exception);
/// Acknowledges INTR and delivers its vector.
void deliver_external_interrupt(Cpu& cpu);
void deliver_nmi(Cpu& cpu);

/// #DB now: adds `dr6_bits` to DR6. `fault`: due to an instruction breakpoint (the pushed RF is 0).
void deliver_debug(Cpu& cpu, u64 dr6_bits);

/// What an engine may do next.
enum class Readiness : u8 {
    run,       // run blocks until attention is raised
    run_one,   // run exactly one instruction (one iteration of a repeated string instruction), then ask again
    halted,    // waiting for an interrupt
    stopped,   // kAttentionStop was set (now clear)
    shutdown,  // until RESET, INIT, NMI or SMI
};

/// Handles everything that is due between instructions in the order of SDM vol. 3, table 6-2: INIT, SMI, debug traps of
/// the last instruction, NMI, INTR, instruction breakpoints. Call between instructions whenever state.attention != 0.
Readiness service_attention(Cpu& cpu);

/// STI and MOV SS / POP SS: nothing is taken before the next instruction has completed.
void begin_interrupt_shadow(Cpu& cpu, bool mov_ss);

}  // namespace bantam
