// The decoder: prefixes, opcode, ModRM, SIB, displacement and immediates of one instruction, driven by the maps that
// table.cpp computes from the rows. SDM vol. 2, chapter 2. What bytes mean follows Intel processors: in 64-bit mode
// near branches ignore 66h, and an instruction of a feature the model lacks is invalid.
#include "cpu/isa/decoder.h"

#include <cstring>

#include "cpu/isa/decoder_map.h"
#include "cpu/isa/operand_shapes.h"

namespace bantam::isa {

namespace {

constexpr std::size_t kMaxLength = 15;
// 15 bytes of prefixes and opcode, then at most two opcode bytes, ModRM, SIB, displacement and immediate without a
// check.
constexpr std::size_t kWindow = 40;

enum PrefixKind : u8 { kNotPrefix, kSegmentPrefix, kOperandSizePrefix, kAddressSizePrefix, kLockPrefix, kRepeatPrefix };

constexpr std::array<u8, 256> kPrefixKinds = [] {
    std::array<u8, 256> kinds{};
    for (const unsigned byte : {0x26u, 0x2Eu, 0x36u, 0x3Eu, 0x64u, 0x65u}) kinds[byte] = kSegmentPrefix;
    kinds[0x66] = kOperandSizePrefix;
    kinds[0x67] = kAddressSizePrefix;
    kinds[0xF0] = kLockPrefix;
    kinds[0xF2] = kinds[0xF3] = kRepeatPrefix;
    return kinds;
}();

constexpr u8 segment_of_prefix(u8 byte) {
    switch (byte) {
        case 0x26:
            return 0;
        case 0x2E:
            return 1;
        case 0x36:
            return 2;
        case 0x3E:
            return 3;
        case 0x64:
            return 4;
        default:
            return 5;
    }
}

/// Base and index of the 16-bit addressing forms (SDM vol. 2, table 2-1): [BX+SI] [BX+DI] [BP+SI] [BP+DI] [SI] [DI]
/// [BP] [BX].
struct Pair16 {
    u8 base;
    u8 index;
};
constexpr std::array<Pair16, 8> kPairs16 = {
    {{3, 6}, {3, 7}, {5, 6}, {5, 7}, {6, kSlotZero}, {7, kSlotZero}, {5, kSlotZero}, {3, kSlotZero}}};

/// Operand size by code size and 66h (+1) and REX.W (+2); address size by code size and 67h.
constexpr u8 kOperandSizes[3][4] = {{2, 4, 2, 4}, {4, 2, 4, 2}, {4, 2, 8, 8}};
constexpr u8 kAddressSizes[3][2] = {{2, 4}, {4, 2}, {8, 4}};

class Decoder {
public:
    Decoder(const u8* code, const DecodeMode& mode, Instruction& out)
        : code_(code), at_(code), mode_(mode), out_(out), long_(mode.code_size == CodeSize::bits64) {}

    /// False when the bytes are no instruction. looked_at() tells how many bytes mattered in either case.
    bool run();
    [[nodiscard]] bool only_prefixes() const { return only_prefixes_; }
    [[nodiscard]] std::size_t looked_at() const { return static_cast<std::size_t>(at_ - code_); }

private:
    template <class T>
    T take() {
        T value;
        std::memcpy(&value, at_, sizeof(T));
        at_ += sizeof(T);
        return value;
    }
    [[nodiscard]] u8 rex_bit(unsigned index) const { return static_cast<u8>((out_.rex >> index) & 1u); }
    /// Bit 3 of a register number, by REX.B (0), REX.X (1) or REX.R (2).
    [[nodiscard]] u8 extension(unsigned index) const { return static_cast<u8>(((out_.rex >> index) & 1u) << 3); }
    [[nodiscard]] u8 reg_field() const { return static_cast<u8>((out_.modrm >> 3) & 7u); }
    [[nodiscard]] u8 rm_field() const { return static_cast<u8>(out_.modrm & 7u); }
    [[nodiscard]] bool register_form() const { return out_.modrm >= 0xC0; }

