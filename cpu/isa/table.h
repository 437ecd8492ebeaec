// The instruction table: one Row per encoding, and the facts that follow from a row. Everything that asks "what is this
// instruction like" asks here: decoder, interpreter, translator, tests. The rows are written in table_*.h.
#pragma once

#include <span>

#include "cpu/isa/instruction.h"
#include "cpu/isa/row.h"

namespace bantam::isa {

/// All rows; row 0 stands for an invalid encoding. Instruction::row is an index into this.
std::span<const Row> table();

/// The row `instruction` was decoded by.
const Row& row_of(const Instruction& instruction);

/// How a mnemonic is executed (DESIGN section 3).
enum class ExecutionClass : u8 {
    host,    // the host executes it, re-encoded, with the same result in 64-bit mode
    shared,  // short integer semantics in C++
    called,  // ordinary C++ over CpuState
};
ExecutionClass execution_class(const Row& row);

/// Required alignment of the memory operand in bytes (#GP(0) otherwise), or 1.
u8 required_alignment(const Instruction& instruction);

/// EFLAGS bits an instruction depends on and changes.
struct FlagFacts {
    u32 read = 0;              // the result depends on them
    u32 written = 0;           // defined results
    u32 undefined = 0;         // undefined afterwards, by the SDM
    bool conditional = false;  // may leave all of written and undefined as they were (count 0, REP with rCX = 0)
};

/// Flag facts of a decoded instruction: its mnemonic's, made exact by condition, count and repeat prefix.
FlagFacts flag_facts(const Instruction& instruction);

}  // namespace bantam::isa
