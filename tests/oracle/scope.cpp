#include "tests/oracle/scope.h"

#include <algorithm>
#include <array>

namespace bantam::oracle {
namespace {

using isa::Mnemonic;

constexpr std::array kExcluded{
    Mnemonic::Syscall,    Mnemonic::Sysenter, Mnemonic::Sysexit,  Mnemonic::Sysret,   Mnemonic::Cpuid,
    Mnemonic::Rdtsc,      Mnemonic::Rdtscp,   Mnemonic::Rdrand,   Mnemonic::Rdseed,   Mnemonic::Rdpid,
    Mnemonic::Rdpmc,      Mnemonic::Xgetbv,   Mnemonic::Xsave,    Mnemonic::Xsaveopt, Mnemonic::Xsavec,
    Mnemonic::Xrstor,     Mnemonic::Sgdt,     Mnemonic::Sidt,     Mnemonic::Sldt,     Mnemonic::Str,
    Mnemonic::Smsw,       Mnemonic::Lar,      Mnemonic::Lsl,      Mnemonic::Verr,     Mnemonic::Verw,
    Mnemonic::PopSegment, Mnemonic::Lds,      Mnemonic::Les,      Mnemonic::Lfs,      Mnemonic::Lgs,
    Mnemonic::Lss,        Mnemonic::CallFar,  Mnemonic::JmpFar,   Mnemonic::RetFar,   Mnemonic::Iret,
    Mnemonic::Iretd,      Mnemonic::Iretq,    Mnemonic::Rdfsbase, Mnemonic::Rdgsbase, Mnemonic::Wrfsbase,
    Mnemonic::Wrgsbase,   Mnemonic::Monitor,  Mnemonic::Mwait,    Mnemonic::Fxsave,   Mnemonic::Fxrstor,
    Mnemonic::Rsm,
};

constexpr u8 kLinuxSystemCall = 0x80;

bool between(u8 value, u8 first, u8 last) { return value >= first && value <= last; }

bool vex_extension(unsigned map, u8 opcode, bool l) {
    switch (map) {
        case 1:  // mask registers
            return between(opcode, 0x41, 0x4B) || between(opcode, 0x90, 0x93) || between(opcode, 0x98, 0x99);
        case 2:  // AMX, AVX-VNNI, AVX-NE-CONVERT, AVX-IFMA, GFNI, VAES, SHA512 and kin, CMPccXADD
            return opcode == 0x49 || opcode == 0x4B || between(opcode, 0x50, 0x53) || opcode == 0x5C ||
                   opcode == 0x5E || opcode == 0x6C || opcode == 0x72 || opcode == 0xB0 || opcode == 0xB1 ||
                   between(opcode, 0xB4, 0xB5) || between(opcode, 0xCB, 0xCF) || (l && between(opcode, 0xDC, 0xDF)) ||
                   between(opcode, 0xD2, 0xDA) || between(opcode, 0xE0, 0xEF);
        case 3:  // VPERMQ and VPERMPD with W0, mask shifts, VPCLMULQDQ, GFNI
            return between(opcode, 0x00, 0x01) || between(opcode, 0x30, 0x33) || (l && opcode == 0x44) ||
                   opcode == 0xCE || opcode == 0xCF || opcode == 0xDE;
        default:
            return true;
    }
}

}  // namespace

bool comparable(const isa::Instruction& i) {
    if (std::find(kExcluded.begin(), kExcluded.end(), i.mnemonic) != kExcluded.end()) return false;
    if (i.mnemonic == Mnemonic::Int) return i.immediate != kLinuxSystemCall;
    if (i.mnemonic == Mnemonic::MovSegment && i.operands[0].kind == isa::OperandKind::segment) return false;
    return i.segment < 4;  // FS and GS belong to the host's threads
}

bool may_be_host_extension(std::span<const u8> bytes, isa::CodeSize mode) {
    const bool wide = mode == isa::CodeSize::bits64;
    std::size_t at = 0;
    const auto next = [&] { return at < bytes.size() ? bytes[at++] : u8{0}; };
    u8 byte = next();
    constexpr std::array<u8, 11> kPrefixes{0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3};
    while (at < bytes.size() && (std::find(kPrefixes.begin(), kPrefixes.end(), byte) != kPrefixes.end() ||
                                 (wide && (byte & 0xF0) == 0x40))) {
        byte = next();
    }
    const u8 second = next();
    const bool register_like = wide || second >= 0xC0;
    if (byte == 0x62) return register_like;  // EVEX
    if (byte == 0xD5 && wide) return true;   // REX2
    if (byte == 0xC4 && register_like) {
        const u8 payload = next();
        return vex_extension(second & 0x1F, next(), (payload & 4) != 0);
    }
    if (byte == 0xC5 && register_like) return vex_extension(1, next(), (second & 4) != 0);
    if (byte == 0xC6 || byte == 0xC7) return second == 0xF8;  // XABORT, XBEGIN
    if (byte != 0x0F) return false;
    const u8 third = next();
    switch (second) {
        case 0x00:  // with LOCK, which AMD's processors ignore of VERW, and take for CR8 of MOV
        case 0x20:
        case 0x22:
            return true;
        case 0x01:  // VMX, SGX, TSX, PKU, SERIALIZE, UINTR
            return third >= 0xC0;
        case 0x05:  // SYSCALL and SYSRET, which AMD's processors know outside of 64-bit mode, too
        case 0x07:
            return !wide;
        case 0x2B:  // SSE4a
        case 0x78:
        case 0x79:
            return true;
        case 0x37:  // GETSEC
        case 0xAE:  // CLWB, PTWRITE, WAITPKG, CET
        case 0xC7:  // XSAVES, RDPID, VMX, UINTR
            return true;
        case 0x38:
            return third == 0xCF || between(third, 0xD8, 0xDA) || between(third, 0xF0, 0xFC) ||
                   between(third, 0x80, 0x82);
        case 0x3A:
            return third == 0xCE || third == 0xCF || third == 0xF0;
        default:
            return false;
    }
}

}  // namespace bantam::oracle
