// EventWatch: who is told of interrupts, exceptions and system calls (Cpu::event_watches), with both engines: all of
// them are C++.
#pragma once

#include "cpu/system/interrupt.h"

namespace bantam {

class EventWatch {
public:
    virtual ~EventWatch() = default;
    /// Before the delivery of each event. What fails is told of again as another.
    virtual void delivering(const Event& event) = 0;
    /// SYSCALL and SYSENTER, when nothing can fail any more and no register has changed but RIP, which is behind the
    /// instruction (CpuState::instruction_rip is at it).
    enum class Entry : u8 { syscall, sysenter };
    virtual void entering(Entry entry) = 0;
    /// SYSRET, SYSEXIT or IRET has left CPL 0 to 2 for CPL 3 (virtual-8086 mode too); the registers are the program's.
    virtual void returned() = 0;
};

}  // namespace bantam
