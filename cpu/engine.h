// Engine: what runs a Cpu. Interpreter, translator and KVM implement it over the same CpuState and may be exchanged
// between any two instructions.
#pragma once

#include "base/types.h"

namespace bantam {

enum class EngineExit : u8 {
    deadline,  // state.instructions reached state.deadline
    halted,    // HLT with nothing pending: time may jump to the next event
    stopped,   // kAttentionStop was set (and is now clear)
    shutdown,  // triple fault; the board decides on reset
};

class Engine {
public:
    virtual ~Engine() = default;
    /// Runs until one of EngineExit. Reads state.deadline again whenever Cpu::deadline_moved is called.
    virtual EngineExit run() = 0;
    /// Forgets everything cached about guest code (after loading state or switching engines).
    virtual void reset() = 0;
};

}  // namespace bantam
