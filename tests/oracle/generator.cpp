#include "tests/oracle/generator.h"

#include <algorithm>

#include "base/bits.h"
#include "cpu/isa/disassemble.h"
#include "cpu/state.h"
#include "tests/oracle/scope.h"

namespace bantam::oracle {
namespace {

constexpr std::size_t kMostInstructions = 6;
constexpr std::size_t kMostEncoded = 32;  // bytes of an encoding before the decoder says how many of them count
constexpr u32 kVectorUnits = isa::kX87 | isa::kMmx | isa::kSse | isa::kAvx;

}  // namespace

std::string Program::disassembly(isa::CodeSize mode) const {
    std::string text;
    std::size_t at = 0;
    const u64 base = mode == isa::CodeSize::bits16 ? offset : kArenaBase + offset;
    for (const isa::Instruction& instruction : instructions) {
        text += "  " + isa::disassemble(std::span(bytes).subspan(at, instruction.length), base + at, mode) + "\n";
        at += instruction.length;
    }
    if (at + 1 < bytes.size()) text += "  (invalid)\n";
    return text;
}

Program assemble(u64 offset, std::span<const u8> bytes, const isa::DecodeMode& mode) {
    Program program;
    program.offset = offset;
    program.bytes.assign(bytes.begin(), bytes.end());
    while (!bytes.empty()) {
        isa::Instruction instruction;
        if (isa::decode(bytes, mode, instruction) != isa::DecodeStatus::ok) break;
        if ((isa::row_of(instruction).attributes & isa::kBranch) != 0) program.linear = false;
        program.instructions.push_back(instruction);
        bytes = bytes.subspan(instruction.length);
    }
    program.bytes.push_back(0xCC);
    return program;
}

Generator::Generator(u64 seed, isa::CodeSize mode, const isa::FeatureSet& features) : random_(seed), mode_(mode) {
    decode_mode_ = {.code_size = mode, .protected_mode = true, .features = features};
    const std::span<const isa::Row> table = isa::table();
    for (std::size_t index = 1; index < table.size(); ++index) {
        const isa::Row& row = table[index];
        const u8 needed = mode == isa::CodeSize::bits64 ? 2 : 1;
        if ((row.modes & needed) == 0 || !features.has(row.feature)) continue;
        isa::Instruction instruction;
        instruction.mnemonic = row.mnemonic;
        if (!comparable(instruction)) continue;
        rows_.push_back(static_cast<u16>(index));
        if ((row.attributes & kVectorUnits) == 0) plain_rows_.push_back(static_cast<u16>(index));
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

/// An offset in or near the data pages, at the edges of pages, rarely anywhere in the arena.
u64 Generator::data_offset() {
    const u64 choice = below(100);
    if (choice < 70) return (kDataPage + 0x800 + below(0x1800)) & (chance(50) ? ~u64{15} : ~u64{0});
    if (choice < 88) {
        constexpr std::array<u64, 6> kEdges{kDataPage, 0x2000, kReadOnlyPage, kCodePage, kStackPage, kMappedTo};
        return kEdges[below(kEdges.size())] + below(80) - 64;
    }
    if (choice < 92) return program_offset_ + below(32);
    if (choice < 95) return kReadOnlyPage + below(kPageBytes);
    return below(kArenaBytes);
}

u64 Generator::pointer() {
    const u64 offset = data_offset();
    return mode_ == isa::CodeSize::bits16 ? offset & 0xFFFF : kArenaBase + offset;
}

void Generator::append_bytes(std::vector<u8>& bytes, u64 value, unsigned count) {
    for (unsigned byte = 0; byte < count; ++byte) bytes.push_back(static_cast<u8>(value >> (8 * byte)));
}

void Generator::encode_modrm(std::vector<u8>& bytes, const isa::Row& row, unsigned address_bits) {
    u8 modrm = 0;
    do {
        modrm = static_cast<u8>(random_());
        const bool is_register = (modrm >> 6) == 3;
        const bool mod_allowed = (row.mod & (is_register ? 2 : 1)) != 0;
        const bool reg_allowed = bit(row.reg, (modrm >> 3) & 7);
        const bool rm_allowed = bit(row.rm, modrm & 7) || !is_register;
        if (mod_allowed && reg_allowed && rm_allowed) break;
    } while (true);
    if ((row.attributes & isa::kVsib) != 0) modrm = static_cast<u8>((modrm & 0xF8) | 4);
    bytes.push_back(modrm);
    const u8 mod = modrm >> 6;
    const u8 rm = modrm & 7;
    if (mod == 3) return;
    if (address_bits == 16) {
        if (mod == 0 && rm == 6) append_bytes(bytes, pointer(), 2);
        if (mod == 1) bytes.push_back(static_cast<u8>(random_()));
        if (mod == 2) append_bytes(bytes, below(512) - 256, 2);
        return;
    }
    bool base_less = mod == 0 && rm == 5;
    if (rm == 4) {
        // Mostly no index: base + index is rarely in the arena.
        u8 sib = static_cast<u8>(random_());
        if (chance(60) && (row.attributes & isa::kVsib) == 0) sib = static_cast<u8>((sib & 7) | 0x20);
        bytes.push_back(sib);
        base_less = mod == 0 && (sib & 7) == 5;
    }
    if (mod == 1) bytes.push_back(static_cast<u8>(random_()));
    if (mod == 2 || base_less) {
        u64 displacement = below(512) - 256;
        if (base_less) displacement = mode_ == isa::CodeSize::bits64 && rm == 5 ? below(0x4800) - 0x4000 : pointer();
        append_bytes(bytes, displacement, 4);
    }
}

std::vector<u8> Generator::encode(const isa::Row& row) {
    std::vector<u8> bytes;
    bytes.reserve(kMostEncoded);
    if (!row.vex && chance(3)) bytes.push_back(chance(50) ? 0xF2 : 0xF3);
    unsigned address_bits = mode_ == isa::CodeSize::bits16 ? 16 : 32;
    if (chance(5)) {
        bytes.push_back(0x67);
        if (mode_ != isa::CodeSize::bits64) address_bits = 48 - address_bits;
    }
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
    if (row.has_modrm) encode_modrm(bytes, row, address_bits);
    const bool relative = std::any_of(row.operands.begin(), row.operands.end(), [](const isa::OperandSpec& operand) {
        return operand.source == isa::OperandSource::relative;
    });
    const bool offset = std::any_of(row.operands.begin(), row.operands.end(), [](const isa::OperandSpec& operand) {
        return operand.source == isa::OperandSource::offset;
    });
    u64 tail = interesting(~u64{0});
    if (relative) tail = below(12) - (chance(10) ? 24 : 0);
    if (offset) tail = pointer();
    append_bytes(bytes, tail, 8);
    return bytes;
}

void Generator::append(Program& program, std::span<const u8> bytes, const isa::Instruction& instruction) {
    const isa::FlagFacts facts = isa::flag_facts(instruction);
    if (!facts.conditional) undefined_ &= ~facts.written;
    undefined_ |= facts.undefined;
    if ((isa::row_of(instruction).attributes & isa::kBranch) != 0) program.linear = false;
    program.bytes.insert(program.bytes.end(), bytes.begin(), bytes.begin() + instruction.length);
    program.instructions.push_back(instruction);
}

bool Generator::append_instruction(Program& program) {
    const std::vector<u16>& rows = chance(40) ? plain_rows_ : rows_;
    const isa::Row& row = isa::table()[rows[below(rows.size())]];
    const std::vector<u8> bytes = encode(row);
    isa::Instruction instruction;
    if (isa::decode(bytes, decode_mode_, instruction) != isa::DecodeStatus::ok || !comparable(instruction))
        return false;
    // A result that depends on an undefined flag is itself undefined.
    if ((isa::flag_facts(instruction).read & undefined_) != 0) return false;
    append(program, bytes, instruction);
    return true;
}

/// True when the program ends here: the bytes are invalid.
bool Generator::append_random_bytes(Program& program) {
    std::array<u8, 16> bytes;
    for (u8& byte : bytes) byte = static_cast<u8>(random_());
    if (chance(50)) {
        constexpr std::array<u8, 10> kFirst{0x0F, 0x0F, 0x0F, 0xC4, 0xC5, 0x66, 0xF2, 0xF3, 0xF0, 0x67};
        bytes[0] = kFirst[below(kFirst.size())];
    }
    if (chance(20)) bytes[1] = 0x0F;
    isa::Instruction instruction;
    switch (isa::decode(bytes, decode_mode_, instruction)) {
        case isa::DecodeStatus::ok:
            if (comparable(instruction) && (isa::flag_facts(instruction).read & undefined_) == 0) {
                append(program, bytes, instruction);
            }
            return false;
        case isa::DecodeStatus::invalid:
            if (may_be_host_extension(bytes, mode_)) return false;
            break;
        default:
            break;
    }
    program.bytes.insert(program.bytes.end(), bytes.begin(), bytes.end());
    return true;
}

Program Generator::program() {
    Program program;
    program.offset = kCodePage + 0x800;
    if (chance(6)) program.offset = kCodePage + kPageBytes - 1 - below(30);      // crosses into the second code page
    if (chance(3)) program.offset = kCodePage + 2 * kPageBytes - 1 - below(30);  // runs into the stack page
    program_offset_ = program.offset;
    const std::size_t count = 1 + below(kMostInstructions);
    program.instructions.reserve(kMostInstructions);
    program.bytes.reserve((kMostInstructions + 1) * kMostEncoded);
    undefined_ = 0;
    while (program.instructions.size() < count) {
        if (!chance(5)) {
            append_instruction(program);
        } else if (append_random_bytes(program)) {
            break;
        }
    }
    program.bytes.push_back(0xCC);
    return program;
}

ProgramState Generator::state(const Program& program) {
    ProgramState state;
    const u64 mask = mode_ == isa::CodeSize::bits64 ? ~u64{0} : 0xFFFFFFFF;
    for (u64& reg : state.gpr) reg = chance(55) ? pointer() : interesting(mask);
    if (mode_ != isa::CodeSize::bits64) std::fill(state.gpr.begin() + 8, state.gpr.end(), 0);
    u64 stack = kStackPage + 0x800 + below(0x800) / 8 * 8;
    if (chance(10)) stack += below(8);
    if (chance(8)) stack = kStackPage + (chance(50) ? 0 : 2 * kPageBytes) + below(40) - 20;
    if (chance(2)) stack = below(40) - 20;
    if (mode_ == isa::CodeSize::bits16) stack &= 0xFFFF;
    state.gpr[kRsp] = mode_ == isa::CodeSize::bits16 ? stack : kArenaBase + stack;
    if (chance(30)) state.gpr[kRcx] = below(20);
    state.rip = mode_ == isa::CodeSize::bits16 ? program.offset : kArenaBase + program.offset;
    state.eflags = 0x202 | (static_cast<u32>(random_()) & kStatusFlags);
    if (chance(20)) state.eflags |= kFlagDirection;
    if (chance(4)) state.eflags |= kFlagAlignmentCheck;
    if (chance(2)) state.eflags |= kFlagTrap;

    const u16 control = static_cast<u16>(0x340 | (random_() & 0xC00) | (chance(85) ? 0x3F : random_() & 0x3F));
    std::memcpy(state.fxsave.data(), &control, 2);
    u16 status = static_cast<u16>((random_() & 0x4700) | (below(8) << 11));
    if (chance(10)) status |= static_cast<u16>(random_() & 0x7F);
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
    const std::size_t vectors = mode_ == isa::CodeSize::bits64 ? 16 : 8;
    for (std::size_t reg = 0; reg < vectors; ++reg) {
        pick_lanes(std::span(state.fxsave).subspan(160 + 16 * reg, 16));
        pick_lanes(state.ymm_high[reg]);
    }
    return state;
}

u64 Generator::lane() {
    u64 value = interesting(~u64{0});
    if (chance(30)) {
        const double number = (static_cast<double>(below(2000)) - 1000) / 8;
        std::memcpy(&value, &number, 8);
    } else if (chance(30)) {
        const float pair[2] = {static_cast<float>(below(2000)) - 1000, static_cast<float>(below(100)) / 3};
        std::memcpy(&value, pair, 8);
    }
    return value;
}

/// Half of a vector register, from the lanes made with the arena.
void Generator::pick_lanes(std::span<u8> half) {
    std::memcpy(half.data(), lanes_.data() + below(lanes_.size() - 1), half.size());
}

Arena Generator::arena() {
    Arena arena;
    for (std::size_t at = 0; at < arena.bytes.size(); at += 8) {
        const u64 value = interesting(~u64{0});
        std::memcpy(arena.bytes.data() + at, &value, 8);
    }
    for (u64& value : lanes_) value = lane();
    // A stray jump ends at once.
    std::memset(arena.at(kCodePage), 0xCC, kStackPage - kCodePage);
    return arena;
}

}  // namespace bantam::oracle
