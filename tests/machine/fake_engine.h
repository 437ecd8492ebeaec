// FakeEngine: runs no code: every turn of a small script costs so many instructions, and may act on the world. Obeys
// the Engine contract: stops at the deadline, at kAttentionStop, and reads the deadline before each.
#pragma once

#include <functional>

#include "cpu/cpu.h"
#include "cpu/engine.h"
#include "tests/empty_environment.h"

namespace bantam {

class FakeEngine final : public Engine {
public:
    explicit FakeEngine(Cpu& cpu) : cpu_(cpu) {}

    /// Called before each instruction; returns false to halt there (a later turn asks again).
    std::function<bool()> instruction = [] { return true; };
    unsigned runs = 0;
    unsigned resets = 0;

    EngineExit run() override {
        ++runs;
        CpuState& state = cpu_.state;
        while (true) {
            if ((state.attention & kAttentionStop) != 0) {
                state.attention &= ~static_cast<u32>(kAttentionStop);
                return EngineExit::stopped;
            }
            if (state.shutdown) return EngineExit::shutdown;
            if (state.instructions >= state.deadline) return EngineExit::deadline;
            if (!instruction()) return EngineExit::halted;
            ++state.instructions;
        }
    }
    void reset() override { ++resets; }

private:
    Cpu& cpu_;
};

}  // namespace bantam
