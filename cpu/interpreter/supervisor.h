// Supervisor: who wants to look between two turns of the interpreter's loop, as a debugger does. Without one the loop
// has no check for it.
//
// A turn is one decoded block, or a run of translated code, which leaves only where the supervisor's page offsets, an
// attention or the deadline end it. An offset within pages, and not an address, because decoded blocks are found by
// physical address: wherever a page is mapped, an instruction at such an offset begins a block of its own and is never
// translated, so a supervisor sees the CPU before it.
#pragma once

#include "cpu/cpu.h"

namespace bantam::interpreter {

class Supervisor {
public:
    virtual ~Supervisor() = default;

    enum class Turn : u8 {
        run,      // as far as the loop likes
        run_one,  // one instruction
        stop,     // return EngineExit::stopped
    };
    /// Before interrupts and the like are looked at.
    virtual Turn before_turn() = 0;
    /// After that, unless the processor stays halted: the instruction at CS:RIP is what executes next. `delivered`: it
    /// is a handler's, of some event since before_turn. True: stop; the instruction has not executed.
    virtual bool before_instruction(bool delivered) = 0;
    /// An instruction raised `exception`; it has changed nothing, and RIP points to it. True: stop before the exception
    /// is delivered; the instruction executes again when the engine goes on.
    virtual bool stops_at(const Exception& exception) = 0;
    /// The processor has entered shutdown. True: stop; it is told again when the engine goes on.
    virtual bool stops_at_shutdown() = 0;

    /// An instruction at this offset in a page shall begin a block. What was decoded before a change of this has to be
    /// forgotten (Engine::reset).
    [[nodiscard]] virtual bool splits_at(u64 page_offset) const = 0;
};

}  // namespace bantam::interpreter
