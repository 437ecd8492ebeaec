// CpuState: the architectural state of one logical processor, plus the few derived values its fast paths read.
// Plain data, standard layout, hot part first: translated code addresses it by offset.
#pragma once

#include <array>
#include <type_traits>

#include "base/archive.h"
#include "base/types.h"
#include "cpu/isa/instruction.h"

namespace bantam {

enum Gpr : u8 { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi, kR8, kR9, kR10, kR11, kR12, kR13, kR14, kR15 };
enum SegmentIndex : u8 { kEs, kCs, kSs, kDs, kFs, kGs, kSegmentCount };

/// EFLAGS (SDM vol. 1, 3.4.3).
enum Flag : u32 {
    kFlagCarry = 1u << 0,
    kFlagReserved1 = 1u << 1,
    kFlagParity = 1u << 2,
    kFlagAdjust = 1u << 4,
    kFlagZero = 1u << 6,
    kFlagSign = 1u << 7,
    kFlagTrap = 1u << 8,
    kFlagInterrupt = 1u << 9,
    kFlagDirection = 1u << 10,
    kFlagOverflow = 1u << 11,
    kFlagIopl = 3u << 12,
    kFlagNestedTask = 1u << 14,
    kFlagResume = 1u << 16,
    kFlagVm = 1u << 17,
    kFlagAlignmentCheck = 1u << 18,
    kFlagVif = 1u << 19,
    kFlagVip = 1u << 20,
    kFlagId = 1u << 21,
};
inline constexpr u32 kStatusFlags = kFlagCarry | kFlagParity | kFlagAdjust | kFlagZero | kFlagSign | kFlagOverflow;

/// The six status flags as LAHF and SETO give them: bits 15:8 = SF ZF 0 AF 0 PF 1 CF, bit 0 = OF.
using Status = u16;
constexpr Status status_from_flags(u32 eflags) {
    return static_cast<Status>(((eflags & 0xD5u) | 2u) << 8 | ((eflags >> 11) & 1u));
}
constexpr u32 flags_from_status(Status status) {
    return ((static_cast<u32>(status) >> 8) & 0xD5u) | (static_cast<u32>(status) & 1u) << 11;
}

/// A segment register with its hidden part (SDM vol. 3, 3.4.3).
struct SegmentRegister {
    u16 selector = 0;
    u16 attributes = 0;   // descriptor bits 8-15 and 20-23 (type, S, DPL, P, AVL, L, D/B, G) at 0-7 and 12-15
    u32 limit = 0;        // in bytes, granularity applied
    u64 hidden_base = 0;  // as loaded from the descriptor or by WRMSR; kept while 64-bit code ignores it
    // Derived by Cpu::derive_segment (never set directly; see Cpu::set_segment); offsets low..high may be accessed.
    u64 base = 0;  // hidden_base, or 0 where 64-bit mode ignores it (ES, CS, SS, DS)
    u64 low = 0;
    u64 high = 0;
    bool readable = false;
    bool writable = false;
    bool flat_read = false;  // readable, and no offset of the current address width can fail: skip the check
    bool flat_write = false;

