// MOV to and from control and debug registers, LMSW, SMSW, CLTS, XGETBV, XSETBV, and the rules behind EFER: SDM vol. 3,
// 2.5, 2.6, 4.1.1, 4.4.1, 9.8.5, 18.2. What the MMU must flush follows from Mmu::set_controls (4.10.4.1).
// CR1, CR5-CR7 and CR9-CR15 do not exist: #UD.
#include "cpu/system/control.h"
#include "cpu/system/debug.h"
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"

namespace bantam {
namespace {

using isa::Feature;

constexpr u64 kCr0Writable = 0xE005002F;  // PG CD NW AM WP NE TS EM MP PE
constexpr u64 kCr0Pe = 1, kCr0Nw = 1u << 29, kCr0Cd = 1u << 30, kCr0Pg = 1u << 31;
constexpr u64 kCr4Pse = 1u << 4, kCr4Pae = 1u << 5, kCr4Pge = 1u << 7, kCr4Pcide = 1u << 17, kCr4Smep = 1u << 20;
constexpr u64 kEferSce = 1, kEferLme = 1u << 8, kEferLma = 1u << 10, kEferNxe = 1u << 11;

[[noreturn]] void refuse(Cpu& cpu) { cpu.raise(Vector::general_protection, 0); }

/// PDPTE registers as CR0, CR4 and EFER would have them used; reloaded from CR3 when they become or stay in use.
void reload_pdptes(Cpu& cpu, u64 cr0, u64 cr4, u64 efer) {
    CpuState& s = cpu.state;
    if ((cr0 & kCr0Pg) == 0 || (cr4 & kCr4Pae) == 0 || (efer & kEferLma) != 0) return;
    std::array<u64, 4> pdptes{};
    if (!load_pdptes(cpu.mmu.memory(), s.cr3, cpu.model.physical_bits, pdptes)) refuse(cpu);
    s.pdpte = pdptes;
}

}  // namespace

u64 control_allowed_cr4(const Model& m) {
    u64 allowed = 0;
    const auto allow = [&](Feature feature, u64 bits_) {
        if (m.has(feature)) allowed |= bits_;
    };
    allow(Feature::vme, 3);        // VME, PVI
    allow(Feature::tsc, 1u << 2);  // TSD
    allow(Feature::de, 1u << 3);
    allow(Feature::pse, kCr4Pse);
    allow(Feature::pae, kCr4Pae);
    allow(Feature::mce, 1u << 6);
    allow(Feature::pge, kCr4Pge);
    allow(Feature::mmx, 1u << 8);   // PCE
    allow(Feature::fxsr, 1u << 9);  // OSFXSR
    allow(Feature::sse, 1u << 10);  // OSXMMEXCPT
    allow(Feature::umip, 1u << 11);
    allow(Feature::fsgsbase, 1u << 16);
    allow(Feature::pcid, kCr4Pcide);
    allow(Feature::xsave, 1u << 18);
    allow(Feature::smep, kCr4Smep);
    allow(Feature::smap, 1u << 21);
    return allowed;
}

u64 control_allowed_xcr0(const Model& m) { return m.has(Feature::avx) ? 7 : 3; }

void control_write_cr0(Cpu& cpu, u64 value) {
    CpuState& s = cpu.state;
    if (value > 0xFFFFFFFF) refuse(cpu);
    value = (value & kCr0Writable) | 0x10;  // ET is always 1
    const bool paging = (value & kCr0Pg) != 0;
    if ((paging && (value & kCr0Pe) == 0) || ((value & kCr0Nw) != 0 && (value & kCr0Cd) == 0)) refuse(cpu);
    u64 efer = s.efer;
    if (paging && (s.cr0 & kCr0Pg) == 0 && (efer & kEferLme) != 0) {
        if ((s.cr4 & kCr4Pae) == 0 || s.segment[kCs].long_code()) refuse(cpu);
        efer |= kEferLma;
    } else if (!paging) {
        if (cpu.code64() || (s.cr4 & kCr4Pcide) != 0) refuse(cpu);
        efer &= ~kEferLma;
    }
    if (((value ^ s.cr0) & (kCr0Pg | kCr0Cd | kCr0Nw)) != 0) reload_pdptes(cpu, value, s.cr4, efer);
    s.cr0 = value;
    s.efer = efer;
    cpu.update_mode();
}

bool control_prepare_cr3(Cpu& cpu, u64 value, std::array<u64, 4>& pdptes) {
    const CpuState& s = cpu.state;
    pdptes = s.pdpte;
    if ((s.cr0 & kCr0Pg) == 0 || (s.cr4 & kCr4Pae) == 0 || cpu.long_mode()) return true;
    return load_pdptes(cpu.mmu.memory(), value, cpu.model.physical_bits, pdptes);
}

void control_commit_cr3(Cpu& cpu, u64 value, const std::array<u64, 4>& pdptes) {
    cpu.state.cr3 = value;
    cpu.state.pdpte = pdptes;
    cpu.update_mode();
    cpu.mmu.flush_non_global();
}

void control_write_cr3(Cpu& cpu, u64 value) {
    CpuState& s = cpu.state;
    bool keep = false;
    if (cpu.long_mode()) {
        if ((s.cr4 & kCr4Pcide) != 0) {
            keep = bit(value, 63);
            value &= ~(u64{1} << 63);
        }
        if ((value >> cpu.model.physical_bits) != 0) refuse(cpu);
    }
    std::array<u64, 4> pdptes{};
    if (!control_prepare_cr3(cpu, value, pdptes)) refuse(cpu);
    if (!keep) {
        control_commit_cr3(cpu, value, pdptes);
        return;
    }
    s.cr3 = value;
    cpu.update_mode();
}

void control_write_cr4(Cpu& cpu, u64 value) {
    CpuState& s = cpu.state;
    if ((value & ~control_allowed_cr4(cpu.model)) != 0) refuse(cpu);
    if (cpu.long_mode() && (value & kCr4Pae) == 0) refuse(cpu);
    const bool sets_pcide = (value & kCr4Pcide) != 0 && (s.cr4 & kCr4Pcide) == 0;
    if (sets_pcide && (!cpu.long_mode() || (s.cr3 & 0xFFF) != 0)) refuse(cpu);
    constexpr u64 kReloads = kCr4Pae | kCr4Pge | kCr4Pse | kCr4Smep;
    if (((value ^ s.cr4) & kReloads) != 0) reload_pdptes(cpu, s.cr0, value, s.efer);
    s.cr4 = value;
    cpu.update_mode();
}

void control_write_efer(Cpu& cpu, u64 value) {
    CpuState& s = cpu.state;
    u64 allowed = kEferLma;  // read-only: ignored when written
    if (cpu.model.has(Feature::syscall)) allowed |= kEferSce;
    if (cpu.model.has(Feature::long_mode)) allowed |= kEferLme;
    if (cpu.model.has(Feature::nx)) allowed |= kEferNxe;
    if ((value & ~allowed) != 0) refuse(cpu);
    if (((value ^ s.efer) & kEferLme) != 0 && (s.cr0 & kCr0Pg) != 0) refuse(cpu);
    s.efer = (value & ~kEferLma) | (s.efer & kEferLma);
    cpu.update_mode();
}

namespace handlers {

void mov_cr(Cpu& cpu, const isa::Instruction& i) {
    CpuState& s = cpu.state;
    const bool writes = i.operands[0].kind == isa::OperandKind::control;
    const isa::Operand& gpr = i.operands[writes ? 1 : 0];
    const u8 number = i.operands[writes ? 0 : 1].reg;
    const bool exists = number == 0 || (number >= 2 && number <= 4) || (number == 8 && cpu.code64());
    if (!exists || (number == 4 && !cpu.model.has(Feature::cpuid))) cpu.raise(Vector::invalid_opcode);
    require_cpl0(cpu);
    if (!writes) {
        const u64 values[5] = {s.cr0, 0, s.cr2, s.cr3, s.cr4};
        write_gpr(cpu, gpr, number == 8 ? cpu.environment.read_task_priority() : values[number]);
        return;
    }
    const u64 value = read_gpr(cpu, gpr);
    switch (number) {
        case 0:
            control_write_cr0(cpu, value);
            break;
        case 2:
            s.cr2 = value;
            break;
        case 3:
            control_write_cr3(cpu, value);
            break;
        case 4:
            control_write_cr4(cpu, value);
            break;
        default:
            if (value > 15) refuse(cpu);
            cpu.environment.write_task_priority(static_cast<u8>(value));
    }
}

void mov_dr(Cpu& cpu, const isa::Instruction& i) {
    CpuState& s = cpu.state;
    const bool writes = i.operands[0].kind == isa::OperandKind::debug;
    const isa::Operand& gpr = i.operands[writes ? 1 : 0];
    u8 number = i.operands[writes ? 0 : 1].reg;
    if (number > 7) cpu.raise(Vector::invalid_opcode);
    if (number == 4 || number == 5) {
        if (bit(s.cr4, 3)) cpu.raise(Vector::invalid_opcode);
        number = static_cast<u8>(number + 2);
    }
    require_cpl0(cpu);
    if (bit(s.dr[7], 13)) {  // GD
        s.dr[6] |= kDr6Bd;
        s.dr[7] &= ~u64{1u << 13};
        cpu.raise(Vector::debug);
    }
    if (!writes) {
        write_gpr(cpu, gpr, s.dr[number]);
        return;
    }
    const u64 value = read_gpr(cpu, gpr);
    if (number < 4) {
        s.dr[number] = value;
    } else {
        if (value > 0xFFFFFFFF) refuse(cpu);
        s.dr[number] = number == 6 ? (value & 0xE00F) | 0xFFFF0FF0 : (value & 0xFFFF23FF) | 0x400;
    }
    update_debug_watch(cpu);
    cpu.update_attention();
}

void lmsw(Cpu& cpu, const isa::Instruction& i) {
    require_cpl0(cpu);
    const u64 value = read_operand(cpu, i, i.operands[0], 2);
    const u64 cr0 = cpu.state.cr0;
    control_write_cr0(cpu, (cr0 & ~u64{0xE}) | (value & 0xF));  // may set PE, not clear it
}

void smsw(Cpu& cpu, const isa::Instruction& i) {
    if (bit(cpu.state.cr4, 11)) require_cpl0(cpu);
    const isa::Operand& to = i.operands[0];
    if (to.kind == isa::OperandKind::memory) {
        cpu.write<u16>(i.segment, cpu.effective_address(i), static_cast<u16>(cpu.state.cr0));
    } else {
        write_gpr(cpu, to, cpu.state.cr0);
    }
}

void clts(Cpu& cpu, const isa::Instruction&) {
    require_cpl0(cpu);
    cpu.state.cr0 &= ~u64{8};
    cpu.update_mode();
}

void xgetbv(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    if (!bit(s.cr4, 18)) cpu.raise(Vector::invalid_opcode);
    const auto index = static_cast<u32>(s.gpr[kRcx]);
    // Index 1 is XCR0 & XINUSE; every enabled component counts as in use.
    if (index > 1 || (index == 1 && !cpu.model.has(Feature::xgetbv1))) refuse(cpu);
    s.gpr[kRax] = s.xcr0 & 0xFFFFFFFF;
    s.gpr[kRdx] = s.xcr0 >> 32;
}

void xsetbv(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    if (!bit(s.cr4, 18)) cpu.raise(Vector::invalid_opcode);
    require_cpl0(cpu);
    const u64 value = (s.gpr[kRax] & 0xFFFFFFFF) | s.gpr[kRdx] << 32;
    const bool known = (value & ~control_allowed_xcr0(cpu.model)) == 0;
    const bool consistent = (value & 1) != 0 && ((value & 4) == 0 || (value & 2) != 0);
    if (static_cast<u32>(s.gpr[kRcx]) != 0 || !known || !consistent) refuse(cpu);
    s.xcr0 = value;
    cpu.update_mode();
}

}  // namespace handlers
}  // namespace bantam
