#include "jit/instructions.h"

namespace bantam::jit {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

bool native_stack(const Emitter& e, unsigned size) {
    if (e.wide()) return size == 8;
    if (e.sixteen()) return low_write(e.key(), kSs);
    return size == 4 && wide_stack(e.key()) && flat_write(e.key(), kSs) && base_zero(e.key(), kSs);
}

x86::Mem begin_push(Emitter& e, unsigned size) {
    return e.stack_operand(-static_cast<int>(size), size, MemoryUse::write);
}

x86::Gp stack_pointer(const Emitter& e) {
    if (e.wide()) return kGuestRsp;
    return Emitter::sized(kGuestRsp, wide_stack(e.key()) ? 4 : 2);
}

void commit_push(Emitter& e, unsigned size) { e.move_stack(-static_cast<int>(size)); }

namespace {

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
        const SparedValue value(e, kSpare);
        const x86::Mem to = begin_push(e, size);
        value.restore();
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
    const x86::Mem from = e.stack_operand(0, size, MemoryUse::read);
    const x86::Gp to = is_homed(operand.reg) ? kSpare : host_register(operand.reg);
    a.mov(Emitter::sized(to, size), from);
    e.store_homed(operand.reg, to);
    e.move_stack(static_cast<int>(size));
    return true;
}

bool translate_leave(Emitter& e, const Instruction& i) {
    const unsigned size = i.operand_size;
    if (!native_stack(e, size)) return false;
    x86::Assembler& a = e.assembler();
    const x86::Mem from = e.pointer_operand(kRbp, stack_pointer(e).size(), kSs, size, MemoryUse::read);
    a.mov(Emitter::sized(kAddress, size), from);
    a.lea(stack_pointer(e), x86::ptr(x86::rbp, static_cast<i32>(size)));
    a.mov(Emitter::sized(x86::rbp, size), Emitter::sized(kAddress, size));
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