    bool take_prefixes();
    bool take_vex(u8 first);
    void take_opcode();
    [[nodiscard]] const Row* select_row();
    [[nodiscard]] unsigned selector_value(u16 selector) const;
    void set_sizes();
    void set_operand_size(const Row& row);
    void take_memory(const Row& row);
    void take_memory16();
    void take_displacement(unsigned mod, bool wide);
    [[nodiscard]] bool take_operands(const Row& row);
    void take_from_stream(const OperandSpec& spec, Operand& operand);
    void take_immediate(Operand& operand, u8 size, bool is_signed);
    [[nodiscard]] u8 bytes(SizeCode code, unsigned in_register) const {
        return kOperandBytes[size_context_ | in_register][static_cast<std::size_t>(code)];
    }
    [[nodiscard]] bool valid(const Row& row) const;

    const u8* code_;
    const u8* at_;
    const DecodeMode& mode_;
    Instruction& out_;
    bool long_;
    bool address_prefix_ = false;
    bool only_prefixes_ = false;
    u8 prefix_selector_ = kSelectNone;
    unsigned size_context_ = 0;
    u8 raw_operand_size_ = 4;  // by mode, 66h and REX.W alone
};

bool Decoder::take_prefixes() {
    for (;;) {
        const u8 byte = *at_;
        switch (kPrefixKinds[byte]) {
            case kNotPrefix:
                if (long_ && (byte & 0xF0u) == 0x40) {
                    out_.rex = byte;
                    break;
                }
                return true;
            case kSegmentPrefix: {
                const u8 segment = segment_of_prefix(byte);
                if (!long_ || segment >= 4) {
                    out_.segment = segment & 7u;
                    out_.has_segment_override = true;
                }
                out_.rex = 0;
                break;
            }
            case kOperandSizePrefix:
                out_.operand_size_prefix = true;
                out_.rex = 0;
                break;
            case kAddressSizePrefix:
                address_prefix_ = true;
                out_.rex = 0;
                break;
            case kLockPrefix:
                out_.lock = true;
                out_.rex = 0;
                break;
            default:
                out_.repeat = byte == 0xF2 ? RepeatPrefix::repne : RepeatPrefix::rep;
                out_.rex = 0;
                break;
        }
        if (++at_ == code_ + kMaxLength) {
            only_prefixes_ = true;
            return false;
        }
    }
}

/// C4h or C5h, already known to begin a VEX prefix.
bool Decoder::take_vex(u8 first) {
    const bool forbidden = out_.operand_size_prefix || out_.repeat != RepeatPrefix::none || out_.lock || out_.rex != 0;
    out_.vex = true;
    u8 payload = take<u8>();
    u8 inverted = static_cast<u8>(~payload);
    out_.rex = static_cast<u8>(0x40u | ((inverted >> 5) & 4u));  // R
    out_.opcode_map = 1;
    if (first == 0xC4) {
        out_.rex = static_cast<u8>(out_.rex | ((inverted >> 5) & 3u));  // X, B
        out_.opcode_map = payload & 0x1Fu;
        // As measured on a processor: maps 0, 4, 8... are invalid before the byte behind them is looked at.
        if ((out_.opcode_map & 3u) == 0) return false;
        payload = take<u8>();
        inverted = static_cast<u8>(~payload);
        out_.rex = static_cast<u8>(out_.rex | ((payload >> 4) & 8u));  // W
    }
    if (!long_) out_.rex &= 0x48u;  // B is ignored; R and X are one by the LES and LDS rule
    out_.vex_vvvv = (inverted >> 3) & 15u;
    out_.vex_l = (payload & 4u) != 0;
    out_.vex_pp = payload & 3u;
    prefix_selector_ = out_.vex_pp;
    out_.opcode = take<u8>();
    return !forbidden && out_.opcode_map >= 1 && out_.opcode_map <= 3;
}

void Decoder::take_opcode() {
    u8 byte = take<u8>();
    if (byte == 0x0F) {
        out_.opcode_map = 1;
        byte = take<u8>();
        if (byte == 0x38 || byte == 0x3A) {
            out_.opcode_map = byte == 0x38 ? 2 : 3;
            byte = take<u8>();
        }
    }
    out_.opcode = byte;
    if (out_.repeat != RepeatPrefix::none) {
        prefix_selector_ = out_.repeat == RepeatPrefix::rep ? kSelectF3 : kSelectF2;
    } else if (out_.operand_size_prefix) {
        prefix_selector_ = kSelect66;
    }
}

/// Sizes by mode and prefixes alone.
void Decoder::set_sizes() {
    const std::size_t size = static_cast<std::size_t>(mode_.code_size);
    raw_operand_size_ = kOperandSizes[size][(out_.operand_size_prefix ? 1u : 0u) | (long_ ? rex_bit(3) * 2u : 0u)];
    out_.address_size = kAddressSizes[size][address_prefix_ ? 1 : 0] & 15u;
}

unsigned Decoder::selector_value(u16 selector) const {
    switch (selector) {
        case kByPrefix:
            return prefix_selector_;
        case kByMod:
            return register_form() ? 1 : 0;
        case kByReg:
            return reg_field();
        case kByRm:
            return rm_field();
        case kByLength:
            return out_.vex_l ? 1 : 0;
        case kByW:
            return rex_bit(3);
        case kByOperandSize:
            return raw_operand_size_ >> 2;
        case kByAddressSize:
            return out_.address_size >> 2;
        case kByRexB:
            return rex_bit(0);
        default:
            return long_ ? 1 : 0;
    }
}

const Row* Decoder::select_row() {
    const OpcodeEntry& entry = kOpcodes[space_of(out_.vex, out_.opcode_map) * 256 + out_.opcode];
    if (entry.first_cell == 0) return nullptr;
    if (entry.has_modrm) {
        out_.has_modrm = true;
        out_.modrm = take<u8>();
    }
    unsigned cell = 0;
    if (entry.selectors != 0) {
        unsigned shift = 0;
        for (const SelectorShape& shape : kSelectorShapes) {
            if ((entry.selectors & shape.selector) == 0) continue;
            cell |= selector_value(shape.selector) << shift;
            shift += shape.bits;
        }
    }
    const u16 index = kCells[entry.first_cell + cell];
    if (index == 0) return nullptr;
    // Outside 64-bit mode VEX.W is ignored unless it is part of the opcode.
    if (!long_ && (entry.selectors & kByW) == 0) out_.rex &= 0x40u;
    out_.row = index;
    const Row& row = kRowData[index];
    if (mode_.features.has(row.feature)) return &row;
    if ((row.attributes & kElsePlain) == 0 || prefix_selector_ != kSelectF3) return nullptr;
    prefix_selector_ = out_.operand_size_prefix ? kSelect66 : kSelectNone;
    --at_;
    return select_row();
}

void Decoder::set_operand_size(const Row& row) {
    out_.operand_size = raw_operand_size_ & 15u;
    // A 66h that selects the row is no operand-size prefix.
    if (out_.operand_size_prefix && row.prefixes == 1u << kSelect66) {
        out_.operand_size = mode_.code_size == CodeSize::bits16 ? 2 : rex_bit(3) != 0 ? 8 : 4;
    }
    if (!long_) {
        if ((row.attributes & kForce64) != 0 && (row.attributes & kBranch) == 0) out_.operand_size = 4;
        return;
    }
    if ((row.attributes & kForce64) != 0) {
        out_.operand_size = 8;
    } else if ((row.attributes & kDefault64) != 0 && raw_operand_size_ == 4) {
        out_.operand_size = 8;
    }
}

void Decoder::take_displacement(unsigned mod, bool wide) {
    if (mod == 1) {
        out_.displacement = take<i8>();
    } else if (mod == 2 || wide) {
        out_.displacement = take<i32>();
    }
}

void Decoder::take_memory16() {
    const unsigned mod = out_.modrm >> 6;
    const u8 rm = rm_field();
    const bool direct = mod == 0 && rm == 6;
    if (!direct) {
        out_.base = kPairs16[rm].base;
        out_.index = kPairs16[rm].index;
    }
    if (mod == 1) {
        out_.displacement = take<i8>();
    } else if (mod == 2 || direct) {
        out_.displacement = take<i16>();
    }
    if (out_.base == 5 && !out_.has_segment_override) out_.segment = 2;
}

void Decoder::take_memory(const Row& row) {
    if (out_.address_size == 2) return take_memory16();
    const unsigned mod = out_.modrm >> 6;
    const u8 rm = rm_field();
    bool wide = false;
    if (rm == 4) {
        const u8 sib = take<u8>();
        out_.scale = static_cast<u8>(sib >> 6);
        const u8 index = static_cast<u8>(((sib >> 3) & 7u) | extension(1));
        if (index != 4 || (row.attributes & kVsib) != 0) out_.index = index;
        if ((sib & 7u) == 5 && mod == 0) {
            wide = true;
        } else {
            out_.base = static_cast<u8>((sib & 7u) | extension(0));
        }
    } else if (rm == 5 && mod == 0) {
        wide = true;
        if (long_) out_.base = kSlotRip;
    } else {
        out_.base = static_cast<u8>(rm | extension(0));
    }
    take_displacement(mod, wide);
    if ((out_.base == 4 || out_.base == 5) && !out_.has_segment_override) out_.segment = 2;
}

void Decoder::take_immediate(Operand& operand, u8 size, bool is_signed) {
    operand.kind = OperandKind::immediate;
    u64 value = 0;
    std::memcpy(&value, at_, sizeof value);
    at_ += size;
    const unsigned unused = 64 - 8u * size;
    value <<= unused;
    value = is_signed ? static_cast<u64>(static_cast<i64>(value) >> unused) : value >> unused;
    if (out_.immediate_size != 0) {  // ENTER's second
        operand.kind = OperandKind::immediate2;
        out_.immediate2 = static_cast<u16>(value);
        return;
    }
    out_.immediate = value;
    out_.immediate_size = size & 15u;
}

/// An operand that has bytes of its own behind ModRM and displacement.
void Decoder::take_from_stream(const OperandSpec& spec, Operand& operand) {
    const u8 size = bytes(spec.size, 0);
    operand.size = size;
    switch (spec.source) {
        case OperandSource::immediate:
            take_immediate(operand, size, false);
            return;
        case OperandSource::immediate_signed:
            take_immediate(operand, size, true);
            operand.size = out_.operand_size;
            return;
        case OperandSource::relative:
            take_immediate(operand, size, true);
            operand.kind = OperandKind::relative;
            return;
        case OperandSource::far_pointer:
            take_immediate(operand, out_.operand_size, false);
            out_.immediate2 = take<u16>();
            operand.kind = OperandKind::far_pointer;
            return;
        case OperandSource::immediate_vector:
            take_immediate(operand, 1, false);
            if (!long_) out_.immediate &= 0x7Fu;  // bit 7 is ignored
            operand.kind = OperandKind::vector;
            operand.reg = static_cast<u8>(out_.immediate >> 4);
            return;
        default:  // offset
            operand.kind = OperandKind::memory;
            out_.displacement = out_.address_size == 8   ? take<i64>()
                                : out_.address_size == 4 ? i64{take<u32>()}
                                                         : i64{take<u16>()};
            return;
    }
}

bool Decoder::take_operands(const Row& row) {
    const u8 rm = rm_field();
    const u8 reg = reg_field();
    const std::array<u8, static_cast<std::size_t>(NumberFrom::count)> numbers = {
        0,
        static_cast<u8>(reg | extension(2)),
        reg,
        static_cast<u8>(rm | extension(0)),
        rm,
        static_cast<u8>((out_.opcode & 7u) | extension(0)),
        static_cast<u8>(out_.vex_vvvv & (long_ ? 15u : 7u))};
    size_context_ = SizeContext{out_.operand_size, long_, out_.vex_l, rex_bit(3) != 0}.index();
    out_.operand_count = row.operand_count & 15u;
    bool good = true;
    for (unsigned i = 0; i < row.operand_count; ++i) {
        const OperandSpec& spec = row.operands[i];
        const OperandShape& shape = kOperandShapes[static_cast<std::size_t>(spec.source)];
        Operand& operand = out_.operands[i];
        operand.access = spec.access & 3u;
        if (shape.place == OperandPlace::in_stream) {
            take_from_stream(spec, operand);
            continue;
        }
        const bool either = shape.place == OperandPlace::in_register_or_memory;
        if (shape.place == OperandPlace::in_memory || (either && !register_form())) {
            operand.kind = OperandKind::memory;
            operand.size = bytes(spec.size, 0);
            continue;
        }
        const u8 number = static_cast<u8>(numbers[static_cast<std::size_t>(shape.number)] | spec.value);
        operand.kind = shape.kind;
        operand.reg = number;
        operand.size = bytes(spec.size, SizeContext::kInRegister);
        good &= ((shape.valid >> number) & 1u) != 0;
        const bool gpr = shape.kind == OperandKind::gpr;
        // AH, CH, DH, BH; with REX the numbers 4-7 are SPL..DIL.
        const bool high = gpr && operand.size == 1 && out_.rex == 0 && (number & 4u) != 0;
        operand.is_high = high;
        operand.gpr_offset = static_cast<u8>(gpr ? 8 * number - (high ? 31 : 0) : 0);
    }
    return good;
}

/// Rules that span operands and prefixes; called when everything has been taken.
bool Decoder::valid(const Row& row) const {
    if (out_.lock) {
        const bool memory = out_.operands[0].kind == OperandKind::memory;
        if ((row.attributes & kLockable) == 0 || !memory) return false;
    }
    if (!mode_.protected_mode && (row.attributes & kProtectedOnly) != 0) return false;
    if (out_.vex && (row.attributes & kUsesVvvv) == 0 && out_.vex_vvvv != 0) return false;
    if ((row.attributes & kVsib) != 0) {
        const u8 destination = out_.operands[0].reg;
        const u8 mask = out_.operands[2].reg;
        if (out_.address_size == 2 || rm_field() != 4 || destination == mask || destination == out_.index ||
            mask == out_.index) {
            return false;
        }
    }
    return true;
}

bool Decoder::run() {
    if (!take_prefixes()) return false;
    const u8 first = *at_;
    bool good = true;
    if ((first == 0xC4 || first == 0xC5) && (long_ || (mode_.protected_mode && at_[1] >= 0xC0))) {
        ++at_;
        good = take_vex(first);
        set_sizes();
        if (!good) return false;
    } else {
        take_opcode();
        set_sizes();
    }
    const Row* row = select_row();
    if (row == nullptr) return false;
    out_.mnemonic = row->mnemonic;
    if ((row->attributes & kConditional) != 0) out_.condition = out_.opcode & 15u;
    set_operand_size(*row);
    if (out_.has_modrm && !register_form() && (row->attributes & kIgnoresMod) == 0) take_memory(*row);
    good = take_operands(*row);
    return good && valid(*row);
}

/// Copied from memory: building it in place makes partial stores that the next loads stall on.
constexpr Instruction kBlank{};

}  // namespace

DecodeStatus decode(std::span<const u8> bytes, const DecodeMode& mode, Instruction& out) {
    out = kBlank;
    const u8* code = bytes.data();
    u8 window[kWindow];
    if (bytes.size() < kWindow) {
        std::memset(window, 0, sizeof window);
        if (!bytes.empty()) std::memcpy(window, bytes.data(), bytes.size());
        code = window;
    }
    Decoder decoder(code, mode, out);
    const bool good = decoder.run();
    const std::size_t length = decoder.looked_at();
    if (length > bytes.size() && bytes.size() < kMaxLength) return DecodeStatus::truncated;
    if (length > kMaxLength || decoder.only_prefixes()) return DecodeStatus::too_long;
    out.length = length & 15u;
    return good ? DecodeStatus::ok : DecodeStatus::invalid;
}

}  // namespace bantam::isa
