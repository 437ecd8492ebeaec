// Memory operands of 16-bit code (emitter.h). What the key says of a segment holds below 64 KiB, whatever its limit is
// beyond: an operand that does not end there goes to the handler. The base is read each time.
#include "jit/emitter.h"

namespace bantam::jit {

/// The operand at offset kAddress, of `address_size` bytes, in `segment`.
x86::Mem Emitter::segment_operand(unsigned segment, unsigned address_size, unsigned size, MemoryUse use,
                                  unsigned alignment) {
    const SlowPath slow = slow_path(true);
    a_.mov(kSpare, x86::rcx);
    const bool within_limit = (size == 1 && address_size == 2) || unlimited(key(), segment);
    if (!within_limit) {
        const asmjit::Label within = a_.newLabel();
        a_.lea(x86::rcx, x86::ptr(kAddress, static_cast<i32>(size) - 1));
        a_.pext(x86::rcx, x86::rcx, low_operand(&t_.context.beyond_64k));
        a_.jecxz(x86::rcx, within);
        a_.jmp(slow.label);
        a_.bind(within);
    }
    add_segment_base(segment, kAddress);
    return checked_operand(slow, kAddress, size, use, alignment);
}

x86::Mem Emitter::segment_stack_operand(const x86::Gp& pointer, int displacement, unsigned size, MemoryUse use) {
    a_.lea(kAddress.r32(), x86::ptr(pointer, displacement));
    const unsigned address_size = wide_stack(key()) ? 4 : 2;
    if (address_size == 2) a_.movzx(kAddress.r32(), kAddress.r16());
    return segment_operand(kSs, address_size, size, use, 1);
}

}  // namespace bantam::jit
