// Host exceptions raised by generated code. Process-wide handlers for SIGSEGV, SIGBUS, SIGFPE and SIGILL, installed
// with the first range and chained to whatever was there before, recognise a RIP inside a registered range and ask its
// owner where to go on; all other signals go to the previous handler. The registry is lock-free for readers and never
// shrinks.
#pragma once

#include <sys/ucontext.h>

#include <atomic>

#include "base/types.h"

namespace bantam {

/// An exception of the host's processor (SDM vol. 3, 6.15), and the registers at it, which may be changed. RIP is that
/// of the instruction for all faults.
struct CodeFault {
    u64 vector = 0;
    bool has_address = false;  // of a page fault; a general protection fault has none
    bool write = false;
    u64 address = 0;
    greg_t* registers = nullptr;  // by REG_RIP and the like

    [[nodiscard]] u64 get(int index) const { return static_cast<u64>(registers[index]); }
    void set(int index, u64 value) const { registers[index] = static_cast<greg_t>(value); }
};

/// Changes the registers so that execution can go on, in the context of the signal; false: this fault is a bug.
using CodeFaultHandler = bool (*)(void* self, const CodeFault& fault);

struct CodeRange {
    std::atomic<u64> begin{0};
    std::atomic<u64> end{0};
    std::atomic<CodeFaultHandler> handler{nullptr};
    std::atomic<void*> self{nullptr};
    CodeRange* next = nullptr;
};

/// Thread-safe. The range stays valid until release_code_range.
CodeRange* register_code_range(u64 begin, u64 end, CodeFaultHandler handler, void* self);
void release_code_range(CodeRange* range);

}  // namespace bantam
