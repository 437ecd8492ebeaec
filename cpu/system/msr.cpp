// RDMSR and WRMSR: the architectural MSRs operating systems use (SDM vol. 4, table 2-2), by what the model has.
// Memory types (MTRRs, PAT) are kept and checked but change nothing: there is no cache. Performance counters,
// last-branch records, power and thermal registers do not exist; CPUID does not announce them and access is #GP(0).
#include "cpu/system/msr.h"

#include "base/scheduler.h"
#include "cpu/system/control.h"
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"

namespace bantam {
namespace {

using isa::Feature;

enum Msr : u32 {
    kP5McAddr = 0x0,
    kP5McType = 0x1,
    kTsc = 0x10,
    kPlatformId = 0x17,
    kApicBase = 0x1B,
    kFeatureControl = 0x3A,
    kSpecCtrl = 0x48,
    kPredCmd = 0x49,
    kBiosSignId = 0x8B,
    kPlatformInfo = 0xCE,
    kMtrrCap = 0xFE,
    kArchCapabilities = 0x10A,
    kSysenterCs = 0x174,
    kSysenterEsp = 0x175,
    kSysenterEip = 0x176,
    kMcgCap = 0x179,
    kMcgStatus = 0x17A,
    kMiscEnable = 0x1A0,
    kDebugCtl = 0x1D9,
    kMtrrPhysBase0 = 0x200,
    kMtrrFix64k = 0x250,
    kMtrrFix16k80000 = 0x258,
    kMtrrFix16kA0000 = 0x259,
    kMtrrFix4kC0000 = 0x268,
    kPat = 0x277,
    kMtrrDefType = 0x2FF,
    kTscDeadline = 0x6E0,
    kX2apicFirst = 0x800,
    kX2apicLast = 0x8FF,
    kEfer = 0xC0000080,
    kStar = 0xC0000081,
    kLstar = 0xC0000082,
    kCstar = 0xC0000083,
    kFmask = 0xC0000084,
    kFsBase = 0xC0000100,
    kGsBase = 0xC0000101,
    kKernelGsBase = 0xC0000102,
    kTscAux = 0xC0000103,
};

constexpr u64 kApicBsp = 1u << 8, kApicExtended = 1u << 10, kApicEnable = 1u << 11;
// RDCL_NO, IBRS_ALL, RSBA = 0, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, PSCHANGE_MC_NO, TAA_NO, SBDR/FBSDP/PSDP_NO, BHI_NO,
// GDS_NO, RFDS_NO: guest code never runs speculatively across its own privilege levels.
constexpr u64 kArchCapabilitiesValue =
    0x1 | 0x2 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0xE000 | 1u << 20 | 1u << 26 | 1u << 27;
// Fast strings, MONITOR, limit CPUID, XD disable.
constexpr u64 kMiscEnableWritable = 1u | 1u << 18 | 1u << 22 | u64{1} << 34;

/// Index into CpuState::mtrr_fixed, or -1.
int fixed_mtrr(u32 index) {
    if (index == kMtrrFix64k) return 0;
    if (index == kMtrrFix16k80000 || index == kMtrrFix16kA0000) return static_cast<int>(index - kMtrrFix16k80000) + 1;
    if (index >= kMtrrFix4kC0000 && index < kMtrrFix4kC0000 + 8) return static_cast<int>(index - kMtrrFix4kC0000) + 3;
    return -1;
}

bool valid_memory_type(u64 type, bool pat) { return type <= 1 || (type >= 4 && type <= 6) || (pat && type == 7); }

bool valid_memory_types(u64 value, bool pat) {
    for (unsigned n = 0; n < 8; ++n) {
        if (!valid_memory_type(bits(value, 8 * n, 8), pat)) return false;
    }
    return true;
}

u64 physical_mask(const Cpu& cpu) { return (u64{1} << cpu.model.physical_bits) - 1; }

bool apic_msr(u32 index) { return index == kTscDeadline || (index >= kX2apicFirst && index <= kX2apicLast); }

bool apic_msr_exists(const Cpu& cpu, u32 index) {
    if (index == kTscDeadline) return cpu.model.has(Feature::tsc_deadline);
    return cpu.model.has(Feature::x2apic) && (cpu.state.apic_base & kApicExtended) != 0;
}

bool write_apic_base(Cpu& cpu, u64 value) {
    CpuState& s = cpu.state;
    u64 allowed = kApicBsp | kApicEnable | (physical_mask(cpu) & ~kPageMask);
    if (cpu.model.has(Feature::x2apic)) allowed |= kApicExtended;
    if ((value & ~allowed) != 0) return false;
    // x2APIC mode is entered from xAPIC mode only, and left only by turning the APIC off (SDM vol. 3, 11.12.5).
    const u64 before = s.apic_base & (kApicEnable | kApicExtended);
    const u64 after = value & (kApicEnable | kApicExtended);
    if (after == kApicExtended) return false;
    if (before == 0 && (after & kApicExtended) != 0) return false;
    if (before == (kApicEnable | kApicExtended) && after == kApicEnable) return false;
    s.apic_base = value;
    cpu.environment.apic_base_written(value);
    return true;
}

bool write_mtrr(Cpu& cpu, u32 index, u64 value) {
    CpuState& s = cpu.state;
    if (index == kMtrrDefType) {
        if ((value & ~u64{0xCFF}) != 0 || !valid_memory_type(value & 0xFF, false)) return false;
        s.mtrr_def_type = value;
        return true;
    }
    if (const int fixed = fixed_mtrr(index); fixed >= 0) {
        if (!valid_memory_types(value, false)) return false;
        s.mtrr_fixed[static_cast<unsigned>(fixed)] = value;
        return true;
    }
    const unsigned variable = index - kMtrrPhysBase0;
    const u64 allowed = (physical_mask(cpu) & ~kPageMask) | ((variable & 1u) != 0 ? 0x800 : 0xFF);
    const bool bad_type = (variable & 1u) == 0 && !valid_memory_type(value & 0xFF, false);
    if ((value & ~allowed) != 0 || bad_type) return false;
    s.mtrr_variable[variable] = value;
    return true;
}

bool is_mtrr(u32 index) {
    return (index >= kMtrrPhysBase0 && index < kMtrrPhysBase0 + 16) || fixed_mtrr(index) >= 0 || index == kMtrrDefType;
}

/// The register behind MSRs that are nothing but storage; null for others or when the model lacks them.
u64* storage(Cpu& cpu, u32 index) {
    CpuState& s = cpu.state;
    const Model& m = cpu.model;
    switch (index) {
        case kSysenterCs:
            return m.has(Feature::sep) ? &s.sysenter_cs : nullptr;
        case kSysenterEsp:
            return m.has(Feature::sep) ? &s.sysenter_esp : nullptr;
        case kSysenterEip:
            return m.has(Feature::sep) ? &s.sysenter_eip : nullptr;
        case kPat:
            return m.has(Feature::pat) ? &s.pat : nullptr;
        case kStar:
            return m.has(Feature::syscall) ? &s.star : nullptr;
        case kLstar:
            return m.has(Feature::long_mode) ? &s.lstar : nullptr;
        case kCstar:
            return m.has(Feature::long_mode) ? &s.cstar : nullptr;
        case kFmask:
            return m.has(Feature::long_mode) ? &s.syscall_mask : nullptr;
        case kKernelGsBase:
            return m.has(Feature::long_mode) ? &s.kernel_gs_base : nullptr;
        case kTscAux:
            return m.has(Feature::rdtscp) ? &s.tsc_aux : nullptr;
        case kSpecCtrl:
            return m.has(Feature::spec_ctrl) ? &s.spec_ctrl : nullptr;
        default:
            return nullptr;
    }
}

bool valid_storage_value(const Cpu& cpu, u32 index, u64 value) {
    switch (index) {
        case kSysenterCs:
            return value <= 0xFFFFFFFF;
        case kSysenterEsp:
        case kSysenterEip:
            return cpu.model.has(Feature::long_mode) ? cpu.canonical(value) : value <= 0xFFFFFFFF;
        case kLstar:
        case kCstar:
        case kKernelGsBase:
            return cpu.canonical(value);
        case kFmask:
        case kTscAux:
            return value <= 0xFFFFFFFF;
        case kPat:
            return valid_memory_types(value, true);
        case kSpecCtrl:
            return value <= 7;  // IBRS, STIBP, SSBD
        default:
            return true;
    }
}

}  // namespace

u64 time_stamp_counter(const Cpu& cpu) {
    return ticks_from_ns(cpu.environment.now_ns(), cpu.model.tsc_hz) + cpu.state.tsc_offset;
}

bool read_msr(Cpu& cpu, u32 index, u64& value) {
    CpuState& s = cpu.state;
    const Model& m = cpu.model;
    value = 0;
    if (const u64* stored = storage(cpu, index); stored != nullptr) {
        value = *stored;
        return true;
    }
    if (is_mtrr(index)) {
        if (!m.has(Feature::mtrr)) return false;
        const int fixed = fixed_mtrr(index);
        value = index == kMtrrDefType ? s.mtrr_def_type
                : fixed >= 0          ? s.mtrr_fixed[static_cast<unsigned>(fixed)]
                                      : s.mtrr_variable[index - kMtrrPhysBase0];
        return true;
    }
    if (apic_msr(index)) return apic_msr_exists(cpu, index) && cpu.environment.read_apic_msr(index, value);
    switch (index) {
        case kP5McAddr:
        case kP5McType:
            return m.has(Feature::mce);
        case kTsc:
            value = time_stamp_counter(cpu);
            return m.has(Feature::tsc);
        case kPlatformId:
            return m.has(Feature::sep);
        case kApicBase:
            value = s.apic_base;
            return m.has(Feature::apic) && m.has(Feature::sep);
        case kFeatureControl:
            value = s.feature_control;
            return m.has(Feature::long_mode);
        case kBiosSignId:
            value = s.microcode_revision;
            return m.has(Feature::sep);
        case kPlatformInfo:
            value = m.tsc_hz / 100'000'000 << 8;
            return m.max_leaf >= 0x15;
        case kMtrrCap:
            value = 0x508;
            return m.has(Feature::mtrr);  // 8 variable, fixed ranges, write-combining
        case kArchCapabilities:
            value = kArchCapabilitiesValue;
            return m.has(Feature::arch_capabilities);
        case kMcgCap:
        case kMcgStatus:
            return m.has(Feature::mca);  // no error-reporting banks
        case kMiscEnable:
            value = s.misc_enable;
            return m.has(Feature::sse2);
        case kDebugCtl:
            value = s.debug_control;
            return m.has(Feature::sep);
        case kEfer:
            value = s.efer;
            return m.has(Feature::syscall) || m.has(Feature::nx);
        case kFsBase:
            value = s.segment[kFs].hidden_base;
            return m.has(Feature::long_mode);
        case kGsBase:
            value = s.segment[kGs].hidden_base;
            return m.has(Feature::long_mode);
        default:
            return false;
    }
}

bool write_msr(Cpu& cpu, u32 index, u64 value) {
    CpuState& s = cpu.state;
    const Model& m = cpu.model;
    u64 current = 0;
    if (u64* stored = storage(cpu, index); stored != nullptr) {
        if (!valid_storage_value(cpu, index, value)) return false;
        *stored = value;
        return true;
    }
    if (is_mtrr(index)) return m.has(Feature::mtrr) && write_mtrr(cpu, index, value);
    if (apic_msr(index)) return apic_msr_exists(cpu, index) && cpu.environment.write_apic_msr(index, value);
    if (index == kPredCmd) return m.has(Feature::spec_ctrl) && value <= 1;  // IBPB: nothing is predicted across it
    if (!read_msr(cpu, index, current)) return false;
    switch (index) {
        case kTsc:
            s.tsc_offset += value - current;
            return true;
        case kApicBase:
            return write_apic_base(cpu, value);
        case kBiosSignId:
            return value == 0;  // cleared before CPUID.1 reports the revision; it stays as it is
        case kMcgStatus:
        case kDebugCtl:
            return value == 0;
        case kMiscEnable:
            if (((value ^ current) & ~kMiscEnableWritable) != 0) return false;
            s.misc_enable = value;
            return true;
        case kEfer:
            control_write_efer(cpu, value);
            return true;
        case kFsBase:
        case kGsBase: {
            if (!cpu.canonical(value)) return false;
            SegmentRegister& segment = s.segment[index == kFsBase ? kFs : kGs];
            segment.hidden_base = segment.base = value;
            return true;
        }
        default:
            return false;  // read-only, or locked (FEATURE_CONTROL)
    }
}

namespace handlers {

void rdmsr(Cpu& cpu, const isa::Instruction&) {
    require_cpl0(cpu);
    CpuState& s = cpu.state;
    u64 value = 0;
    if (!read_msr(cpu, static_cast<u32>(s.gpr[kRcx]), value)) cpu.raise(Vector::general_protection, 0);
    s.gpr[kRax] = value & 0xFFFFFFFF;
    s.gpr[kRdx] = value >> 32;
}

void wrmsr(Cpu& cpu, const isa::Instruction&) {
    require_cpl0(cpu);
    const CpuState& s = cpu.state;
    const u64 value = (s.gpr[kRax] & 0xFFFFFFFF) | s.gpr[kRdx] << 32;
    if (!write_msr(cpu, static_cast<u32>(s.gpr[kRcx]), value)) cpu.raise(Vector::general_protection, 0);
}

}  // namespace handlers
}  // namespace bantam
