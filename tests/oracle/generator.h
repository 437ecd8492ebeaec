// Random programs: encodings drawn from the instruction table, with register values and addresses that mostly hit the
// arena.
#pragma once

#include <random>
#include <span>
#include <vector>

#include "cpu/isa/decoder.h"
#include "cpu/isa/table.h"
#include "tests/oracle/program.h"

namespace bantam::oracle {

struct Program {
    std::vector<u8> bytes;                       // ends with INT3
    std::vector<isa::Instruction> instructions;  // without the INT3
    [[nodiscard]] std::string disassembly(isa::CodeSize mode) const;
};

class Generator {
public:
    Generator(u64 seed, isa::CodeSize mode, const isa::FeatureSet& features);

    /// 1 to 6 instructions. Instructions whose result depends on the operating system are left out.
    Program program();
    ProgramState state();
    Arena arena();

private:
    [[nodiscard]] u64 below(u64 bound) { return random_() % bound; }
    [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }
    u64 interesting(u64 bits_mask);
    u64 pointer();
    bool append_instruction(Program& program);
    std::vector<u8> encode(const isa::Row& row);
    void encode_modrm(std::vector<u8>& bytes, const isa::Row& row);

    std::mt19937_64 random_;
    isa::CodeSize mode_;
    isa::DecodeMode decode_mode_;
    std::vector<u16> rows_;
    u32 undefined_ = 0;  // flags that are undefined behind the program so far
};

/// EFLAGS bits that are defined after `program`; `all_retired` is false when it stopped at a fault somewhere.
u32 defined_flags(const Program& program, bool all_retired);

}  // namespace bantam::oracle
