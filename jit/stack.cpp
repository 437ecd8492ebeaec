#include "jit/instructions.h"

namespace bantam::jit {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

bool native_stack(const Emitter& e, unsigned size) {
    if (e.wide()) return size == 8;
    return size == 4 && wide_stack(e.key()) && flat_write(e.key(), kSs) && base_zero(e.key(), kSs);
}

x86::Mem begin_push(Emitter& e, unsigned size) {
    e.assembler().lea(Emitter::sized(kAddress, size), x86::ptr(kGuestRsp, -static_cast<i32>(size)));
    return e.memory_at(kAddress, size, MemoryUse::write);
}

void commit_push(Emitter& e, unsigned size) {
    e.assembler().mov(Emitter::sized(kGuestRsp, size), Emitter::sized(kAddress, size));
}

namespace {

/// The top of the stack as a host operand.
x86::Mem top_of_stack(Emitter& e, unsigned size) {
    if (e.wide()) return e.memory_at(kGuestRsp, size, MemoryUse::read);
    e.assembler().mov(kAddress.r32(), kGuestRsp.r32());
    return e.memory_at(kAddress, size, MemoryUse::read);
}

bool translate_push(Emitter& e, const Instruction& i) {
    const unsigned size = i.operand_size;
    if (!native_stack(e, size)) return false;
    x86::Assembler& a = e.assembler();
    const Operand& operand = i.operands[0];
    if (operand.kind == OperandKind::immediate) {
        const x86::Mem to = begin_push(e, size);
        a.mov(to, asmjit::imm(static_cast<i32>(i.immediate)));
    } else if (operand.kind == OperandKind::gpr) {
        const x86::Mem to = begin_push(e, size);
        a.mov(to, Emitter::sized(e.read_register(operand.reg, kSpare), size));
    } else if (operand.kind == OperandKind::memory && e.addressable(i, MemoryUse::read)) {
        const x86::Mem from = e.memory_operand(i, size, MemoryUse::read);
        a.mov(Emitter::sized(kSpare, size), from);
        a.mov(absolute(&e.context().branch_target), kSpare);
        const x86::Mem to = begin_push(e, size);
        a.mov(kSpare, absolute(&e.context().branch_target));
        a.mov(to, Emitter::sized(kSpare, size));
    } else {
        return false;
    }
    commit_push(e, size);
    return true;
}

bool translate_pop(Emitter& e, const Instruction& i) {
    const unsigned size = i.operand_size;
    const Operand& operand = i.operands[0];
    if (!native_stack(e, size) || operand.kind != OperandKind::gpr || operand.reg == kRsp) return false;
    x86::Assembler& a = e.assembler();
    const x86::Mem from = top_of_stack(e, size);
    const x86::Gp to = is_homed(operand.reg) ? kSpare : host_register(operand.reg);
    a.mov(Emitter::sized(to, size), from);
    e.store_homed(operand.reg, to);
    a.lea(Emitter::sized(kGuestRsp, size), x86::ptr(kGuestRsp, static_cast<i32>(size)));
    return true;
}

bool translate_leave(Emitter& e, const Instruction& i) {
    const unsigned size = i.operand_size;
    if (!native_stack(e, size)) return false;
    x86::Assembler& a = e.assembler();
    a.mov(Emitter::sized(kAddress, size), Emitter::sized(x86::rbp, size));
    const x86::Mem from = e.memory_at(kAddress, size, MemoryUse::read);
    a.mov(Emitter::sized(x86::rbp, size), from);
    a.lea(Emitter::sized(kGuestRsp, size), x86::ptr(kAddress, static_cast<i32>(size)));
    return true;
}

}  // namespace

bool translate_stack(Emitter& e, const Instruction& i) {
    switch (i.mnemonic) {
        case Mnemonic::Push:
            return translate_push(e, i);
        case Mnemonic::Pop:
            return translate_pop(e, i);
        case Mnemonic::Leave:
            return translate_leave(e, i);
        default:
            return false;
    }
}

}  // namespace bantam::jit
