// Environment: everything outside the CPU package, as its pins see it. The board implements it; tests fake it.
#pragma once

#include "base/types.h"

namespace bantam {

class Environment {
public:
    virtual ~Environment() = default;

    /// I/O cycle; `size` is 1, 2 or 4. Unclaimed ports read as all ones.
    virtual u32 read_port(u16 port, unsigned size) = 0;
    virtual void write_port(u16 port, unsigned size, u32 value) = 0;

    /// PAUSE: the program waits in a loop. A board whose time passes by instructions lets more of it pass.
    virtual void pause() {}
    /// RDTSC or RDTSCP was executed: the next gives a later time.
    virtual void time_stamp_read() {}

    /// INTA: the vector of the interrupt that INTR announced (local APIC, or 8259 through it).
    virtual u8 acknowledge_interrupt() = 0;

    /// Virtual nanoseconds since power-on, exact to the instruction being executed.
    virtual u64 now_ns() = 0;

    /// IA32_APIC_BASE was written (bits already checked); the local APIC moves, or turns off and on.
    virtual void apic_base_written(u64 value) = 0;
    /// CR8 / TPR bits 7:4 of the local APIC.
    virtual u8 read_task_priority() = 0;
    virtual void write_task_priority(u8 value) = 0;
    /// IA32_TSC_DEADLINE and the x2APIC MSRs 800h-8FFh; false: #GP(0).
    virtual bool read_apic_msr(u32 index, u64& value) = 0;
    virtual bool write_apic_msr(u32 index, u64 value) = 0;

    /// SMIACT#: the processor enters (before it saves its state) or has left system management mode; the board shows or
    /// hides SMRAM. A board without SMRAM need not care.
    virtual void set_smm_active(bool /*active*/) {}

    /// FERR# output (CR0.NE = 0 error route); the board's port F0h answers with IGNNE#.
    virtual void set_ferr(bool asserted) = 0;
    /// Shutdown cycle: triple fault.
    virtual void shutdown() = 0;
};

}  // namespace bantam
