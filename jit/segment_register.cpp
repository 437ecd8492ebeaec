// See instructions.h. A selector is read into a register in all code, into memory in that of 16 and 32 bits. A load in
// real mode sets selector and base and leaves limit and rights as they are (SDM vol. 3, 21.1.2), so nothing of the key
// changes.
#include "jit/instructions.h"

namespace bantam::jit {
namespace {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

constexpr unsigned kSelectorSize = 2;

/// The selector of `segment` to kSpare.
void read_selector(Emitter& e, unsigned segment) {
    e.assembler().movzx(kSpare.r32(), low_operand(&e.state().segment[segment].selector));
}

/// Loads `segment` with the selector in kSpare, whose upper bits are zero.
void load_real(Emitter& e, unsigned segment) {
    x86::Assembler& a = e.assembler();
    const SegmentRegister& r = e.state().segment[segment];
    a.mov(low_operand(&r.selector), kSpare.r16());
    a.lea(kSpare, x86::ptr_abs(0, kSpare, 3));
    a.lea(kSpare, x86::ptr(kSpare, kSpare));
    a.mov(low_operand(&r.hidden_base), kSpare);
    a.mov(low_operand(&r.base), kSpare);
}

bool loadable(const Emitter& e, unsigned segment) {
    return real_mode(e.key()) && segment != kSs && segment != kCs && segment < kSegmentCount;
}

bool translate_store(Emitter& e, const Instruction& i) {
    const Operand& to = i.operands[0];
    const unsigned segment = i.operands[1].reg;
    if (segment >= kSegmentCount) return false;
    if (to.kind == OperandKind::gpr) {
        if (is_homed(to.reg) && to.size < 4) return false;
        read_selector(e, segment);
        if (is_homed(to.reg)) {
            e.store_homed(to.reg, kSpare);
        } else {
            e.assembler().mov(Emitter::sized(host_register(to.reg), to.size), Emitter::sized(kSpare, to.size));
        }
        return true;
    }
    if (e.wide() || !e.addressable(i, MemoryUse::write)) return false;
    const x86::Mem at = e.memory_operand(i, kSelectorSize, MemoryUse::write);
    read_selector(e, segment);
    e.assembler().mov(at, kSpare.r16());
    return true;
}

bool translate_load(Emitter& e, const Instruction& i) {
    const Operand& from = i.operands[1];
    const unsigned segment = i.operands[0].reg;
    if (!loadable(e, segment)) return false;
    if (from.kind == OperandKind::gpr) {
        e.assembler().movzx(kSpare.r32(), host_register(from.reg).r16());
    } else {
        if (!e.addressable(i, MemoryUse::read)) return false;
        const x86::Mem at = e.memory_operand(i, kSelectorSize, MemoryUse::read);
        e.assembler().movzx(kSpare.r32(), at);
    }
    load_real(e, segment);
    return true;
}

/// The upper half of a slot of four bytes stays as it was.
bool translate_push(Emitter& e, const Instruction& i) {
    const int size = i.operand_size;
    if (!native_stack(e, i.operand_size)) return false;
    const x86::Mem at = e.stack_operand(-size, kSelectorSize, MemoryUse::write);
    read_selector(e, i.operands[0].reg);
    e.assembler().mov(at, kSpare.r16());
    commit_push(e, i.operand_size);
    return true;
}

bool translate_pop(Emitter& e, const Instruction& i) {
    const unsigned segment = i.operands[0].reg;
    if (!loadable(e, segment) || !native_stack(e, i.operand_size)) return false;
    const x86::Mem at = e.stack_operand(0, kSelectorSize, MemoryUse::read);
    e.assembler().movzx(kSpare.r32(), at);
    load_real(e, segment);
    e.assembler().lea(stack_pointer(e), x86::ptr(kGuestRsp, static_cast<i32>(i.operand_size)));
    return true;
}

/// LDS, LES, LFS, LGS. An offset of 16 bits wraps between pointer and selector: not within 64 KiB.
bool translate_far_pointer(Emitter& e, const Instruction& i, unsigned segment) {
    if (!loadable(e, segment) || !e.addressable(i, MemoryUse::read)) return false;
    if (unlimited(e.key(), i.segment)) return false;
    const unsigned size = i.operand_size;
    x86::Mem pointer = e.memory_operand(i, size + kSelectorSize, MemoryUse::read);
    x86::Mem selector = pointer.cloneAdjusted(size);
    selector.setSize(kSelectorSize);
    pointer.setSize(size);
    e.assembler().movzx(kSpare.r32(), selector);
    load_real(e, segment);
    e.assembler().mov(Emitter::sized(host_register(i.operands[0].reg), size), pointer);
    return true;
}

}  // namespace

bool translate_segment_register(Emitter& e, const Instruction& i) {
    const bool loads = i.operands[0].kind == OperandKind::segment;
    if (i.mnemonic == Mnemonic::MovSegment && !loads) return translate_store(e, i);
    if (e.wide()) return false;
    if (i.mnemonic == Mnemonic::PushSegment) return translate_push(e, i);
    if (!e.sixteen()) return false;
    switch (i.mnemonic) {
        case Mnemonic::MovSegment:
            return translate_load(e, i);
        case Mnemonic::PopSegment:
            return translate_pop(e, i);
        case Mnemonic::Lds:
            return translate_far_pointer(e, i, kDs);
        case Mnemonic::Les:
            return translate_far_pointer(e, i, kEs);
        case Mnemonic::Lfs:
            return translate_far_pointer(e, i, kFs);
        case Mnemonic::Lgs:
            return translate_far_pointer(e, i, kGs);
        default:
            return false;
    }
}

}  // namespace bantam::jit