    [[nodiscard]] u8 dpl() const { return static_cast<u8>((attributes >> 5) & 3u); }
    [[nodiscard]] u8 type() const { return static_cast<u8>(attributes & 15u); }
    [[nodiscard]] bool present() const { return (attributes & 0x80u) != 0; }
    [[nodiscard]] bool is_code_or_data() const { return (attributes & 0x10u) != 0; }
    [[nodiscard]] bool long_code() const { return (attributes & 0x2000u) != 0; }
    [[nodiscard]] bool default_big() const { return (attributes & 0x4000u) != 0; }
};

struct DescriptorTable {
    u64 base = 0;
    u32 limit = 0;
};

struct alignas(32) VectorRegister {
    std::array<u8, 32> bytes{};
};

/// Reasons to leave the fast path before the next instruction; bits of CpuState::attention.
enum Attention : u32 {
    kAttentionIntr = 1u << 0,       // INTR pin (level)
    kAttentionNmi = 1u << 1,        // NMI latched
    kAttentionSmi = 1u << 2,        // SMI latched
    kAttentionReset = 1u << 3,      // RESET / INIT asked for
    kAttentionShadow = 1u << 4,     // STI or MOV SS: no interrupt before the next instruction has completed
    kAttentionStep = 1u << 5,       // TF or an armed instruction breakpoint: one instruction at a time
    kAttentionDebugTrap = 1u << 6,  // a #DB trap is due after this instruction; pending_debug says why
    kAttentionStop = 1u << 7,       // the engine's caller wants it back now
    kAttentionHalted = 1u << 8,     // HLT (or MWAIT, shutdown): waiting for an interrupt
    kAttentionFerr = 1u << 9,       // waiting at an x87 instruction with FERR# asserted (CR0.NE = 0)
};

struct CpuState {
    // --- hot: read or written by nearly every instruction
    std::array<u64, 18> gpr{};   // RAX..R15, RIP (kSlotRip), constant 0 (kSlotZero)
    Status status = 0x0200;      // arithmetic flags; the rest of EFLAGS is in `flags`
    u32 flags = kFlagReserved1;  // EFLAGS without the status flags
    u32 attention = 0;           // Attention bits; 0: nothing stands between blocks
    u64 instructions = 0;        // retired, exact between blocks; see Cpu::retired()
    u64 deadline = 0;            // stop when `instructions` reaches this
    u64 instruction_rip = 0;     // RIP of the instruction being executed
    std::array<SegmentRegister, kSegmentCount> segment{};
    u8 cpl = 0;
    // --- system
    u64 cr0 = 0x60000010, cr2 = 0, cr3 = 0, cr4 = 0;
    u64 efer = 0;
    u64 xcr0 = 1;
    DescriptorTable gdtr{0, 0xFFFF}, idtr{0, 0xFFFF};
    SegmentRegister ldtr{}, tr{};
    std::array<u64, 8> dr{0, 0, 0, 0, 0, 0, 0xFFFF0FF0, 0x400};
    u64 pending_debug = 0;       // DR6 bits of a #DB trap that is due
    std::array<u64, 4> pdpte{};  // the PAE PDPTE registers (SDM vol. 3, 4.4.1)
    // Pins and latches; attention has a bit only for what could be taken now (Cpu::update_attention).
    bool intr_pin = false;  // level
    bool nmi_latched = false;
    bool smi_latched = false;
    bool init_latched = false;
    bool nmi_blocked = false;  // from NMI delivery to IRET
    bool in_smm = false;
    bool nmi_blocked_before_smm = false;
    // Between instructions.
    bool step_armed = false;      // TF was set when the instruction in flight began: #DB after it
    bool resume_armed = false;    // RF was set when the instruction in flight began: clear it after it
    bool mov_ss_shadow = false;   // the shadow also holds back debug traps and NMI
    bool monitor_armed = false;   // MONITOR executed, MWAIT may wait
    bool wake_on_masked = false;  // MWAIT with ECX[0]: INTR wakes even with IF = 0
    bool shutdown = false;        // triple fault; only RESET or INIT (NMI, SMI) leave it
    u32 smbase = 0x30000;
    // --- MSRs
    u64 apic_base = 0xFEE00900;
    u64 star = 0, lstar = 0, cstar = 0, syscall_mask = 0, kernel_gs_base = 0;
    u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    u64 tsc_offset = 0, tsc_aux = 0, pat = 0x0007040600070406, misc_enable = 1;
    u64 mtrr_def_type = 0;
    std::array<u64, 16> mtrr_variable{};  // base/mask pairs
    std::array<u64, 11> mtrr_fixed{};
    u64 microcode_revision = 0, feature_control = 1, debug_control = 0, spec_ctrl = 0;
    u64 random_state = 0x9E3779B97F4A7C15;  // generator behind RDRAND and RDSEED: the same in every run
    // --- x87, MMX, SSE, AVX
    u32 mxcsr = 0x1F80;
    alignas(64) std::array<u8, 512> x87{};  // FXSAVE image; the x87/MMX part is live in the host while an engine runs
    std::array<VectorRegister, 16> vector{};
    // x87 pointers as FNSTENV and FXSAVE report them (the host's own point into thunks); see cpu/host/x87_unit.h.
    u64 x87_instruction_pointer = 0, x87_data_pointer = 0;
    u64 x87_last_data_pointer = 0;  // of the last memory operand, not yet architectural
    u16 x87_code_segment = 0, x87_data_segment = 0, x87_last_data_segment = 0;
    u16 x87_opcode = 0;       // FOP, 11 bits
    u16 x87_last_opcode = 0;  // of the last instruction, with kX87LastValid and kX87LastMemory
    bool ferr = false;        // FERR# is asserted

    [[nodiscard]] u64& rip() { return gpr[isa::kSlotRip]; }
    [[nodiscard]] u64 rip() const { return gpr[isa::kSlotRip]; }
    /// The whole of EFLAGS, status flags included.
    [[nodiscard]] u32 eflags() const { return flags | flags_from_status(status); }
    /// Splits `value` into status and flags; no check, no side effect (see Cpu::write_flags for those).
    void set_eflags(u32 value) {
        status = status_from_flags(value);
        flags = (value & ~kStatusFlags) | kFlagReserved1;
    }
    void describe(Archive& archive);
};
static_assert(std::is_standard_layout_v<CpuState>);

}  // namespace bantam
