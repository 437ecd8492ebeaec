// Near JMP, CALL, RET, Jcc, LOOPcc, JCXZ. T is the operand size: targets are truncated to it and checked against the CS
// limit, or for canonical form in 64-bit mode, before anything changes.
#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

/// `target` truncated to T and checked; raises #GP(0).
template <class T>
u64 checked_target(Cpu& cpu, u64 target) {
    if constexpr (sizeof(T) == 8) {
        if (!cpu.canonical(target)) cpu.raise(Vector::general_protection, 0);
        return target;
    } else {
        target = static_cast<T>(target);
        // 16-bit operands in 64-bit mode do not occur for near branches; compatibility and legacy code have a limit.
        if (target > cpu.state.segment[kCs].limit) cpu.raise(Vector::general_protection, 0);
        return target;
    }
}

template <class T>
void jump_relative(Cpu& cpu, const Instruction& i) {
    cpu.state.rip() = checked_target<T>(cpu, cpu.state.rip() + i.immediate);
}

template <class T>
void jump_indirect(Cpu& cpu, const Instruction& i) {
    cpu.state.rip() = checked_target<T>(cpu, get_operand<T>(cpu, i, 0));
}

template <class T>
void call_to(Cpu& cpu, u64 target) {
    // As measured on processors: the return address is written before the target is checked, RSP changes after.
    const u64 top = (cpu.state.gpr[kRsp] - sizeof(T)) & cpu.stack_mask();
    cpu.write<T>(kSs, top, static_cast<T>(cpu.state.rip()));
    target = checked_target<T>(cpu, target);
    cpu.set_rsp(top);
    cpu.state.rip() = target;
}
template <class T>
void call_relative(Cpu& cpu, const Instruction& i) {
    call_to<T>(cpu, cpu.state.rip() + i.immediate);
}
template <class T>
void call_indirect(Cpu& cpu, const Instruction& i) {
    call_to<T>(cpu, get_operand<T>(cpu, i, 0));
}

template <class T>
void ret(Cpu& cpu, const Instruction& i) {
    const u64 top = cpu.state.gpr[kRsp] & cpu.stack_mask();
    const u64 target = checked_target<T>(cpu, cpu.read<T>(kSs, top));
    cpu.set_rsp(top + sizeof(T) + i.immediate);
    cpu.state.rip() = target;
}

template <class T, u8 kCondition>
void jump_on_condition(Cpu& cpu, const Instruction& i) {
    if (alu::condition_holds<kCondition>(cpu.state.status)) jump_relative<T>(cpu, i);
}

enum class LoopKind { always, while_equal, while_not_equal };

template <class T, LoopKind kKind>
void loop(Cpu& cpu, const Instruction& i) {
    u64& rcx = cpu.state.gpr[kRcx];
    const u64 count = (rcx - 1) & i.address_mask();
    const bool zero = alu::condition_holds<4>(cpu.state.status);
    const bool taken = count != 0 && (kKind == LoopKind::always || (kKind == LoopKind::while_equal) == zero);
    if (taken) jump_relative<T>(cpu, i);
    rcx = i.address_size == 2 ? replace_bits(rcx, count, u64{0xFFFF}) : count;
}

template <class T>
void jump_if_rcx_zero(Cpu& cpu, const Instruction& i) {
    if ((cpu.state.gpr[kRcx] & i.address_mask()) == 0) jump_relative<T>(cpu, i);
}

enum class Branch { jump_relative, jump_indirect, call_relative, call_indirect, ret, loop, loope, loopne, jcxz };

template <Branch kBranch>
struct BranchMaker {
    template <class T>
    static Handler make() {
        switch (kBranch) {
            case Branch::jump_relative:
                return &jump_relative<T>;
            case Branch::jump_indirect:
                return &jump_indirect<T>;
            case Branch::call_relative:
                return &call_relative<T>;
            case Branch::call_indirect:
                return &call_indirect<T>;
            case Branch::ret:
                return &ret<T>;
            case Branch::loop:
                return &loop<T, LoopKind::always>;
            case Branch::loope:
                return &loop<T, LoopKind::while_equal>;
            case Branch::loopne:
                return &loop<T, LoopKind::while_not_equal>;
            default:
                return &jump_if_rcx_zero<T>;
        }
    }
};

template <u8 kCondition>
struct ConditionMaker {
    template <class T>
    static Handler make() {
        return &jump_on_condition<T, kCondition>;
    }
};

template <u8... kConditions>
Handler jump_condition(const Instruction& i, std::integer_sequence<u8, kConditions...>) {
    const std::array<Handler, 16> handlers{by_word_size<ConditionMaker<kConditions>>(i.operand_size)...};
    return handlers[i.condition];
}

}  // namespace

Handler branch_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    const unsigned size = instruction.operand_size;
    const bool relative = instruction.operands[0].kind == OperandKind::relative;
    switch (instruction.mnemonic) {
        case Mnemonic::Jcc:
            return jump_condition(instruction, std::make_integer_sequence<u8, 16>{});
        case Mnemonic::Jmp:
            if (relative) return by_word_size<BranchMaker<Branch::jump_relative>>(size);
            return by_word_size<BranchMaker<Branch::jump_indirect>>(size);
        case Mnemonic::Call:
            if (relative) return by_word_size<BranchMaker<Branch::call_relative>>(size);
            return by_word_size<BranchMaker<Branch::call_indirect>>(size);
        case Mnemonic::Ret:
            return by_word_size<BranchMaker<Branch::ret>>(size);
        case Mnemonic::Loop:
            return by_word_size<BranchMaker<Branch::loop>>(size);
        case Mnemonic::Loope:
            return by_word_size<BranchMaker<Branch::loope>>(size);
        case Mnemonic::Loopne:
            return by_word_size<BranchMaker<Branch::loopne>>(size);
        case Mnemonic::Jcxz:
        case Mnemonic::Jecxz:
        case Mnemonic::Jrcxz:
            return by_word_size<BranchMaker<Branch::jcxz>>(size);
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
