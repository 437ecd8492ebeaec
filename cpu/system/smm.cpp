// SMI and RSM (SDM vol. 3, chapter 31). The state save map is the 32-bit one (table 31-1, revision 00020000h) on models
// without long mode, and on models with it the 64-bit layout firmware for virtual machines expects (AMD64 APM vol. 2,
// table 10-1, revision 00020064h). Hidden parts that the 32-bit map does not define lie in its reserved area.
// Leaves out I/O instruction restart (the SMI is taken between instructions) and auto-HALT restart's choice to stay
// awake: RSM goes back to HLT when the flag at 7F02h / 7EC9h is still set.
#include "cpu/system/smm.h"

#include "cpu/system/control.h"
#include "cpu/system/debug.h"
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"

namespace bantam {
namespace {

constexpr u32 kRevision32 = 0x00020000, kRevision64 = 0x00020064;

/// Moves fields between CpuState and the save map, in one list for both directions. Offsets are from SMBASE + 8000h.
struct SaveMap {
    PhysicalMemory& memory;
    u64 base;
    bool restore;

    template <class T>
    void field(u32 offset, T& value, unsigned size = sizeof(T)) {
        const Physical at{base + offset};
        if (restore) {
            value = static_cast<T>(memory.read(at, size));
        } else {
            memory.write(at, size, static_cast<u64>(value));
        }
    }
    void segment64(u32 offset, SegmentRegister& s) {
        field(offset, s.selector);
        field(offset + 2, s.attributes);
        field(offset + 4, s.limit);
        field(offset + 8, s.hidden_base);
    }
    /// Hidden part in the reserved area: base, limit, attributes.
    void hidden32(u32 offset, SegmentRegister& s) {
        field(offset, s.hidden_base, 4);
        field(offset + 4, s.limit);
        field(offset + 8, s.attributes);
    }
};

void transfer64(Cpu& cpu, SaveMap& map, u32& eflags) {
    CpuState& s = cpu.state;
    for (unsigned n = 0; n < kSegmentCount; ++n) map.segment64(0x7E00 + 0x10 * n, s.segment[n]);
    map.field(0x7E64, s.gdtr.limit);
    map.field(0x7E68, s.gdtr.base);
    map.segment64(0x7E70, s.ldtr);
    map.field(0x7E84, s.idtr.limit);
    map.field(0x7E88, s.idtr.base);
    map.segment64(0x7E90, s.tr);
    map.field(0x7ED0, s.efer);
    map.field(0x7F00, s.smbase);
    map.field(0x7F48, s.cr4);
    map.field(0x7F50, s.cr3);
    map.field(0x7F58, s.cr0);
    map.field(0x7F60, s.dr[7]);
    map.field(0x7F68, s.dr[6]);
    map.field(0x7F70, eflags);
    map.field(0x7F78, s.rip());
    for (unsigned n = 0; n < 16; ++n) map.field(0x7FF8 - 8 * n, s.gpr[n]);
    map.field(0x7ECB, s.cpl);
}

void transfer32(Cpu& cpu, SaveMap& map, u32& eflags) {
    CpuState& s = cpu.state;
    map.field(0x7FFC, s.cr0, 4);
    map.field(0x7FF8, s.cr3, 4);
    map.field(0x7FF4, eflags);
    map.field(0x7FF0, s.rip(), 4);
    for (unsigned n = 0; n < 8; ++n) map.field(0x7FD0 + 4 * n, s.gpr[n], 4);
    map.field(0x7FCC, s.dr[6], 4);
    map.field(0x7FC8, s.dr[7], 4);
    map.field(0x7FC4, s.tr.selector);
    map.field(0x7FC0, s.ldtr.selector);
    for (unsigned n = 0; n < kSegmentCount; ++n) {
        map.field(0x7FA8 + 4 * n, s.segment[n].selector);
        map.hidden32(0x7F10 + 12 * n, s.segment[n]);
    }
    map.hidden32(0x7F58, s.ldtr);
    map.hidden32(0x7F64, s.tr);
    map.field(0x7F70, s.gdtr.base, 4);
    map.field(0x7F74, s.gdtr.limit);
    map.field(0x7F78, s.idtr.base, 4);
    map.field(0x7F7C, s.idtr.limit);
    map.field(0x7F80, s.cr4, 4);
    map.field(0x7F84, s.cpl);
    map.field(0x7EF8, s.smbase);
}

void transfer(Cpu& cpu, bool restore, bool& halted) {
    CpuState& s = cpu.state;
    const bool wide = cpu.model.has(isa::Feature::long_mode);
    SaveMap map{cpu.mmu.memory(), u64{s.smbase} + 0x8000, restore};
    u32 eflags = s.eflags();
    u8 halt_flag = halted ? 1 : 0;
    if (wide) {
        transfer64(cpu, map, eflags);
    } else {
        transfer32(cpu, map, eflags);
    }
    map.field(wide ? 0x7EC9 : 0x7F02, halt_flag);
    if (!restore) {
        u32 revision = wide ? kRevision64 : kRevision32;
        map.field(0x7EFC, revision);
        return;
    }
    s.set_eflags(eflags & 0x3F7FD7);
    halted = (halt_flag & 1) != 0;
}

/// The restored image decides modes: refuse what MOV CR would refuse (the processor shuts down, SDM vol. 3, 31.5).
bool consistent(const Cpu& cpu) {
    const CpuState& s = cpu.state;
    const bool paging = bit(s.cr0, 31);
    const bool pe_ok = !paging || bit(s.cr0, 0);
    const bool cr4_ok = (s.cr4 & ~control_allowed_cr4(cpu.model)) == 0;
    const bool long_ok = !bit(s.efer, 10) || (paging && bit(s.cr4, 5) && cpu.model.has(isa::Feature::long_mode));
    return pe_ok && cr4_ok && long_ok && (s.efer & ~u64{0xD01}) == 0 && s.cr0 <= 0xFFFFFFFF && s.cpl <= 3;
}

}  // namespace

void enter_smm(Cpu& cpu) {
    CpuState& s = cpu.state;
    bool halted = (s.attention & kAttentionHalted) != 0 && !s.shutdown;
    cpu.environment.set_smm_active(true);
    transfer(cpu, false, halted);
    s.smi_latched = false;
    s.in_smm = true;
    s.shutdown = false;
    s.nmi_blocked_before_smm = s.nmi_blocked;
    s.nmi_blocked = true;
    s.attention &= ~u32{kAttentionHalted | kAttentionFerr | kAttentionShadow};
    s.step_armed = s.resume_armed = s.mov_ss_shadow = s.wake_on_masked = false;
    s.cr0 &= ~u64{0x8000000D};  // PE EM TS PG
    s.cr4 = 0;
    s.efer = 0;
    s.cpl = 0;
    s.dr[7] = 0x400;
    s.set_eflags(kFlagReserved1);
    for (unsigned n = 0; n < kSegmentCount; ++n) cpu.set_segment(n, 0, 0, 0xFFFFFFFF, 0x8093);
    cpu.set_segment(kCs, static_cast<u16>(s.smbase >> 4), s.smbase, 0xFFFFFFFF, 0x8093);
    s.rip() = s.instruction_rip = 0x8000;
    update_debug_watch(cpu);
    cpu.update_mode();
}

void handlers::rsm(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    if (!s.in_smm) cpu.raise(Vector::invalid_opcode);
    bool halted = false;
    transfer(cpu, true, halted);
    cpu.environment.set_smm_active(false);
    s.in_smm = false;
    s.nmi_blocked = s.nmi_blocked_before_smm;
    if (!consistent(cpu)) {
        cpu.init();
        s.shutdown = true;
        cpu.request_attention(kAttentionHalted);
        cpu.environment.shutdown();
        return;
    }
    std::array<u64, 4> pdptes{};
    cpu.update_mode();
    if (control_prepare_cr3(cpu, s.cr3, pdptes)) s.pdpte = pdptes;
    cpu.update_mode();
    cpu.mmu.flush_all();
    update_debug_watch(cpu);
    if (halted) cpu.request_attention(kAttentionHalted);
}

}  // namespace bantam
