// The comparison with Zydis and every known deviation.
#include "zydis_reference.h"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "cpu/isa/table.h"
#include "cpu/state.h"

namespace bantam::isa::test {

namespace {

ZydisDecoder make_decoder(ZydisMachineMode mode, ZydisStackWidth width) {
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, mode, width);
    // No model has these; their encodings are NOP or undefined here.
    for (const ZydisDecoderMode off : {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_CLDEMOTE,
                                       ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_KNC}) {
        ZydisDecoderEnableMode(&decoder, off, ZYAN_FALSE);
    }
    return decoder;
}

const ZydisDecoder& decoder_for(const DecodeMode& mode) {
    static const ZydisDecoder k64 = make_decoder(ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    static const ZydisDecoder k32 = make_decoder(ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    static const ZydisDecoder k16 = make_decoder(ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    static const ZydisDecoder kReal = make_decoder(ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16);
    switch (mode.code_size) {
        case CodeSize::bits64:
            return k64;
        case CodeSize::bits32:
            return k32;
        default:
            return mode.protected_mode ? k16 : kReal;
    }
}

/// Extensions that Zydis decodes and no model of ours has: their encodings are invalid here.
bool absent_from_all_models(const ZydisDecodedInstruction& theirs, const DecodeMode& mode) {
    switch (theirs.meta.isa_ext) {
        case ZYDIS_ISA_EXT_AVX512EVEX:
        case ZYDIS_ISA_EXT_AVX512VEX:
        case ZYDIS_ISA_EXT_AVX_VNNI:
        case ZYDIS_ISA_EXT_VAES:
        case ZYDIS_ISA_EXT_VPCLMULQDQ:
        case ZYDIS_ISA_EXT_GFNI:
        case ZYDIS_ISA_EXT_KNC:
        case ZYDIS_ISA_EXT_KNCE:
        case ZYDIS_ISA_EXT_KNCV:
        case ZYDIS_ISA_EXT_AMX_BF16:
        case ZYDIS_ISA_EXT_AMX_INT8:
        case ZYDIS_ISA_EXT_AMX_TILE:
        // AMD and VIA
        case ZYDIS_ISA_EXT_XOP:
        case ZYDIS_ISA_EXT_FMA4:
        case ZYDIS_ISA_EXT_TBM:
        case ZYDIS_ISA_EXT_SSE4A:
        case ZYDIS_ISA_EXT_AMD3DNOW:
        case ZYDIS_ISA_EXT_SVM:
        case ZYDIS_ISA_EXT_SNP:
        case ZYDIS_ISA_EXT_AMD_INVLPGB:
        case ZYDIS_ISA_EXT_CLZERO:
        case ZYDIS_ISA_EXT_MCOMMIT:
        case ZYDIS_ISA_EXT_MONITORX:
        case ZYDIS_ISA_EXT_RDPRU:
        case ZYDIS_ISA_EXT_PADLOCK:
        // virtualization, enclaves, trusted execution
        case ZYDIS_ISA_EXT_VTX:
        case ZYDIS_ISA_EXT_VMFUNC:
        case ZYDIS_ISA_EXT_SMX:
        case ZYDIS_ISA_EXT_SGX:
        case ZYDIS_ISA_EXT_SGX_ENCLV:
        case ZYDIS_ISA_EXT_TDX:
        // later than x86-64-v3
        case ZYDIS_ISA_EXT_CET:
        case ZYDIS_ISA_EXT_CLWB:
        case ZYDIS_ISA_EXT_ENQCMD:
        case ZYDIS_ISA_EXT_HRESET:
        case ZYDIS_ISA_EXT_KEYLOCKER:
        case ZYDIS_ISA_EXT_KEYLOCKER_WIDE:
        case ZYDIS_ISA_EXT_PCONFIG:
        case ZYDIS_ISA_EXT_PKU:
        case ZYDIS_ISA_EXT_PT:
        case ZYDIS_ISA_EXT_RTM:
        case ZYDIS_ISA_EXT_SERIALIZE:
        case ZYDIS_ISA_EXT_TSX_LDTRK:
        case ZYDIS_ISA_EXT_UINTR:
        case ZYDIS_ISA_EXT_WAITPKG:
        case ZYDIS_ISA_EXT_XSAVES:
            return true;
        default:
            break;
    }
    if (theirs.mnemonic == ZYDIS_MNEMONIC_MOVDIR64B) return true;
    // On Intel processors SYSCALL and SYSRET exist in 64-bit mode only; Zydis follows AMD.
    const bool fast_call = theirs.mnemonic == ZYDIS_MNEMONIC_SYSCALL || theirs.mnemonic == ZYDIS_MNEMONIC_SYSRET;
    return fast_call && mode.code_size != CodeSize::bits64;
}

/// Mnemonics that Zydis spells differently: our name, theirs.
struct Alias {
    std::string_view ours;
    std::string_view theirs;
};
constexpr Alias kAliases[] = {
    {"fneni", "feni8087_nop"},   {"fndisi", "fdisi8087_nop"},  {"fnsetpm", "fsetpm287_nop"},
    {"fstp", "fstpnce"},  // D9 /3 with a register: no underflow from an empty register
    {"fxsave", "fxsave64"},      {"fxrstor", "fxrstor64"},     {"xsave", "xsave64"},
    {"xsaveopt", "xsaveopt64"},  {"xsavec", "xsavec64"},       {"xrstor", "xrstor64"},
    {"prefetch", "prefetchnta"}, {"prefetch", "prefetcht0"},   {"prefetch", "prefetcht1"},
    {"prefetch", "prefetcht2"},  {"prefetchw", "prefetchwt1"}, {"sal", "shl"},
    {"wait", "fwait"},
};

bool same_name(const Instruction& ours, std::string_view theirs) {
    const std::string_view name = mnemonic_name(ours.mnemonic);
    if (name == theirs) return true;
    if ((row_of(ours).attributes & kConditional) != 0) {
        constexpr std::array<std::string_view, 16> kConditions = {"o", "no", "b", "nb", "z", "nz", "be", "nbe",
                                                                  "s", "ns", "p", "np", "l", "nl", "le", "nle"};
        return theirs == fmt::format("{}{}", name.substr(0, name.size() - 2), kConditions[ours.condition]);
    }
    return std::any_of(std::begin(kAliases), std::end(kAliases),
                       [&](const Alias& alias) { return alias.ours == name && alias.theirs == theirs; });
}

/// Our operands, less the implied ones that Zydis hides: XMM0, and ST(0) where it is the only choice.
std::vector<const Operand*> shown_operands(const Instruction& ours, u8 wanted) {
    std::vector<const Operand*> shown;
    const Row& row = row_of(ours);
    for (u8 i = 0; i < ours.operand_count; ++i) {
        const OperandSource source = row.operands[i].source;
        const bool implied = source == OperandSource::fixed_vector || source == OperandSource::st0;
        if (!implied || ours.operand_count <= wanted) shown.push_back(&ours.operands[i]);
    }
    return shown;
}

/// One operand in a form both sides can be brought to.
struct Plain {
    OperandKind kind = OperandKind::none;
    u8 access = kAccessNone;
    unsigned size = 0;
    unsigned reg = 0;
    bool is_high = false;
    u64 value = 0;
};

Plain plain(const Instruction& instruction, const Operand& operand) {
    Plain result{operand.kind, operand.access, operand.size, operand.reg, operand.is_high, 0};
    switch (operand.kind) {
        case OperandKind::immediate:
        case OperandKind::relative:
        case OperandKind::far_pointer:
            result.value = instruction.immediate;
            break;
        case OperandKind::immediate2:
            result.value = instruction.immediate2;
            break;
        case OperandKind::constant:
            result.value = operand.reg;
            result.reg = 0;
            break;
        default:
            break;
    }
    if (operand.kind == OperandKind::immediate2 || operand.kind == OperandKind::constant) {
        result.kind = OperandKind::immediate;
    }
    return result;
}

Plain plain_register(ZydisRegister name) {
    Plain result;
    result.reg = static_cast<unsigned>(std::max<int>(ZydisRegisterGetId(name), 0));
    switch (ZydisRegisterGetClass(name)) {
        case ZYDIS_REGCLASS_GPR8:
            result.is_high = name >= ZYDIS_REGISTER_AH && name <= ZYDIS_REGISTER_BH;
            // Zydis numbers SPL..DIL after AH..BH.
            if (name >= ZYDIS_REGISTER_SPL) result.reg = static_cast<unsigned>(name - ZYDIS_REGISTER_SPL + 4);
            [[fallthrough]];
        case ZYDIS_REGCLASS_GPR16:
        case ZYDIS_REGCLASS_GPR32:
        case ZYDIS_REGCLASS_GPR64:
            result.kind = OperandKind::gpr;
            break;
        case ZYDIS_REGCLASS_X87:
            result.kind = OperandKind::x87;
            break;
        case ZYDIS_REGCLASS_MMX:
            result.kind = OperandKind::mmx;
            break;
        case ZYDIS_REGCLASS_XMM:
        case ZYDIS_REGCLASS_YMM:
            result.kind = OperandKind::vector;
            break;
        case ZYDIS_REGCLASS_SEGMENT:
            result.kind = OperandKind::segment;
            break;
        case ZYDIS_REGCLASS_CONTROL:
            result.kind = OperandKind::control;
            break;
        case ZYDIS_REGCLASS_DEBUG:
            result.kind = OperandKind::debug;
            break;
        default:
            break;
    }
    return result;
}

Plain plain(const ZydisDecodedOperand& operand) {
    Plain result;
    switch (operand.type) {
        case ZYDIS_OPERAND_TYPE_REGISTER:
            result = plain_register(operand.reg.value);
            break;
        case ZYDIS_OPERAND_TYPE_MEMORY:
            result.kind = OperandKind::memory;
            break;
        case ZYDIS_OPERAND_TYPE_POINTER:
            result.kind = OperandKind::far_pointer;
            result.value = operand.ptr.offset;
            break;
        case ZYDIS_OPERAND_TYPE_IMMEDIATE:
            result.kind = operand.imm.is_relative ? OperandKind::relative : OperandKind::immediate;
            result.value = operand.imm.value.u;
            break;
        default:
            break;
    }
    if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0) result.access |= kAccessRead;
    if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) result.access |= kAccessWrite;
    // What may stay as it was counts as read here.
    if ((operand.actions & ZYDIS_OPERAND_ACTION_CONDWRITE) != 0) result.access |= kAccessRead;
    result.size = operand.size / 8u;
    return result;
}

/// The slot of an address register, or kSlotZero.
unsigned slot(ZydisRegister name) {
    if (name == ZYDIS_REGISTER_NONE) return kSlotZero;
    if (name == ZYDIS_REGISTER_RIP || name == ZYDIS_REGISTER_EIP) return kSlotRip;
    return static_cast<unsigned>(ZydisRegisterGetId(name));
}

std::string compare_address(const Instruction& ours, const ZydisDecodedOperand& operand,
                            const ZydisDecodedInstruction& theirs) {
    const ZydisDecodedOperandMem& memory = operand.mem;
    const u64 mask = ours.address_mask();
    if (ours.address_size * 8 != theirs.address_width) return "address size";
    // Zydis 4.0 takes R13D for the base of SIB forms without one, and drops the displacement, when REX.B and 67h are
    // present (SDM vol. 2, table 2-3: no base).
    const bool no_base = ours.base == kSlotZero && ours.address_size == 4 && (ours.rex & 1u) != 0;
    if (ours.base != slot(memory.base) && !no_base) return "base";
    if (ours.index != slot(memory.index)) return "index";
    const unsigned scale = memory.scale == 0 || memory.index == ZYDIS_REGISTER_NONE ? 1u : memory.scale;
    if (ours.index != kSlotZero && 1u << ours.scale != scale) return "scale";
    const u64 displacement = memory.disp.has_displacement ? static_cast<u64>(memory.disp.value) : 0;
    if (((static_cast<u64>(ours.displacement) ^ displacement) & mask) != 0 && !no_base) return "displacement";
    const bool accessed = ours.memory_operand() == nullptr || ours.memory_operand()->access != kAccessNone;
    if (memory.segment != ZYDIS_REGISTER_NONE && accessed && !no_base &&
        ours.segment != static_cast<unsigned>(ZydisRegisterGetId(memory.segment))) {
        return "segment";
    }
    return {};
}

std::string compare_operand(const Instruction& ours, const Operand& our_operand, const ZydisDecodedOperand& operand,
                            const ZydisDecodedInstruction& theirs) {
    const Plain a = plain(ours, our_operand);
    const Plain b = plain(operand);
    if (a.kind != b.kind) return "kind";
    if (a.reg != b.reg || a.is_high != b.is_high) return "register";
    if (a.kind == OperandKind::memory) {
        if (const std::string what = compare_address(ours, operand, theirs); !what.empty()) return what;
        // MOVSXD r16 reads two bytes (SDM: r/m16), not the four of Zydis.
        const bool short_movsxd = ours.mnemonic == Mnemonic::Movsxd && a.size == 2;
        const bool sized = our_operand.access != kAccessNone && our_operand.size != 0 && !short_movsxd;
        if (sized && a.size != b.size) return "memory size";
    }
    // LSL and LAR use 16 bits of the source, whatever its name.
    const bool segment_query = ours.mnemonic == Mnemonic::Lsl || ours.mnemonic == Mnemonic::Lar;
    if (a.kind == OperandKind::gpr && a.size != b.size && !segment_query) return "register size";
    // Zydis 4.0 names an XMM source in the memory form of VEXTRACTF128.
    const bool extract = ours.mnemonic == Mnemonic::Vextractf128;
    if (a.kind == OperandKind::vector && !extract && (a.size > 16) != (b.size > 16)) return "vector size";
    if (a.kind == OperandKind::immediate && a.size <= 8 &&
        ((a.value ^ b.value) & (~u64{0} >> (64 - 8 * a.size))) != 0) {
        return "immediate";
    }
    if ((a.kind == OperandKind::relative || a.kind == OperandKind::far_pointer) && a.value != b.value) return "target";
    if (a.kind == OperandKind::far_pointer && ours.immediate2 != operand.ptr.segment) return "selector";
    // Zydis disagrees with itself on whether half-written registers are read; ours give the bytes touched.
    if (a.kind == OperandKind::vector && (a.access & b.access & kAccessWrite) != 0) return {};
    // BSF and BSR leave the destination as it was when the source is zero; the SDM calls it undefined.
    if (ours.mnemonic == Mnemonic::Bsf || ours.mnemonic == Mnemonic::Bsr) return {};
    const bool readable = a.kind != OperandKind::immediate && a.kind != OperandKind::relative;
    if (readable && a.access != b.access && our_operand.access != kAccessNone) return "access";
    return {};
}

/// False where ours say more or, by the SDM, something else than Zydis's.
bool flags_comparable(const Instruction& ours) {
    const Row& row = row_of(ours);
    // Anything that may enter a handler or switch tasks counts as reading and writing every flag here.
    if ((row.attributes & (kEndsBlock | kCalled)) == (kEndsBlock | kCalled)) return false;
    switch (ours.mnemonic) {
        // Counts that are known make ours exact; flag_facts_test.cpp covers them.
        case Mnemonic::Rol:
        case Mnemonic::Ror:
        case Mnemonic::Rcl:
        case Mnemonic::Rcr:
        case Mnemonic::Shl:
        case Mnemonic::Sal:
        case Mnemonic::Shr:
        case Mnemonic::Sar:
        case Mnemonic::Shld:
        case Mnemonic::Shrd:
            return ours.operands[ours.operand_count - 1u].kind == OperandKind::gpr;
        // SDM: OF, SF, AF and PF are cleared; Zydis lists ZF and CF alone.
        case Mnemonic::Vptest:
        case Mnemonic::Vtestps:
        case Mnemonic::Vtestpd:
            return false;
        // SDM: AF is set according to the result; Zydis calls it undefined.
        case Mnemonic::Sbb:
            return false;
        // SDM: ZF by the result, CF and OF cleared, AF, SF and PF undefined; Zydis has CF and OF undefined.
        case Mnemonic::Bextr:
            return false;
        // SDM: the six status flags are undefined; Zydis leaves them alone.
        case Mnemonic::MovCr:
        case Mnemonic::MovDr:
            return false;
        // Zydis has REPE and REPNE read ZF; they read only the ZF they have just written.
        default:
            return (row.attributes & kString) == 0 || ours.repeat == RepeatPrefix::none;
    }
}

/// Flags read, written and undefined, the status flags and DF only: Zydis lists no others reliably.
std::string compare_flags(const Instruction& ours, const ZydisDecodedInstruction& theirs) {
    const FlagFacts facts = flag_facts(ours);
    if (theirs.cpu_flags == nullptr || !flags_comparable(ours)) return {};
    constexpr u32 kCompared = kStatusFlags | kFlagDirection;
    const u32 read = theirs.cpu_flags->tested & kCompared;
    const u32 written = (theirs.cpu_flags->modified | theirs.cpu_flags->set_0 | theirs.cpu_flags->set_1) & kCompared;
    const u32 undefined = theirs.cpu_flags->undefined & kCompared;
    if ((facts.read & kCompared) != read) return fmt::format("flags read {:x} {:x}", facts.read & kCompared, read);
    const u32 changed = (facts.written | facts.undefined) & kCompared;
    if (changed != (written | undefined)) return fmt::format("flags changed {:x} {:x}", changed, written | undefined);
    if ((facts.undefined & kCompared) != undefined) {
        return fmt::format("flags undefined {:x} {:x}", facts.undefined & kCompared, undefined);
    }
    return {};
}

}  // namespace

std::string describe(std::span<const u8> bytes, const DecodeMode& mode) {
    const char* name = mode.code_size == CodeSize::bits64 ? "64" : mode.code_size == CodeSize::bits32 ? "32" : "16";
    return fmt::format("{}{}: {:02x}", name, mode.protected_mode ? "" : " real", fmt::join(bytes, " "));
}

std::string compare_with_zydis(std::span<const u8> bytes, const DecodeMode& mode) {
    Instruction ours;
    const DecodeStatus status = decode(bytes, mode, ours);
    ZydisDecodedInstruction theirs;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    const ZyanStatus their_status =
        ZydisDecoderDecodeFull(&decoder_for(mode), bytes.data(), bytes.size(), &theirs, operands.data());
    const bool theirs_ok = ZYAN_SUCCESS(their_status);
    if (status == DecodeStatus::truncated || status == DecodeStatus::too_long) {
        return theirs_ok ? fmt::format("we want more bytes; zydis {}", ZydisMnemonicGetString(theirs.mnemonic)) : "";
    }
    if (status == DecodeStatus::invalid) {
        // SYSENTER and SYSEXIT are valid in real mode, where they raise #GP.
        if (ours.mnemonic == Mnemonic::Sysenter || ours.mnemonic == Mnemonic::Sysexit) return {};
        if (!theirs_ok) return {};
        if (absent_from_all_models(theirs, mode)) return {};
        return fmt::format("invalid here: {} {}", ZydisMnemonicGetString(theirs.mnemonic),
                           ZydisISAExtGetString(theirs.meta.isa_ext));
    }
    const std::string name{mnemonic_name(ours.mnemonic)};
    // SYSENTER and SYSEXIT are valid in real mode, where they raise #GP.
    if (ours.mnemonic == Mnemonic::Sysenter || ours.mnemonic == Mnemonic::Sysexit) return {};
    if (!theirs_ok) return fmt::format("invalid there: {} {:x}", name, their_status & 0xFFFFF);
    const std::string their_name = ZydisMnemonicGetString(theirs.mnemonic);
    const auto differ = [&](const std::string& what) { return fmt::format("{}: {} / {}", what, name, their_name); };
    if (ours.length != theirs.length) return differ("length");
    if (!same_name(ours, their_name)) return differ("mnemonic");
    // The operands of NOP, UD0 and UD1 mean nothing.
    if (ours.mnemonic == Mnemonic::Nop || ours.mnemonic == Mnemonic::Ud0 || ours.mnemonic == Mnemonic::Ud1) return {};
    const std::vector<const Operand*> shown = shown_operands(ours, theirs.operand_count_visible);
    if (shown.size() != theirs.operand_count_visible) {
        return differ(fmt::format("operand count {} {}", shown.size(), theirs.operand_count_visible));
    }
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const std::string what = compare_operand(ours, *shown[i], operands[i], theirs);
        if (!what.empty()) return differ(fmt::format("operand {} {}", i, what));
    }
    const std::string flags = compare_flags(ours, theirs);
    return flags.empty() ? flags : differ(flags);
}

}  // namespace bantam::isa::test
