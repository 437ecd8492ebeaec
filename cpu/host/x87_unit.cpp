// See x87_unit.h. Loading and saving the live unit, pointers, pending exceptions, FERR# and IGNNE#.
// SDM vol. 1, chapter 8 and vol. 3, 23.18 (MS-DOS compatible error reporting).
#include "cpu/host/x87_unit.h"

#include <cstring>

namespace bantam::host {
namespace {

constexpr std::size_t kMxcsrInImage = 24;

struct Environment28 {
    u32 control, status, tag, instruction_pointer, code_opcode, data_pointer, data_segment;
};

}  // namespace

void enter_fpu(CpuState& state) {
    alignas(16) std::array<u8, 512> image = state.x87;
    // FXRSTOR loads MXCSR too: give it the one that is there.
    u32 mxcsr;
    asm volatile("stmxcsr %0" : "=m"(mxcsr));
    std::memcpy(image.data() + kMxcsrInImage, &mxcsr, sizeof mxcsr);
    asm volatile("fxrstor64 %0"
                 :
                 : "m"(image)
                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                   "xmm12", "xmm13", "xmm14", "xmm15");
}

void leave_fpu(CpuState& state) {
    alignas(16) std::array<u8, 512> image;
    asm volatile("fxsave64 %0\n\tfninit" : "=m"(image));
    // Control, status, tags and the eight registers; the pointers and XMM state are kept elsewhere.
    std::memcpy(state.x87.data(), image.data(), 5);
    for (unsigned i = 0; i < 8; ++i) std::memcpy(state.x87.data() + 32 + 16 * i, image.data() + 32 + 16 * i, 10);
}

void settle_x87_pointers(Cpu& cpu) {
    CpuState& s = cpu.state;
    if ((s.x87_last_opcode & kX87LastValid) == 0) return;
    const bool modern = x87_modern_pointers(cpu);
    if (modern && (x87_status_word() & kX87ErrorSummary) == 0) return;
    s.x87_opcode = s.x87_last_opcode & 0x7FFu;
    if ((s.x87_last_opcode & (modern ? kX87LastMemory : kX87EarlierMemory)) != 0) {
        s.x87_data_pointer = s.x87_last_data_pointer;
        s.x87_data_segment = s.x87_last_data_segment;
    }
    s.x87_last_opcode = 0;
}

void forget_unsettled_x87_pointers(Cpu& cpu) {
    if (!x87_modern_pointers(cpu) || (x87_status_word() & kX87ErrorSummary) != 0) return;
    CpuState& s = cpu.state;
    s.x87_last_opcode = 0;
    s.x87_last_data_pointer = 0;
    s.x87_last_data_segment = s.x87_code_segment = s.x87_data_segment = 0;
}

void clear_x87_pointers(CpuState& state) {
    state.x87_instruction_pointer = state.x87_data_pointer = 0;
    state.x87_code_segment = state.x87_data_segment = state.x87_opcode = state.x87_last_opcode = 0;
}

bool report_x87_error(Cpu& cpu) {
    settle_x87_pointers(cpu);
    if ((cpu.state.cr0 & 0x20) != 0) cpu.raise(Vector::x87_error);
    if (!cpu.state.ferr) {
        cpu.state.ferr = true;
        cpu.environment.set_ferr(true);
    }
    if (cpu.ignne()) return false;
    cpu.state.rip() = cpu.state.instruction_rip;
    cpu.state.resume_armed = false;  // it has not completed: RF stays
    cpu.request_attention(kAttentionFerr);
    return true;
}

void update_ferr(Cpu& cpu) {
    if (!cpu.state.ferr || (x87_status_word() & kX87ErrorSummary) != 0) return;
    cpu.state.ferr = false;
    cpu.environment.set_ferr(false);
}

u16 set_aside_x87_exceptions() {
    Environment28 environment;
    asm volatile("fnstenv %0" : "=m"(environment));
    const u32 flags = environment.status & (kX87Exceptions | kX87StackFault);
    environment.status &= ~static_cast<u32>(kX87Exceptions | kX87StackFault | kX87ErrorSummary | kX87Busy);
    // FNSTENV masked the exceptions, so loading does not trap on those still pending.
    asm volatile("fldenv %0" : : "m"(environment));
    return static_cast<u16>(flags);
}

void restore_x87_exceptions(u16 flags) {
    Environment28 environment;
    asm volatile("fnstenv %0" : "=m"(environment));
    environment.status |= flags;
    asm volatile("fldenv %0" : : "m"(environment));
}

void clear_x87_top() {
    constexpr u32 kTop = 7u << 11;
    if ((x87_status_word() & kTop) == 0) return;
    Environment28 environment;
    asm volatile("fnstenv %0" : "=m"(environment));
    environment.status &= ~kTop;
    asm volatile("fldenv %0" : : "m"(environment));
}

void fwait(Cpu& cpu, const isa::Instruction&) {
    if ((cpu.state.cr0 & 0xA) == 0xA) cpu.raise(Vector::device_not_available);  // MP and TS
    if ((x87_status_word() & kX87ErrorSummary) != 0) report_x87_error(cpu);
}

void fninit(Cpu& cpu, const isa::Instruction&) {
    asm volatile("fninit");
    clear_x87_pointers(cpu.state);
    update_ferr(cpu);
}

void fnclex(Cpu& cpu, const isa::Instruction&) {
    settle_x87_pointers(cpu);
    asm volatile("fnclex");
    cpu.state.x87_last_opcode = 0;
    update_ferr(cpu);
}

}  // namespace bantam::host
