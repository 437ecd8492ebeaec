// See instructions.h. Conditional jumps use the flags where they are, in the host's EFLAGS. A computed target that is
// not canonical, or beyond the limit of CS, is found out when the jump has missed: Translator::refuse_branch.
#include <optional>

#include "base/bits.h"
#include "jit/instructions.h"

namespace bantam::jit {
namespace {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

/// Before going on at a RIP that is in a register: kAddend gets what Translator::refuse_branch needs, should it not be
/// allowed.
void note_computed_target(Emitter& e, Site& site, int stack_change) {
    const bool always_allowed = e.sixteen() ? site.instruction().operand_size == 2 : !e.wide();
    if (always_allowed) return;
    site.stack_change = stack_change;
    e.overwrite_addend();
    e.load_constant(kAddend, reinterpret_cast<u64>(&site));
}

/// Moves `from`, of `size` bytes, to kAddress; above are zeros.
template <class From>
void move_target(Emitter& e, const From& from, unsigned size) {
    x86::Assembler& a = e.assembler();
    if (size == 2) {
        a.movzx(kAddress.r32(), from);
    } else {
        a.mov(Emitter::sized(kAddress, size), from);
    }
}

/// Puts the target of an indirect JMP or CALL into kAddress.
void load_target(Emitter& e, const Instruction& i) {
    const Operand& operand = i.operands[0];
    if (operand.kind == OperandKind::memory) {
        move_target(e, e.memory_operand(i, operand.size, MemoryUse::read), operand.size);
    } else {
        move_target(e, Emitter::sized(e.read_register(operand.reg, kAddress), operand.size), operand.size);
    }
}

bool target_readable(const Emitter& e, const Instruction& i) {
    return i.operands[0].kind != OperandKind::memory || e.addressable(i, MemoryUse::read);
}

bool translate_call(Emitter& e, const Instruction& i, Site& site, std::optional<u64> target) {
    const unsigned size = i.operand_size;
    if (!native_stack(e, size)) return false;
    if (!target) {
        if (!target_readable(e, i)) return false;
        load_target(e, i);
    }
    std::optional<SparedValue> computed;
    if (!target) computed.emplace(e, kAddress);
    e.store_constant(begin_push(e, size), site.next_rip());
    commit_push(e, size);
    e.settle_stack();
    if (target) {
        e.resume_here(*target);
        e.call(*target, site.next_rip());
    } else {
        computed->restore();
        note_computed_target(e, site, -static_cast<int>(size));
        e.call_indirect(site.next_rip());
    }
    return true;
}

bool translate_ret(Emitter& e, const Instruction& i, Site& site) {
    const unsigned size = i.operand_size;
    if (!native_stack(e, size)) return false;
    const x86::Mem from = e.stack_operand(0, size, MemoryUse::read);
    move_target(e, from, size);
    const int released = static_cast<int>(size + i.immediate);
    e.move_stack(released);
    e.settle_stack();
    note_computed_target(e, site, released);
    e.ret();
    return true;
}

bool translate_loop(Emitter& e, const Instruction& i, const Site& site, u64 target) {
    x86::Assembler& a = e.assembler();
    const x86::Gp count = Emitter::sized(x86::rcx, i.address_size);
    a.lea(count, x86::ptr(x86::rcx, -1));
    e.jump_if_rcx_zero(i.address_size, site.next_rip());
    if (i.mnemonic == Mnemonic::Loope) {
        e.jump_if(5, site.next_rip());  // NE
    } else if (i.mnemonic == Mnemonic::Loopne) {
        e.jump_if(4, site.next_rip());  // E
    }
    e.jump(target);
    return true;
}

}  // namespace

bool translate_branch(Emitter& e, const Instruction& i, Site& site) {
    const bool usual_size = e.sixteen() ? i.operand_size <= 4 : i.operand_size == (e.wide() ? 8 : 4);
    if (!usual_size) return false;
    std::optional<u64> target;
    if (i.operand_count != 0 && i.operands[0].kind == OperandKind::relative) {
        target = site.next_rip() + i.immediate;
        if (!e.wide()) *target &= i.operand_size == 2 ? kTopOffset : 0xFFFFFFFF;
        if (e.sixteen() && *target > kTopOffset) return false;
        if (e.wide() && !e.canonical(*target)) return false;
    }
    switch (i.mnemonic) {
        case Mnemonic::Jmp:
            if (target) {
                e.jump(*target);
                return true;
            }
            if (!target_readable(e, i)) return false;
            load_target(e, i);
            note_computed_target(e, site, 0);
            e.jump_indirect();
            return true;
        case Mnemonic::Jcc:
            e.jump_if(i.condition, *target);
            e.jump(site.next_rip());
            return true;
        case Mnemonic::Call:
            return translate_call(e, i, site, target);
        case Mnemonic::Ret:
            return translate_ret(e, i, site);
        case Mnemonic::Loop:
        case Mnemonic::Loope:
        case Mnemonic::Loopne:
            return translate_loop(e, i, site, *target);
        case Mnemonic::Jcxz:
        case Mnemonic::Jecxz:
        case Mnemonic::Jrcxz:
            e.jump_if_rcx_zero(i.address_size, *target);
            e.jump(site.next_rip());
            return true;
        default:
            return false;
    }
}

}  // namespace bantam::jit
