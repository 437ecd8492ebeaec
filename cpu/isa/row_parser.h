// The compile-time parser of the table's notation (row.h): RowText to Row. Only table.cpp includes it; a mistake in a
// pattern or an operand code is a compile error there.
#pragma once

#include <string_view>

#include "cpu/isa/row.h"

namespace bantam::isa {

namespace notation {

/// Takes the next space-separated word off `text`.
constexpr std::string_view next_word(std::string_view& text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

constexpr u8 hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return static_cast<u8>(digit - '0');
    if (digit >= 'A' && digit <= 'F') return static_cast<u8>(digit - 'A' + 10);
    throw "not a hexadecimal digit";
}

constexpr u8 one_bit(char digit) { return static_cast<u8>(1u << hex_digit(digit)); }

constexpr bool parse_map(std::string_view word, Row& row) {
    if (word == "0F") return row.map = 1, true;
    if (word == "0F38") return row.map = 2, true;
    if (word == "0F3A") return row.map = 3, true;
    return false;
}

constexpr bool parse_prefix(std::string_view word, Row& row) {
    if (word == "NP") return row.prefixes = 1u << kSelectNone, true;
    if (word == "66") return row.prefixes = 1u << kSelect66, true;
    if (word == "F3") return row.prefixes = 1u << kSelectF3, true;
    if (word == "F2") return row.prefixes = 1u << kSelectF2, true;
    if (word == "NFx") return row.prefixes = 1u << kSelectNone | 1u << kSelect66, true;
    if (word == "NF3") return row.prefixes = 0xF & ~(1u << kSelectF3), true;
    return false;
}

/// "VEX.66.0F38.W0.L1"
constexpr void parse_vex(std::string_view word, Row& row) {
    row.vex = true;
    row.attributes |= kProtectedOnly;
    word.remove_prefix(4);
    while (!word.empty()) {
        const std::string_view part = word.substr(0, word.find('.'));
        word.remove_prefix(part.size() == word.size() ? part.size() : part.size() + 1);
        if (part == "W0" || part == "W1")
            row.w = one_bit(part[1]);
        else if (part == "L0" || part == "L1")
            row.vector_length = one_bit(part[1]);
        else if (!parse_prefix(part, row) && !parse_map(part, row))
            throw "unknown part of a VEX pattern";
    }
}

constexpr bool parse_opcode(std::string_view word, Row& row) {
    if (word.size() < 2 || word[0] == '/' || word[0] > 'F') return false;
    row.opcode = static_cast<u8>(hex_digit(word[0]) << 4 | hex_digit(word[1]));
    const std::string_view suffix = word.substr(2);
    if (suffix == "+r")
        row.opcode_count = 8;
    else if (suffix == "+cc")
        row.opcode_count = 16, row.attributes |= kConditional;
    else if (!suffix.empty())
        throw "unknown opcode suffix";
    return true;
}

constexpr void parse_constraint(std::string_view word, Row& row) {
    if (word == "mem")
        row.mod = 1;
    else if (word == "reg")
        row.mod = 2;
    else if (word == "no64")
        row.modes = 1;
    else if (word == "only64")
        row.modes = 2;
    else if (word == "o16")
        row.operand_sizes = 1;
    else if (word == "o32")
        row.operand_sizes = 2;
    else if (word == "o64")
        row.operand_sizes = 4;
    else if (word == "o1632")
        row.operand_sizes = 3;
    else if (word == "o3264")
        row.operand_sizes = 6;
    else if (word == "a16")
        row.address_sizes = 1;
    else if (word == "a32")
        row.address_sizes = 2;
    else if (word == "a64")
        row.address_sizes = 4;
    else if (word == "b0")
        row.rex_b = 1;
    else if (word == "b1")
        row.rex_b = 2;
    else if (word == "/r")
        row.has_modrm = true;
    else if (word.size() == 2 && word[0] == '/')
        row.reg = one_bit(word[1]), row.has_modrm = true;
    else if (word.size() == 3 && word.starts_with("rm"))
        row.rm = one_bit(word[2]);
    else
        throw "unknown word in a pattern";
}

constexpr void parse_pattern(std::string_view text, Row& row) {
    std::string_view word = next_word(text);
    if (word.starts_with("VEX.")) {
        parse_vex(word, row);
        word = next_word(text);
    } else {
        // "66", "F2" and "F3" are prefixes only when an opcode follows; the table has no one-byte opcode after "0F"
        // alone.
        const std::string_view rest = text;
        if (!rest.empty() && parse_prefix(word, row)) word = next_word(text);
        if (parse_map(word, row)) word = next_word(text);
    }
    if (!parse_opcode(word, row)) throw "a pattern without an opcode";
    while (!(word = next_word(text)).empty()) parse_constraint(word, row);
    if ((row.mod != 3 || row.rm != 0xFF) && !row.has_modrm) throw "a ModRM constraint without ModRM";
}

struct NamedSize {
    std::string_view name;
    SizeCode code;
};
inline constexpr NamedSize kSizes[] = {
    {"0", SizeCode::none},
    {"b", SizeCode::b},
    {"w", SizeCode::w},
    {"d", SizeCode::d},
    {"q", SizeCode::q},
    {"dq", SizeCode::dq},
    {"qq", SizeCode::qq},
    {"t", SizeCode::t},
    {"v", SizeCode::v},
    {"z", SizeCode::z},
    {"y", SizeCode::y},
    {"x", SizeCode::x},
    {"h", SizeCode::h},
    {"f", SizeCode::f},
    {"e", SizeCode::e},
    {"p", SizeCode::p},
    {"s", SizeCode::s},
    {"a", SizeCode::a},
    {"env", SizeCode::env},
    {"state", SizeCode::fpu_state},
    {"fx", SizeCode::fxsave},
    {"v/w", SizeCode::reg_v_mem_w},
    {"d/b", SizeCode::reg_d_mem_b},
    {"d/w", SizeCode::reg_d_mem_w},

    {"sq", SizeCode::stack},
};

constexpr SizeCode parse_size(std::string_view name) {
    for (const NamedSize& size : kSizes) {
        if (size.name == name) return size.code;
    }
    throw "unknown operand size code";
}

struct FixedOperand {
    std::string_view name;
    OperandSource source;
    SizeCode size;
    u8 value;
};
inline constexpr FixedOperand kFixedOperands[] = {
    {"AL", OperandSource::fixed_gpr, SizeCode::b, 0},
    {"CL", OperandSource::fixed_gpr, SizeCode::b, 1},
    {"AX", OperandSource::fixed_gpr, SizeCode::w, 0},
    {"DX", OperandSource::fixed_gpr, SizeCode::w, 2},
    {"eAX", OperandSource::fixed_gpr, SizeCode::z, 0},
    {"rAX", OperandSource::fixed_gpr, SizeCode::v, 0},
    {"ES", OperandSource::fixed_segment, SizeCode::w, 0},
    {"CS", OperandSource::fixed_segment, SizeCode::w, 1},
    {"SS", OperandSource::fixed_segment, SizeCode::w, 2},
    {"DS", OperandSource::fixed_segment, SizeCode::w, 3},
    {"FS", OperandSource::fixed_segment, SizeCode::w, 4},
    {"GS", OperandSource::fixed_segment, SizeCode::w, 5},
    {"ST0", OperandSource::st0, SizeCode::t, 0},
    {"STi", OperandSource::st_rm, SizeCode::t, 0},
    {"XMM0", OperandSource::fixed_vector, SizeCode::dq, 0},
    {"1", OperandSource::constant, SizeCode::b, 1},
};

struct OperandLetter {
    char letter;
    OperandSource source;
};
inline constexpr OperandLetter kOperandLetters[] = {
    {'E', OperandSource::rm_gpr},
    {'G', OperandSource::reg_gpr},
    {'R', OperandSource::rm_gpr_only},
    {'Z', OperandSource::opcode_gpr},
    {'B', OperandSource::vvvv_gpr},
    {'M', OperandSource::memory},
    {'O', OperandSource::offset},
    {'I', OperandSource::immediate},
    {'K', OperandSource::immediate_signed},
    {'J', OperandSource::relative},
    {'A', OperandSource::far_pointer},
    {'S', OperandSource::reg_segment},
    {'C', OperandSource::reg_control},
    {'D', OperandSource::reg_debug},
    {'P', OperandSource::reg_mmx},
    {'Q', OperandSource::rm_mmx},
    {'N', OperandSource::rm_mmx_only},
    {'V', OperandSource::reg_vector},
    {'W', OperandSource::rm_vector},
    {'U', OperandSource::rm_vector_only},
    {'H', OperandSource::vvvv_vector},
    {'L', OperandSource::immediate_vector},
    {'T', OperandSource::vsib},
};

constexpr OperandSpec parse_operand(std::string_view word) {
    OperandSpec spec;
    spec.access = kAccessRead;
    if (word.front() == '=')
        spec.access = kAccessWrite, word.remove_prefix(1);
    else if (word.front() == '+')
        spec.access = kAccessReadWrite, word.remove_prefix(1);
    else if (word.front() == '-')
        spec.access = kAccessNone, word.remove_prefix(1);
    for (const FixedOperand& fixed : kFixedOperands) {
        if (fixed.name != word) continue;
        spec.source = fixed.source;
        spec.size = fixed.size;
        spec.value = fixed.value;
        return spec;
    }
    for (const OperandLetter& entry : kOperandLetters) {
        if (entry.letter != word.front()) continue;
        spec.source = entry.source;
        spec.size = parse_size(word.substr(1));
        if (spec.size == SizeCode::none && spec.access == kAccessRead) spec.access = kAccessNone;
        return spec;
    }
    throw "unknown operand code";
}

/// What follows from an operand: which state it touches, whether it can be memory.
constexpr u32 attributes_of(const OperandSpec& spec, const Row& row) {
    const u32 vector = row.vex ? kAvx : kSse;
    const u32 memory = (row.mod & 1u) != 0 && spec.access != kAccessNone ? kHasMemory : 0u;
    switch (spec.source) {
        case OperandSource::rm_gpr:
        case OperandSource::memory:
            return memory;
        case OperandSource::offset:
            return kHasMemory;
        case OperandSource::vsib:
            return kHasMemory | kVsib;
        case OperandSource::reg_mmx:
        case OperandSource::rm_mmx_only:
            return kMmx;
        case OperandSource::rm_mmx:
            return kMmx | memory;
        case OperandSource::reg_vector:
        case OperandSource::rm_vector_only:
        case OperandSource::immediate_vector:
        case OperandSource::fixed_vector:
            return vector;
        case OperandSource::rm_vector:
            return vector | memory;
        case OperandSource::vvvv_vector:
            return vector | kUsesVvvv;
        case OperandSource::vvvv_gpr:
            return kUsesVvvv;
        case OperandSource::st0:
        case OperandSource::st_rm:
            return kX87;
        default:
            return 0;
    }
}

constexpr Row parse(const RowText& text) {
    Row row;
    row.mnemonic = text.mnemonic;
    row.feature = text.feature;
    row.attributes = text.attributes;
    parse_pattern(text.pattern, row);
    std::string_view operands = text.operands;
    for (std::string_view word = next_word(operands); !word.empty(); word = next_word(operands)) {
        const OperandSpec spec = parse_operand(word);
        row.operands.at(row.operand_count++) = spec;
        if (spec.source == OperandSource::rm_gpr_only && row.mod == 3) row.attributes |= kIgnoresMod;
        row.attributes |= attributes_of(spec, row);
    }
    for (const OperandSpec& spec : row.operands) {
        const bool sixteen = spec.size == SizeCode::dq || spec.size == SizeCode::x;
        const bool memory = spec.source == OperandSource::rm_vector || spec.source == OperandSource::memory;
        const u32 kind = row.attributes & (kSse | kUnaligned | kHasMemory);
        if (!row.vex && memory && sixteen && kind == (kSse | kHasMemory)) row.attributes |= kAligned;
    }
    if (row.map == 0 && row.opcode >= 0xD8 && row.opcode <= 0xDF) row.attributes |= kX87;
    constexpr u32 kFaulting = kTraps | kPrivileged | kIo | kHasMemory | kString | kX87 | kMmx | kSse | kAvx;
    if ((row.attributes & kFaulting) != 0) row.attributes |= kMayFault;
    return row;
}

}  // namespace notation

}  // namespace bantam::isa
