// PendingStack: see stack.h. Stack pointers of inner levels come from the TSS (SDM vol. 3, 8.2.1 and 8.7).
#include "cpu/system/stack.h"

#include "cpu/system/segmentation.h"

namespace bantam {

PendingStack current_stack(const Cpu& cpu) {
    return {.ss = cpu.state.segment[kSs],
            .sp = cpu.state.gpr[kRsp] & cpu.stack_mask(),
            .mask = cpu.stack_mask(),
            .privilege = cpu.data_privilege(),
            .error_code = 0,
            .flat64 = cpu.code64()};
}

Linear stack_linear(Cpu& cpu, const PendingStack& stack, u64 offset, unsigned size) {
    if (stack.flat64) {
        if (!cpu.canonical(offset) || !cpu.canonical(offset + (size - 1)))
            cpu.raise(Vector::stack_fault, stack.error_code);
        return {offset};
    }
    const SegmentRegister& s = stack.ss;
    // A flat segment wraps.
    if (!s.flat_write && (!s.writable || offset < s.low || offset > s.high || size - 1 > s.high - offset)) {
        cpu.raise(Vector::stack_fault, stack.error_code);
    }
    return {(s.base + offset) & 0xFFFFFFFF};
}

void push_to(Cpu& cpu, PendingStack& stack, unsigned size, u64 value) {
    const u64 top = (stack.sp - size) & stack.mask;
    const Linear address = stack_linear(cpu, stack, top, size);
    if (size == 2) {
        cpu.write_linear<u16>(address, static_cast<u16>(value), stack.privilege, kSs);
    } else if (size == 4) {
        cpu.write_linear<u32>(address, static_cast<u32>(value), stack.privilege, kSs);
    } else {
        cpu.write_linear<u64>(address, value, stack.privilege, kSs);
    }
    stack.sp = top;
}

u64 peek_stack(Cpu& cpu, const PendingStack& stack, u64 offset, unsigned size) {
    const Linear address = stack_linear(cpu, stack, (stack.sp + offset) & stack.mask, size);
    if (size == 2) return cpu.read_linear<u16>(address, stack.privilege, kSs);
    if (size == 4) return cpu.read_linear<u32>(address, stack.privilege, kSs);
    return cpu.read_linear<u64>(address, stack.privilege, kSs);
}

void commit_stack_pointer(Cpu& cpu, const PendingStack& stack) { cpu.set_rsp(stack.sp); }

InnerStack inner_stack_from_tss(Cpu& cpu, u8 cpl) {
    const SegmentRegister& tr = cpu.state.tr;
    const bool wide = (tr.type() & 8u) != 0;
    const u32 offset = wide ? 4u + cpl * 8u : 2u + cpl * 4u;
    if (offset + (wide ? 5u : 3u) > tr.limit) cpu.raise(Vector::invalid_tss, selector_error(tr.selector));
    const Linear address{tr.base + offset};
    if (wide) return {cpu.read_system<u16>(address + 4), cpu.read_system<u32>(address)};
    return {cpu.read_system<u16>(address + 2), cpu.read_system<u16>(address)};
}

u64 stack_pointer_from_tss64(Cpu& cpu, unsigned slot) {
    const SegmentRegister& tr = cpu.state.tr;
    const u32 offset = 4 + 8 * slot;
    if (offset + 7 > tr.limit) cpu.raise(Vector::invalid_tss, selector_error(tr.selector));
    const u64 sp = cpu.read_system<u64>({tr.base + offset});
    if (!cpu.canonical(sp)) cpu.raise(Vector::stack_fault, 0);
    return sp;
}

}  // namespace bantam
