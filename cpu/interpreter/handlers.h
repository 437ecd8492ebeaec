// Which handler executes an instruction. Each group returns null for mnemonics that are not its own.
#pragma once

#include "cpu/isa/instruction.h"

namespace bantam::interpreter {

isa::Handler arithmetic_handler(const isa::Instruction& instruction);  // ADD..CMP, TEST, INC, DEC, NEG, NOT
isa::Handler shift_handler(const isa::Instruction& instruction);       // rotates, shifts, SHLD, SHRD
isa::Handler multiply_handler(const isa::Instruction& instruction);    // MUL, IMUL, DIV, IDIV
isa::Handler bit_handler(const isa::Instruction& instruction);         // BT.., BSF, BSR, BSWAP
isa::Handler move_handler(const isa::Instruction& instruction);        // MOV, MOVZX, LEA, XCHG, CMOVcc, SETcc, CBW...
isa::Handler atomic_handler(const isa::Instruction& instruction);      // XADD, CMPXCHG, CMPXCHG8B, CMPXCHG16B
isa::Handler stack_handler(const isa::Instruction& instruction);       // PUSH, POP, PUSHA, POPA, ENTER, LEAVE
isa::Handler branch_handler(const isa::Instruction& instruction);      // near JMP, CALL, RET, Jcc, LOOP, JCXZ
isa::Handler string_handler(const isa::Instruction& instruction);      // MOVS, STOS, LODS, SCAS, CMPS
isa::Handler decimal_handler(const isa::Instruction& instruction);     // AAA, AAS, AAM, AAD, DAA, DAS
isa::Handler flag_handler(const isa::Instruction& instruction);        // CLC.., LAHF, SAHF, SALC, NOP, fences

/// How many elements REP executes at most before it looks for interrupts, counted as one instruction: some 20 us of a
/// host's time. A power of two.
inline constexpr u64 kElementsPerTurn = u64{1} << 15;

/// The first group that knows the instruction, or null.
isa::Handler integer_handler(const isa::Instruction& instruction);

}  // namespace bantam::interpreter
