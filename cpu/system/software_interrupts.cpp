// INT n, INT3, INT1, INTO, BOUND, UD0-UD2, HLT, MONITOR and MWAIT (SDM vol. 2).
// MWAIT waits like HLT for an interrupt, NMI or SMI when MONITOR armed it; writes to the monitored line are not
// watched, so it is for models whose guests wake by interrupt.
#include "cpu/system/handlers.h"
#include "cpu/system/interrupt.h"
#include "cpu/system/operands.h"

namespace bantam::handlers {

void int_n(Cpu& cpu, const isa::Instruction& i) {
    deliver_event(cpu, {.vector = static_cast<u8>(i.immediate), .kind = EventKind::software_interrupt});
}

void int3(Cpu& cpu, const isa::Instruction&) {
    deliver_event(cpu, {.vector = static_cast<u8>(Vector::breakpoint), .kind = EventKind::software_exception});
}

void int1(Cpu& cpu, const isa::Instruction&) {
    deliver_event(cpu, {.vector = static_cast<u8>(Vector::debug), .kind = EventKind::privileged_software_exception});
}

void into(Cpu& cpu, const isa::Instruction&) {
    if ((cpu.state.eflags() & kFlagOverflow) == 0) return;
    deliver_event(cpu, {.vector = static_cast<u8>(Vector::overflow), .kind = EventKind::software_exception});
}

void bound(Cpu& cpu, const isa::Instruction& i) {
    const unsigned size = i.operand_size;
    const u64 address = cpu.effective_address(i);
    const auto index = static_cast<i64>(sign_extend(read_gpr(cpu, i.operands[0]), size));
    const auto lower = static_cast<i64>(sign_extend(read_memory(cpu, i.segment, address, size), size));
    // As measured on a processor: an index below the first bound is found before the second is read.
    if (index < lower) cpu.raise(Vector::bound_range);
    const u64 upper_at = (address + size) & i.address_mask();
    const auto upper = static_cast<i64>(sign_extend(read_memory(cpu, i.segment, upper_at, size), size));
    if (index > upper) cpu.raise(Vector::bound_range);
}

void undefined(Cpu& cpu, const isa::Instruction&) { cpu.raise(Vector::invalid_opcode); }

void hlt(Cpu& cpu, const isa::Instruction&) {
    require_cpl0(cpu);
    cpu.request_attention(kAttentionHalted);
}

void pause(Cpu& cpu, const isa::Instruction&) { cpu.environment.pause(); }

void monitor(Cpu& cpu, const isa::Instruction& i) {
    if (cpu.state.cpl != 0) cpu.raise(Vector::invalid_opcode);
    if (static_cast<u32>(cpu.state.gpr[kRcx]) != 0) cpu.raise(Vector::general_protection, 0);
    const u64 mask = i.address_size == 0 ? ~u64{0} : mask_for(i.address_size);
    static_cast<void>(cpu.read<u8>(i.segment, cpu.state.gpr[kRax] & mask));
    cpu.state.monitor_armed = true;
}

void mwait(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    if (s.cpl != 0) cpu.raise(Vector::invalid_opcode);
    const auto extensions = static_cast<u32>(s.gpr[kRcx]);
    if (extensions > 1) cpu.raise(Vector::general_protection, 0);
    if (!s.monitor_armed) return;
    s.monitor_armed = false;
    s.wake_on_masked = extensions == 1;
    cpu.request_attention(kAttentionHalted);
    cpu.update_attention();
}

}  // namespace bantam::handlers
