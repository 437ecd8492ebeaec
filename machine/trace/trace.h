// --trace WHAT: a line for every event of the kinds asked for:
//   insn   before each instruction: CS:RIP and disassembly     block  the same where it does not follow the last
//   int    delivered interrupts and exceptions, INT n too      bios   INT n in real mode, with its registers
//   irq    acknowledged external vectors                       io     port accesses
//   mmio   accesses to registers in memory                     pci    accesses to configuration space
//   disk   commands of the IDE drives
// Every line begins with the number of instructions retired so far. Without it nothing is slower but for a comparison
// where C++ is anyway; insn and block execute one instruction a turn.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "cpu/interpreter/interpreter.h"
#include "machine/config.h"
#include "machine/pc.h"

namespace bantam {

/// Errors: usage for an unknown word, with the list.
Result<void> check_trace(const TraceConfig& config);

/// While it lives, `config` says what is traced. It must go before board and engine.
class Trace {
public:
    /// What traces work on.
    struct Wiring {
        Pc& pc;
        PhysicalMemory& memory;
        Scheduler& scheduler;
        Interpreter& engine;
        std::function<void()> unwritable;  // called when the file takes no more
    };
    /// Null: nothing is to be traced. Errors: host_resource (the file).
    static Result<std::unique_ptr<Trace>> start(const TraceConfig& config, const Wiring& wiring);
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

private:
    class Sink;
    class Deliveries;
    Trace();
    void switch_on(const TraceConfig& config, const Wiring& wiring);

    std::shared_ptr<Sink> sink_;
    std::unique_ptr<Deliveries> deliveries_;
    std::unique_ptr<Timer> begin_;  // when it is to begin later
};

}  // namespace bantam
