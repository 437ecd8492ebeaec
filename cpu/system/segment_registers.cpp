// MOV to and from segment registers, PUSH and POP of them, LDS, LES, LSS, LFS, LGS (SDM vol. 2).
// Pushing a segment register with a 32-bit operand writes 16 bits and leaves the rest of the slot as it was, as current
// processors do (SDM vol. 2, PUSH); with a 64-bit operand the whole slot is written.
#include "cpu/system/handlers.h"
#include "cpu/system/interrupt.h"
#include "cpu/system/operands.h"
#include "cpu/system/segmentation.h"
#include "cpu/system/stack.h"

namespace bantam::handlers {

void mov_segment(Cpu& cpu, const isa::Instruction& i) {
    const isa::Operand& to = i.operands[0];
    const isa::Operand& from = i.operands[1];
    if (to.kind == isa::OperandKind::segment) {
        if (to.reg == kCs || to.reg >= kSegmentCount) cpu.raise(Vector::invalid_opcode);
        load_segment(cpu, to.reg, static_cast<u16>(read_operand(cpu, i, from, 2)));
        if (to.reg == kSs) begin_interrupt_shadow(cpu, true);
        return;
    }
    if (from.reg >= kSegmentCount) cpu.raise(Vector::invalid_opcode);
    const u16 selector = cpu.state.segment[from.reg].selector;
    if (to.kind == isa::OperandKind::memory) {
        cpu.write<u16>(i.segment, cpu.effective_address(i), selector);
    } else {
        write_gpr(cpu, to, selector);
    }
}

void push_segment(Cpu& cpu, const isa::Instruction& i) {
    const PendingStack stack = current_stack(cpu);
    const u64 top = (stack.sp - i.operand_size) & stack.mask;
    write_memory(cpu, kSs, top, i.operand_size == 8 ? 8 : 2, cpu.state.segment[i.operands[0].reg].selector);
    cpu.set_rsp(top);
}

void pop_segment(Cpu& cpu, const isa::Instruction& i) {
    CpuState& s = cpu.state;
    const unsigned segment = i.operands[0].reg;
    const u64 mask = cpu.stack_mask();
    const auto selector = cpu.read<u16>(kSs, s.gpr[kRsp] & mask);
    // Computed before SS can change the width of the stack pointer.
    const u64 popped = (s.gpr[kRsp] + i.operand_size) & mask;
    const u64 rsp = mask == 0xFFFF ? (s.gpr[kRsp] & ~mask) | popped : popped;
    load_segment(cpu, segment, selector);
    s.gpr[kRsp] = rsp;
    if (segment == kSs) begin_interrupt_shadow(cpu, true);
}

void load_far_pointer(Cpu& cpu, const isa::Instruction& i) {
    const u64 address = cpu.effective_address(i);
    const u64 offset = read_memory(cpu, i.segment, address, i.operand_size);
    const auto selector = cpu.read<u16>(i.segment, (address + i.operand_size) & i.address_mask());
    unsigned segment = kGs;
    switch (i.mnemonic) {
        case isa::Mnemonic::Lds:
            segment = kDs;
            break;
        case isa::Mnemonic::Les:
            segment = kEs;
            break;
        case isa::Mnemonic::Lss:
            segment = kSs;
            break;
        case isa::Mnemonic::Lfs:
            segment = kFs;
            break;
        default:
            break;
    }
    load_segment(cpu, segment, selector);
    write_gpr(cpu, i.operands[0], offset);
}

}  // namespace bantam::handlers
