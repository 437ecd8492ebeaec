// Judge: runs one case on both CPUs and says how they differ; makes a differing case small.
#pragma once

#include <string>

#include "tests/oracle/generator.h"
#include "tests/oracle/guest_cpu.h"
#include "tests/oracle/host_cpu.h"

namespace bantam::oracle {

struct Verdict {
    enum Kind : u8 {
        equal,
        skipped,  // loops, leaves the comparable instructions, or a page fault where the host process has memory
        different
    };
    Kind kind = equal;
    std::string text;                         // of a difference
    u8 vector = 0;                            // how the program ended on Bantam
    std::vector<isa::Instruction> completed;  // on Bantam
};

class Judge {
public:
    Judge(isa::CodeSize mode, bool all_flags, Engine engine) : mode_(mode), all_flags_(all_flags), guest_(engine) {}

    /// Puts the program into `arena` for the time of the call.
    Verdict judge(const Program& program, const ProgramState& initial, Arena& arena);

    /// The shortest program made by leaving out instructions of `program` that still differs.
    Program shrink(const Program& program, const ProgramState& initial, Arena& arena,
                   const isa::DecodeMode& decode_mode);

    [[nodiscard]] const Model& model() const { return guest_.model(); }

private:
    Verdict compare(const Program& program, const ProgramState& initial, const Arena& arena);
    [[nodiscard]] std::string memory_differences() const;
    [[nodiscard]] std::span<const u8> code_at(u64 rip) const;
    [[nodiscard]] bool code_changed(const Arena& arena) const;

    isa::CodeSize mode_;
    bool all_flags_;
    GuestCpu guest_;
    HostCpu host_;
};

}  // namespace bantam::oracle
