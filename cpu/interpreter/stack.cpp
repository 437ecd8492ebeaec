// PUSH, POP, PUSHA, POPA, ENTER, LEAVE. The stack pointer's width is the stack's (SS.B), the pushed size the operand's.
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

template <class T>
void push_register(Cpu& cpu, const Instruction& i) {
    cpu.push<T>(get_register<T>(cpu, i, 0));
}
template <class T>
void push_operand(Cpu& cpu, const Instruction& i) {
    cpu.push<T>(get_operand<T>(cpu, i, 0));
}
template <class T>
void pop_register(Cpu& cpu, const Instruction& i) {
    const T value = cpu.pop<T>();
    set_register<T>(cpu, i, 0, value);
}

/// An RSP-based destination address uses the incremented RSP (SDM vol. 2, POP).
template <class T>
void pop_memory(Cpu& cpu, const Instruction& i) {
    u64& rsp = cpu.state.gpr[kRsp];
    const u64 old_rsp = rsp;
    const T value = cpu.pop<T>();
    const u64 new_rsp = rsp;
    const u64 address = cpu.effective_address(i);
    rsp = old_rsp;
    cpu.write<T>(i.segment, address, value);
    rsp = new_rsp;
}

template <class T>
void push_all(Cpu& cpu, const Instruction&) {
    const u64 mask = cpu.stack_mask();
    u64 top = cpu.state.gpr[kRsp];
    for (unsigned reg = 0; reg < 8; ++reg) {
        top = (top - sizeof(T)) & mask;
        cpu.write<T>(kSs, top, static_cast<T>(cpu.state.gpr[reg]));
    }
    cpu.set_rsp(top);
}

/// As measured on processors: registers popped before a fault keep what they got; only rSP is as before.
template <class T>
void pop_all(Cpu& cpu, const Instruction&) {
    const u64 mask = cpu.stack_mask();
    u64 top = cpu.state.gpr[kRsp];
    for (u8 reg = 8; reg-- > 0;) {
        const T value = cpu.read<T>(kSs, top & mask);
        if (reg != kRsp) set_register<T>(cpu.state, static_cast<u8>(8 * reg), value);
        top += sizeof(T);
    }
    cpu.set_rsp(top);
}

/// ENTER (SDM vol. 2). Also raises what a write at the final stack pointer would raise.
template <class T>
void enter(Cpu& cpu, const Instruction& i) {
    const u64 mask = cpu.stack_mask();
    const u64 allocate = i.immediate & 0xFFFF;
    const unsigned level = i.immediate2 & 31u;
    u64 top = (cpu.state.gpr[kRsp] - sizeof(T)) & mask;
    cpu.write<T>(kSs, top, static_cast<T>(cpu.state.gpr[kRbp]));
    // As measured on a processor: a 32-bit frame pointer takes bits 31:16 from ESP on a 16-bit stack.
    const u64 frame = (cpu.state.gpr[kRsp] & ~mask) | top;
    if (level > 0) {
        u64 display = cpu.state.gpr[kRbp];
        for (unsigned outer = 1; outer < level; ++outer) {
            display -= sizeof(T);
            top = (top - sizeof(T)) & mask;
            cpu.write<T>(kSs, top, cpu.read<T>(kSs, display & mask));
        }
        top = (top - sizeof(T)) & mask;
        cpu.write<T>(kSs, top, static_cast<T>(frame));
    }
    top = (top - allocate) & mask;
    cpu.probe_write(kSs, top, sizeof(T));
    set_register<T>(cpu.state, 8 * kRbp, static_cast<T>(frame));
    cpu.set_rsp(top);
}

template <class T>
void leave(Cpu& cpu, const Instruction&) {
    const u64 frame = cpu.state.gpr[kRbp] & cpu.stack_mask();
    const T value = cpu.read<T>(kSs, frame);
    cpu.set_rsp(frame + sizeof(T));
    set_register<T>(cpu.state, 8 * kRbp, value);
}

enum class StackOperation { push, push_register, pop_register, pop_memory, push_all, pop_all, enter, leave };

template <StackOperation kOperation>
struct StackMaker {
    template <class T>
    static Handler make() {
        switch (kOperation) {
            case StackOperation::push:
                return &push_operand<T>;
            case StackOperation::push_register:
                return &push_register<T>;
            case StackOperation::pop_register:
                return &pop_register<T>;
            case StackOperation::pop_memory:
                return &pop_memory<T>;
            case StackOperation::push_all:
                return &push_all<T>;
            case StackOperation::pop_all:
                return &pop_all<T>;
            case StackOperation::enter:
                return &enter<T>;
            default:
                return &leave<T>;
        }
    }
};

}  // namespace

Handler stack_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    const unsigned size = instruction.operand_size;
    const bool in_register = instruction.operands[0].kind == OperandKind::gpr;
    switch (instruction.mnemonic) {
        case Mnemonic::Push:
            if (in_register) return by_word_size<StackMaker<StackOperation::push_register>>(size);
            return by_word_size<StackMaker<StackOperation::push>>(size);
        case Mnemonic::Pop:
            if (in_register) return by_word_size<StackMaker<StackOperation::pop_register>>(size);
            return by_word_size<StackMaker<StackOperation::pop_memory>>(size);
        case Mnemonic::Pusha:
            return &push_all<u16>;
        case Mnemonic::Pushad:
            return &push_all<u32>;
        case Mnemonic::Popa:
            return &pop_all<u16>;
        case Mnemonic::Popad:
            return &pop_all<u32>;
        case Mnemonic::Enter:
            return by_word_size<StackMaker<StackOperation::enter>>(size);
        case Mnemonic::Leave:
            return by_word_size<StackMaker<StackOperation::leave>>(size);
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
