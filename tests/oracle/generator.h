// Random programs: encodings drawn from the instruction table, and random bytes, with register values and addresses
// that mostly hit the arena, often at the edges of its pages.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "cpu/isa/decoder.h"
#include "cpu/isa/table.h"
#include "tests/oracle/program.h"

namespace bantam::oracle {

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a program's start state
/// takes hundreds of numbers, so they must be cheap.
class Random {
public:
    explicit Random(u64 seed) : state_(seed) {}
    u64 operator()() {
        state_ += 0x9E3779B97F4A7C15;
        u64 mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
    /// 0 to bound - 1, for bounds far below 2^32.
    u64 below(u64 bound) { return ((*this)() >> 32) * bound >> 32; }

private:
    u64 state_;
};

struct Program {
    u64 offset = 0;                              // in the arena
    std::vector<u8> bytes;                       // ends with INT3
    std::vector<isa::Instruction> instructions;  // without the INT3 and without an invalid last one
    bool linear = true;                          // no branch: `instructions` are what executes, in this order
    [[nodiscard]] std::string disassembly(isa::CodeSize mode) const;
};

/// A program of exactly these bytes, decoded as far as they are valid; INT3 is added. The last instruction may be
/// invalid.
Program assemble(u64 offset, std::span<const u8> bytes, const isa::DecodeMode& mode);

class Generator {
public:
    Generator(u64 seed, isa::CodeSize mode, const isa::FeatureSet& features);

    /// 1 to 6 instructions; the last may be invalid.
    Program program();
    /// Call arena() first: vector registers hold lanes that were made with it.
    ProgramState state(const Program& program);
    Arena arena();
    [[nodiscard]] const isa::DecodeMode& decode_mode() const { return decode_mode_; }
    /// The table rows programs are made of.
    [[nodiscard]] std::span<const u16> rows() const { return rows_; }

private:
    [[nodiscard]] u64 below(u64 bound) { return random_.below(bound); }
    [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }
    u64 interesting(u64 bits_mask);
    u64 lane();
    void pick_lanes(std::span<u8> half);
    u64 data_offset();
    u64 pointer();
    bool append_instruction(Program& program);
    bool append_random_bytes(Program& program);
    void append(Program& program, std::span<const u8> bytes, const isa::Instruction& instruction);
    std::vector<u8> encode(const isa::Row& row);
    void encode_modrm(std::vector<u8>& bytes, const isa::Row& row, unsigned address_bits);
    void append_bytes(std::vector<u8>& bytes, u64 value, unsigned count);

    Random random_;
    isa::CodeSize mode_;
    isa::DecodeMode decode_mode_;
    std::vector<u16> rows_;
    std::vector<u16> plain_rows_;  // those of the integer unit
    std::array<u64, 1024> lanes_{};
    u64 program_offset_ = 0;
    u32 undefined_ = 0;  // flags that are undefined behind the program so far
};

}  // namespace bantam::oracle
