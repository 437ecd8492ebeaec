#include "tests/oracle/generator.h"

#include <algorithm>

#include "base/bits.h"
#include "cpu/isa/disassemble.h"
#include "cpu/state.h"

namespace bantam::oracle {
namespace {

using isa::Mnemonic;

/// Left out: what enters the kernel, reads or changes what belongs to the host process or its kernel (segment registers
/// and bases, descriptor tables, time, identification, XCR0-dependent areas).
constexpr std::array kExcluded{
    Mnemonic::Syscall,  Mnemonic::Sysenter, Mnemonic::Sysexit,    Mnemonic::Sysret,      Mnemonic::Int,
    Mnemonic::Int1,     Mnemonic::Cpuid,    Mnemonic::Rdtsc,      Mnemonic::Rdtscp,      Mnemonic::Rdrand,
    Mnemonic::Rdseed,   Mnemonic::Rdpid,    Mnemonic::Rdpmc,      Mnemonic::Xgetbv,      Mnemonic::Xsave,
    Mnemonic::Xsaveopt, Mnemonic::Xsavec,   Mnemonic::Xrstor,     Mnemonic::Sgdt,        Mnemonic::Sidt,
    Mnemonic::Sldt,     Mnemonic::Str,      Mnemonic::Smsw,       Mnemonic::Lar,         Mnemonic::Lsl,
    Mnemonic::Verr,     Mnemonic::Verw,     Mnemonic::MovSegment, Mnemonic::PushSegment, Mnemonic::PopSegment,
    Mnemonic::Lds,      Mnemonic::Les,      Mnemonic::Lfs,        Mnemonic::Lgs,         Mnemonic::Lss,
    Mnemonic::CallFar,  Mnemonic::JmpFar,   Mnemonic::RetFar,     Mnemonic::Iret,        Mnemonic::Iretd,
    Mnemonic::Iretq,    Mnemonic::Rdfsbase, Mnemonic::Rdgsbase,   Mnemonic::Wrfsbase,    Mnemonic::Wrgsbase,
    Mnemonic::Monitor,  Mnemonic::Mwait,    Mnemonic::In,         Mnemonic::Out,         Mnemonic::Insb,
    Mnemonic::Insw,     Mnemonic::Insd,     Mnemonic::Outsb,      Mnemonic::Outsw,       Mnemonic::Outsd,
    Mnemonic::Fxsave,   Mnemonic::Fxrstor,  Mnemonic::Rsm,        Mnemonic::Clac,        Mnemonic::Stac,
};

}  // namespace

std::string Program::disassembly(isa::CodeSize mode) const {
    std::string text;
    std::size_t at = 0;
    const u64 base = mode == isa::CodeSize::bits16 ? kProgramOffset : kArenaBase + kProgramOffset;
    for (const isa::Instruction& instruction : instructions) {
        text += "  " + isa::disassemble(std::span(bytes).subspan(at, instruction.length), base + at, mode) + "\n";
        at += instruction.length;
    }
    return text;
}

Generator::Generator(u64 seed, isa::CodeSize mode, const isa::FeatureSet& features) : random_(seed), mode_(mode) {
    decode_mode_ = {.code_size = mode, .protected_mode = true, .features = features};
    const std::span<const isa::Row> table = isa::table();
    for (std::size_t index = 1; index < table.size(); ++index) {
        const isa::Row& row = table[index];
        const u8 needed = mode == isa::CodeSize::bits64 ? 2 : 1;
        if ((row.modes & needed) == 0 || !features.has(row.feature)) continue;
        if (std::find(kExcluded.begin(), kExcluded.end(), row.mnemonic) != kExcluded.end()) continue;
        rows_.push_back(static_cast<u16>(index));
    }
}

u64 Generator::interesting(u64 mask) {
    switch (below(6)) {
        case 0:
            return below(16);
        case 1:
            return (~u64{0} - below(16)) & mask;
        case 2:
            return (u64{1} << below(64)) & mask;
        case 3:
            return ((u64{1} << below(64)) - 1) & mask;
        default:
            return random_() & mask;
    }
}

/// An offset or linear address in or near the data pages; rarely elsewhere in the arena.
u64 Generator::pointer() {
    u64 offset = kDataPage + 0x800 + below(0x1800);
    if (chance(6)) offset = below(kArenaBytes);
    if (chance(50)) offset &= ~u64{15};
    return mode_ == isa::CodeSize::bits16 ? offset : kArenaBase + offset;
}

void Generator::encode_modrm(std::vector<u8>& bytes, const isa::Row& row) {
    u8 modrm = 0;
    do {
        modrm = static_cast<u8>(random_());
        const bool is_register = (modrm >> 6) == 3;
        const bool mod_allowed = (row.mod & (is_register ? 2 : 1)) != 0;
        const bool reg_allowed = bit(row.reg, (modrm >> 3) & 7);
        const bool rm_allowed = bit(row.rm, modrm & 7) || !is_register;
        if (mod_allowed && reg_allowed && rm_allowed) break;
    } while (true);
    bytes.push_back(modrm);
    const u8 mod = modrm >> 6;
    const u8 rm = modrm & 7;
    if (mod == 3) return;
    if (mode_ == isa::CodeSize::bits16) {
        if (mod == 0 && rm == 6) {
            const u64 offset = pointer();
            bytes.push_back(static_cast<u8>(offset));
            bytes.push_back(static_cast<u8>(offset >> 8));
        } else if (mod == 1) {
            bytes.push_back(static_cast<u8>(random_()));
        } else if (mod == 2) {
            const u64 displacement = below(512) - 256;
            bytes.push_back(static_cast<u8>(displacement));
            bytes.push_back(static_cast<u8>(displacement >> 8));
        }
        return;
    }
    bool base_less = mod == 0 && rm == 5;
    if (rm == 4) {
        // Mostly no index: base + index is rarely in the arena.
        u8 sib = static_cast<u8>(random_());
        if (chance(60)) sib = static_cast<u8>((sib & 7) | 0x20);
        bytes.push_back(sib);
        base_less = mod == 0 && (sib & 7) == 5;
    }
    if (mod == 1) bytes.push_back(static_cast<u8>(random_()));
    if (mod == 2 || base_less) {
        u64 displacement = below(512) - 256;
        if (base_less) displacement = mode_ == isa::CodeSize::bits64 && rm == 5 ? below(0x2000) - 0x3000 : pointer();
        for (unsigned byte = 0; byte < 4; ++byte) bytes.push_back(static_cast<u8>(displacement >> (8 * byte)));
    }
}

std::vector<u8> Generator::encode(const isa::Row& row) {
    std::vector<u8> bytes;
    if (!row.vex && chance(3)) bytes.push_back(chance(50) ? 0xF2 : 0xF3);
    if (chance(3) && mode_ != isa::CodeSize::bits16) bytes.push_back(0x67);
    if (chance(2)) bytes.push_back(std::array<u8, 4>{0x26, 0x2E, 0x36, 0x3E}[below(4)]);
    if ((row.attributes & isa::kLockable) != 0 ? chance(8) : chance(1)) bytes.push_back(0xF0);
    const auto opcode = static_cast<u8>(row.opcode + below(row.opcode_count));
    if (row.vex) {
        // Always the three-byte form; half of what the two-byte form could say, too.
        u8 pp = 0;
        while (!bit(row.prefixes, pp)) ++pp;
        const u8 pp_code = std::array<u8, 4>{0, 1, 2, 3}[pp];
        u8 w = static_cast<u8>(below(2));
        if (!bit(row.w, w)) w ^= 1;
        u8 length = static_cast<u8>(below(2));
        if (!bit(row.vector_length, length)) length ^= 1;
        const bool narrow = mode_ != isa::CodeSize::bits64;
        u8 vvvv = static_cast<u8>(below(16));
        if ((row.attributes & isa::kUsesVvvv) == 0) vvvv = 0xF;
        if (narrow) vvvv |= 8;
        u8 inverted_rxb = static_cast<u8>(random_() & 0xE0);
        if (narrow) inverted_rxb |= 0xE0;
        const u8 last = static_cast<u8>(vvvv << 3 | length << 2 | pp_code);
        if (row.map == 1 && w == 0 && (inverted_rxb & 0x60) == 0x60 && chance(50)) {
            bytes.push_back(0xC5);
            bytes.push_back(static_cast<u8>((inverted_rxb & 0x80) | last));
        } else {
            bytes.push_back(0xC4);
            bytes.push_back(static_cast<u8>(inverted_rxb | row.map));
            bytes.push_back(static_cast<u8>(w << 7 | last));
        }
    } else {
        u8 prefix = static_cast<u8>(below(4));
        while (!bit(row.prefixes, prefix)) prefix = (prefix + 1) & 3;
        if (row.prefixes == 0xF && !chance(25)) prefix = 0;
        if (prefix != 0) bytes.push_back(std::array<u8, 4>{0, 0x66, 0xF3, 0xF2}[prefix]);
        if (mode_ == isa::CodeSize::bits64 && chance(60)) bytes.push_back(static_cast<u8>(0x40 | below(16)));
        if (row.map != 0) bytes.push_back(0x0F);
        if (row.map == 2) bytes.push_back(0x38);
        if (row.map == 3) bytes.push_back(0x3A);
    }
    bytes.push_back(opcode);
    if (row.has_modrm) encode_modrm(bytes, row);
    const bool relative = std::any_of(row.operands.begin(), row.operands.end(), [](const isa::OperandSpec& operand) {
        return operand.source == isa::OperandSource::relative;
    });
    const bool offset = std::any_of(row.operands.begin(), row.operands.end(), [](const isa::OperandSpec& operand) {
        return operand.source == isa::OperandSource::offset;
    });
    u64 tail = interesting(~u64{0});
    if (relative) tail = below(12) - (chance(10) ? 24 : 0);
    if (offset) tail = pointer();
    for (unsigned byte = 0; byte < 8; ++byte) bytes.push_back(static_cast<u8>(tail >> (8 * byte)));
    return bytes;
}

bool Generator::append_instruction(Program& program) {
    const isa::Row& row = isa::table()[rows_[below(rows_.size())]];
    std::vector<u8> bytes = encode(row);
    isa::Instruction instruction;
    if (isa::decode(bytes, decode_mode_, instruction) != isa::DecodeStatus::ok) return false;
    if (std::find(kExcluded.begin(), kExcluded.end(), instruction.mnemonic) != kExcluded.end()) return false;
    if (instruction.memory_operand() != nullptr && instruction.segment >= kFs) return false;
    // A result that depends on an undefined flag is itself undefined.
    const isa::FlagFacts facts = isa::flag_facts(instruction);
    if ((facts.read & undefined_) != 0) return false;
    if (!facts.conditional) undefined_ &= ~facts.written;
    undefined_ |= facts.undefined;
    bytes.resize(instruction.length);
    program.bytes.insert(program.bytes.end(), bytes.begin(), bytes.end());
    program.instructions.push_back(instruction);
    return true;
}

Program Generator::program() {
    Program program;
    const std::size_t count = 1 + below(6);
    undefined_ = 0;
    while (program.instructions.size() < count) append_instruction(program);
    program.bytes.push_back(0xCC);
    return program;
}

ProgramState Generator::state() {
    ProgramState state;
    const u64 mask = mode_ == isa::CodeSize::bits64 ? ~u64{0} : 0xFFFFFFFF;
    for (u64& reg : state.gpr) reg = chance(55) ? pointer() : interesting(mask);
    if (mode_ != isa::CodeSize::bits64) std::fill(state.gpr.begin() + 8, state.gpr.end(), 0);
    const u64 stack = kStackPage + 0x800 + below(0x800) / 8 * 8;
    state.gpr[kRsp] = mode_ == isa::CodeSize::bits16 ? stack : kArenaBase + stack;
    if (chance(30)) state.gpr[kRcx] = below(20);
    state.rip = mode_ == isa::CodeSize::bits16 ? kProgramOffset : kArenaBase + kProgramOffset;
    state.eflags = 0x202 | (static_cast<u32>(random_()) & kStatusFlags);
    if (chance(20)) state.eflags |= kFlagDirection;

    const u16 control = static_cast<u16>(0x340 | (random_() & 0xC00) | (chance(85) ? 0x3F : random_() & 0x3F));
    std::memcpy(state.fxsave.data(), &control, 2);
    const u16 status = static_cast<u16>((random_() & 0x4700) | (below(8) << 11));
    std::memcpy(state.fxsave.data() + 2, &status, 2);
    state.fxsave[4] = static_cast<u8>(random_());  // abridged tag word
    u32 mxcsr = 0x1F80 | (static_cast<u32>(random_()) & 0x6000);
    if (chance(10)) mxcsr |= static_cast<u32>(random_()) & 0x8040;
    if (chance(10)) mxcsr &= ~(static_cast<u32>(random_()) & 0x1F80);
    std::memcpy(state.fxsave.data() + 24, &mxcsr, 4);
    for (std::size_t reg = 0; reg < 8; ++reg) {
        const u64 mantissa = chance(80) ? interesting(~u64{0}) | u64{1} << 63 : interesting(~u64{0});
        u16 exponent = static_cast<u16>(0x3FFF + below(64) - 32);
        if (chance(15)) exponent = static_cast<u16>(interesting(0xFFFF));
        if (chance(50)) exponent |= 0x8000;
        std::memcpy(state.fxsave.data() + 32 + 16 * reg, &mantissa, 8);
        std::memcpy(state.fxsave.data() + 40 + 16 * reg, &exponent, 2);
    }
    const auto random_lanes = [&](u8* to, std::size_t bytes) {
        for (std::size_t at = 0; at < bytes; at += 8) {
            u64 value = interesting(~u64{0});
            if (chance(30)) {
                const double number = (static_cast<double>(below(2000)) - 1000) / 8;
                std::memcpy(&value, &number, 8);
            } else if (chance(30)) {
                const float pair[2] = {static_cast<float>(below(2000)) - 1000, static_cast<float>(below(100)) / 3};
                std::memcpy(&value, pair, 8);
            }
            std::memcpy(to + at, &value, 8);
        }
    };
    random_lanes(state.fxsave.data() + 160, mode_ == isa::CodeSize::bits64 ? 256 : 128);
    for (std::size_t reg = 0; reg < (mode_ == isa::CodeSize::bits64 ? 16u : 8u); ++reg) {
        random_lanes(state.ymm_high[reg].data(), 16);
    }
    return state;
}

Arena Generator::arena() {
    Arena arena;
    for (std::size_t at = 0; at < arena.bytes.size(); at += 8) {
        const u64 value = interesting(~u64{0});
        std::memcpy(arena.bytes.data() + at, &value, 8);
    }
    return arena;
}

u32 defined_flags(const Program& program, bool all_retired) {
    u32 undefined = 0;
    for (const isa::Instruction& instruction : program.instructions) {
        const isa::FlagFacts facts = isa::flag_facts(instruction);
        if (all_retired && !facts.conditional) undefined &= ~facts.written;
        undefined |= facts.undefined;
    }
    return ~undefined;
}

}  // namespace bantam::oracle
