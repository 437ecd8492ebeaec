// How instructions become host code. Each function translates those it knows and returns true; on false it has written
// nothing and the instruction is handed over to its interpreter handler.
#pragma once

#include "jit/emitter.h"

namespace bantam::jit {

/// General-register instructions without control flow: the same operation on mapped operands.
bool translate_integer(Emitter& e, const isa::Instruction& i);
/// x87, MMX, SSE and AVX instructions: the same bytes with general registers and memory operand renamed.
bool translate_vector(Emitter& e, const isa::Instruction& i);
/// MOVS, STOS and LODS without REP.
bool translate_string(Emitter& e, const isa::Instruction& i);
/// PUSH, POP, LEAVE with the stack of flat code, or any of 16-bit code.
bool translate_stack(Emitter& e, const isa::Instruction& i);
/// What 16-bit code does with segment registers: MOV from them and PUSH; in real mode also their loads, but SS and CS.
bool translate_segment_register(Emitter& e, const isa::Instruction& i);
/// CLD and STD, at CPL 0 also CLI and SWAPGS.
bool translate_system(Emitter& e, const isa::Instruction& i);
/// Near JMP, CALL, RET, Jcc, LOOP, JCXZ. Ends the block: afterwards execution has gone on elsewhere.
bool translate_branch(Emitter& e, const isa::Instruction& i, Site& site);

/// The value of kSpare or kAddress across the making of an operand in the stack (for kSpare: or by a pointer). Windows
/// have no use for these registers there.
class SparedValue {
public:
    SparedValue(Emitter& e, const x86::Gp& reg) : e_(e), reg_(reg) {
        if (!e.in_window()) e.assembler().mov(low_operand(&e.context().spared), reg);
    }
    void restore() const {
        if (!e_.in_window()) e_.assembler().mov(reg_, low_operand(&e_.context().spared));
    }

private:
    Emitter& e_;
    x86::Gp reg_;
};

/// A native push of `size` bytes: the host operand the value goes to. RSP is unchanged until commit_push.
x86::Mem begin_push(Emitter& e, unsigned size);
void commit_push(Emitter& e, unsigned size);
/// The register of the stack pointer's width.
[[nodiscard]] x86::Gp stack_pointer(const Emitter& e);
/// Whether pushes and pops of `size` bytes can be translated.
bool native_stack(const Emitter& e, unsigned size);

}  // namespace bantam::jit
