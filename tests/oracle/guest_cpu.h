// GuestCpu: runs the same program as HostCpu on Bantam: CPL 3 under IA-32e paging, the arena at the same linear
// addresses, every exception delivered through an IDT of our own to ring 0, where a HLT ends the run.
#pragma once

#include <memory>
#include <vector>

#include "cpu/cpu.h"
#include "cpu/engine.h"
#include "tests/oracle/program.h"

namespace bantam::oracle {

/// What runs programs; translators every block from the first time on.
enum class Engine : u8 { interpreter, translator, translator_with_windows };

class GuestCpu {
public:
    explicit GuestCpu(Engine engine);
    ~GuestCpu();
    GuestCpu(const GuestCpu&) = delete;
    GuestCpu& operator=(const GuestCpu&) = delete;

    /// Runs at most `most_instructions`; Outcome::ended is false when they did not suffice.
    Outcome run(isa::CodeSize mode, const ProgramState& initial, const Arena& arena, u64 most_instructions);

    struct Trace {
        std::vector<isa::Instruction> executed;  // in order; the last one may have faulted
        u64 last_rip = 0;                        // where the last one was
    };
    /// Runs like run(), the slow way, and says what executed.
    Trace trace(isa::CodeSize mode, const ProgramState& initial, const Arena& arena, u64 most_instructions);

    /// The mapped part of the arena after the last run, kMappedBytes long.
    [[nodiscard]] const u8* arena() const;

    /// The CPU model under test: the host's features.
    [[nodiscard]] const Model& model() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace bantam::oracle
