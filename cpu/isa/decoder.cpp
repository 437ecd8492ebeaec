// The decoder: prefixes, opcode, ModRM, SIB, displacement and immediates of one instruction, driven by the maps that
// table.cpp computes from the rows. SDM vol. 2, chapter 2. What bytes mean follows Intel processors: in 64-bit mode
// near branches ignore 66h, and an instruction of a feature the model lacks is invalid.
#include "cpu/isa/decoder.h"

#include <cstring>
#include <utility>

#include "cpu/isa/decoder_map.h"

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
    [[nodiscard]] u8 reg_field() const { return static_cast<u8>((out_.modrm >> 3) & 7u); }
    [[nodiscard]] u8 rm_field() const { return static_cast<u8>(out_.modrm & 7u); }
    [[nodiscard]] bool register_form() const { return out_.modrm >= 0xC0; }

    bool take_prefixes();
    bool take_vex(u8 first);
    void take_opcode();
    [[nodiscard]] const Row* select_row();
    template <u16 kSelector>
    [[nodiscard]] unsigned selector_value() const;
    template <std::size_t... kIndex>
    [[nodiscard]] unsigned cell_of(u16 selectors, std::index_sequence<kIndex...> indices) const;
    void set_sizes();
    void set_operand_size(const Row& row);
    void take_memory(const Row& row);
    void take_memory16();
    void take_displacement(unsigned mod, bool wide);
    [[nodiscard]] bool take_operands(const Row& row);
    [[nodiscard]] bool take_operand(const OperandSpec& spec, Operand& operand);
    void set_gpr(Operand& operand, u8 number, u8 size) const;
    void take_immediate(Operand& operand, u8 size, bool is_signed);
    [[nodiscard]] u8 size_in_memory(SizeCode code) const;
    [[nodiscard]] u8 size_in_register(SizeCode code) const;
    [[nodiscard]] bool valid(const Row& row) const;

    const u8* code_;
    const u8* at_;
    const DecodeMode& mode_;
    Instruction& out_;
    bool long_;
    bool address_prefix_ = false;
    bool only_prefixes_ = false;
    u8 prefix_selector_ = kSelectNone;
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
                    out_.segment = segment;
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
    const bool prefix66 = out_.operand_size_prefix;
    switch (mode_.code_size) {
        case CodeSize::bits16:
            raw_operand_size_ = prefix66 ? 4 : 2;
            out_.address_size = address_prefix_ ? 4 : 2;
            break;
        case CodeSize::bits32:
            raw_operand_size_ = prefix66 ? 2 : 4;
            out_.address_size = address_prefix_ ? 2 : 4;
            break;
        case CodeSize::bits64:
            raw_operand_size_ = rex_bit(3) != 0 ? 8 : prefix66 ? 2 : 4;
            out_.address_size = address_prefix_ ? 4 : 8;
            break;
    }
    out_.address_mask = ~u64{0} >> (64 - 8 * out_.address_size);
}

template <u16 kSelector>
unsigned Decoder::selector_value() const {
    if constexpr (kSelector == kByPrefix) return prefix_selector_;
    if constexpr (kSelector == kByMod) return register_form() ? 1 : 0;
    if constexpr (kSelector == kByReg) return reg_field();
    if constexpr (kSelector == kByRm) return rm_field();
    if constexpr (kSelector == kByLength) return out_.vex_l ? 1 : 0;
    if constexpr (kSelector == kByW) return rex_bit(3);
    if constexpr (kSelector == kByOperandSize) return raw_operand_size_ >> 2;
    if constexpr (kSelector == kByAddressSize) return out_.address_size >> 2;
    if constexpr (kSelector == kByRexB) return rex_bit(0);
    return long_ ? 1 : 0;
}

/// The cell of an opcode whose row depends on `selectors`: their values side by side, in the order of kSelectorShapes.
template <std::size_t... kIndex>
unsigned Decoder::cell_of(u16 selectors, std::index_sequence<kIndex...> /*unused*/) const {
    unsigned cell = 0;
    unsigned shift = 0;
    const auto add = [&](unsigned value, unsigned bits) {
        cell |= value << shift;
        shift += bits;
    };
    (((selectors & kSelectorShapes[kIndex].selector) != 0
          ? add(selector_value<kSelectorShapes[kIndex].selector>(), kSelectorShapes[kIndex].bits)
          : static_cast<void>(0)),
     ...);
    return cell;
}

const Row* Decoder::select_row() {
    const OpcodeEntry& entry = kOpcodes[space_of(out_.vex, out_.opcode_map) * 256 + out_.opcode];
    if (entry.first_cell == 0) return nullptr;
    if (entry.has_modrm) {
        out_.has_modrm = true;
        out_.modrm = take<u8>();
    }
    const unsigned cell =
        entry.selectors == 0 ? 0 : cell_of(entry.selectors, std::make_index_sequence<kSelectorShapes.size()>());
    const u16 index = kCells[entry.first_cell + cell];
    if (index == 0) return nullptr;
    out_.row = index;
    const Row& row = kRowData[index];
    if (mode_.features.has(row.feature)) return &row;
    if ((row.attributes & kElsePlain) == 0 || prefix_selector_ != kSelectF3) return nullptr;
    prefix_selector_ = out_.operand_size_prefix ? kSelect66 : kSelectNone;
    --at_;
    return select_row();
}

void Decoder::set_operand_size(const Row& row) {
    out_.operand_size = raw_operand_size_;
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
        const u8 index = static_cast<u8>(((sib >> 3) & 7u) | rex_bit(1) << 3);
        if (index != 4 || (row.attributes & kVsib) != 0) out_.index = index;
        if ((sib & 7u) == 5 && mod == 0) {
            wide = true;
        } else {
            out_.base = static_cast<u8>((sib & 7u) | rex_bit(0) << 3);
        }
    } else if (rm == 5 && mod == 0) {
        wide = true;
        if (long_) out_.base = kSlotRip;
    } else {
        out_.base = static_cast<u8>(rm | rex_bit(0) << 3);
    }
    take_displacement(mod, wide);
    if ((out_.base == 4 || out_.base == 5) && !out_.has_segment_override) out_.segment = 2;
}

u8 Decoder::size_in_memory(SizeCode code) const {
    const u8 size = out_.operand_size;
    const u8 vector = out_.vex_l ? 32 : 16;
    switch (code) {
        case SizeCode::b:
        case SizeCode::reg_d_mem_b:
            return 1;
        case SizeCode::w:
        case SizeCode::reg_v_mem_w:
        case SizeCode::reg_d_mem_w:
            return 2;
        case SizeCode::d:
            return 4;
        case SizeCode::q:
            return 8;
        case SizeCode::dq:
            return 16;
        case SizeCode::qq:
            return 32;
        case SizeCode::t:
            return 10;
        case SizeCode::v:
            return size;
        case SizeCode::z:
            return size == 2 ? 2 : 4;
        case SizeCode::y:
            return long_ && (rex_bit(3) != 0 || size == 8) ? 8 : 4;
        case SizeCode::x:
            return vector;
        case SizeCode::h:
            return vector / 2;
        case SizeCode::f:
            return vector / 4;
        case SizeCode::e:
            return vector / 8;
        case SizeCode::p:
            return static_cast<u8>(size + 2);
        case SizeCode::s:
            return long_ ? 10 : 6;
        case SizeCode::a:
            return static_cast<u8>(size * 2);
        case SizeCode::env:
            return size == 2 ? 14 : 28;
        case SizeCode::fpu_state:
            return size == 2 ? 94 : 108;
        case SizeCode::stack:
            return long_ ? 8 : 4;
        case SizeCode::fxsave:
        case SizeCode::none:
            return 0;
    }
    return 0;
}

u8 Decoder::size_in_register(SizeCode code) const {
    switch (code) {
        case SizeCode::reg_v_mem_w:
            return out_.operand_size;
        case SizeCode::reg_d_mem_b:
        case SizeCode::reg_d_mem_w:
            return 4;
        default:
            return size_in_memory(code);
    }
}

void Decoder::set_gpr(Operand& operand, u8 number, u8 size) const {
    operand.kind = OperandKind::gpr;
    operand.size = size;
    operand.reg = number;
    operand.is_high = size == 1 && number >= 4 && number < 8 && out_.rex == 0;
    operand.gpr_offset = static_cast<u8>(operand.is_high ? 8 * (number - 4) + 1 : 8 * number);
}

void Decoder::take_immediate(Operand& operand, u8 size, bool is_signed) {
    operand.kind = OperandKind::immediate;
    u64 value = 0;
    switch (size) {
        case 1:
            value = is_signed ? static_cast<u64>(i64{take<i8>()}) : take<u8>();
            break;
        case 2:
            value = is_signed ? static_cast<u64>(i64{take<i16>()}) : take<u16>();
            break;
        case 4:
            value = is_signed ? static_cast<u64>(i64{take<i32>()}) : take<u32>();
            break;
        default:
            value = take<u64>();
            break;
    }
    if (out_.immediate_size != 0) {  // ENTER's second
        operand.kind = OperandKind::immediate2;
        out_.immediate2 = static_cast<u32>(value);
        return;
    }
    out_.immediate = value;
    out_.immediate_size = size;
}

bool Decoder::take_operand(const OperandSpec& spec, Operand& operand) {
    const u8 extended_reg = static_cast<u8>(reg_field() | rex_bit(2) << 3);
    const u8 extended_rm = static_cast<u8>(rm_field() | rex_bit(0) << 3);
    const auto set = [&operand](OperandKind kind, u8 number, u8 size) {
        operand.kind = kind;
        operand.reg = number;
        operand.size = size;
    };
    const auto set_memory = [&] { set(OperandKind::memory, 0, size_in_memory(spec.size)); };
    operand.access = spec.access;
    switch (spec.source) {
        case OperandSource::none:
            break;
        case OperandSource::rm_gpr:
            if (!register_form()) return set_memory(), true;
            [[fallthrough]];
        case OperandSource::rm_gpr_only:
            set_gpr(operand, extended_rm, size_in_register(spec.size));
            break;
        case OperandSource::reg_gpr:
            set_gpr(operand, extended_reg, size_in_register(spec.size));
            break;
        case OperandSource::opcode_gpr:
            set_gpr(operand, static_cast<u8>((out_.opcode & 7u) | rex_bit(0) << 3), size_in_register(spec.size));
            break;
        case OperandSource::vvvv_gpr:
            set_gpr(operand, static_cast<u8>(out_.vex_vvvv & (long_ ? 15u : 7u)), size_in_register(spec.size));
            break;
        case OperandSource::fixed_gpr:
            set_gpr(operand, spec.value, size_in_register(spec.size));
            break;
        case OperandSource::memory:
        case OperandSource::vsib:
            set_memory();
            break;
        case OperandSource::offset:
            set_memory();
            out_.displacement = out_.address_size == 8   ? take<i64>()
                                : out_.address_size == 4 ? i64{take<u32>()}
                                                         : i64{take<u16>()};
            break;
        case OperandSource::immediate:
            operand.size = size_in_memory(spec.size);
            take_immediate(operand, operand.size, false);
            break;
        case OperandSource::immediate_signed:
            take_immediate(operand, size_in_memory(spec.size), true);
            operand.size = out_.operand_size;
            break;
        case OperandSource::relative:
            take_immediate(operand, size_in_memory(spec.size), true);
            set(OperandKind::relative, 0, out_.immediate_size);
            break;
        case OperandSource::far_pointer:
            take_immediate(operand, out_.operand_size, false);
            out_.immediate2 = take<u16>();
            set(OperandKind::far_pointer, 0, size_in_memory(SizeCode::p));
            break;
        case OperandSource::reg_segment:
            set(OperandKind::segment, reg_field(), 2);
            return reg_field() < 6;
        case OperandSource::fixed_segment:
            set(OperandKind::segment, spec.value, 2);
            break;
        case OperandSource::reg_control:
            set(OperandKind::control, extended_reg, long_ ? 8 : 4);
            return extended_reg == 0 || (extended_reg >= 2 && extended_reg <= 4) || extended_reg == 8;
        case OperandSource::reg_debug:
            set(OperandKind::debug, extended_reg, long_ ? 8 : 4);
            return extended_reg < 8;
        case OperandSource::reg_mmx:
            set(OperandKind::mmx, reg_field(), size_in_register(spec.size));
            break;
        case OperandSource::rm_mmx:
            if (!register_form()) return set_memory(), true;
            [[fallthrough]];
        case OperandSource::rm_mmx_only:
            set(OperandKind::mmx, rm_field(), size_in_register(spec.size));
            break;
        case OperandSource::reg_vector:
            set(OperandKind::vector, extended_reg, size_in_register(spec.size));
            break;
        case OperandSource::rm_vector:
            if (!register_form()) return set_memory(), true;
            [[fallthrough]];
        case OperandSource::rm_vector_only:
            set(OperandKind::vector, extended_rm, size_in_register(spec.size));
            break;
        case OperandSource::vvvv_vector:
            set(OperandKind::vector, static_cast<u8>(out_.vex_vvvv & (long_ ? 15u : 7u)), size_in_register(spec.size));
            break;
        case OperandSource::immediate_vector: {
            Operand ignored;
            take_immediate(ignored, 1, false);
            set(OperandKind::vector, static_cast<u8>(out_.immediate >> 4 & (long_ ? 15u : 7u)),
                size_in_register(spec.size));
            break;
        }
        case OperandSource::fixed_vector:
            set(OperandKind::vector, spec.value, 16);
            break;
        case OperandSource::st0:
            set(OperandKind::x87, 0, 10);
            break;
        case OperandSource::st_rm:
            set(OperandKind::x87, rm_field(), 10);
            break;
        case OperandSource::constant:
            set(OperandKind::constant, spec.value, 1);
            break;
    }
    return true;
}

bool Decoder::take_operands(const Row& row) {
    out_.operand_count = row.operand_count;
    bool good = true;
    for (unsigned i = 0; i < row.operand_count; ++i) good &= take_operand(row.operands[i], out_.operands[i]);
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

}  // namespace

DecodeStatus decode(std::span<const u8> bytes, const DecodeMode& mode, Instruction& out) {
    out = Instruction{};
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
    out.length = static_cast<u8>(length);
    return good ? DecodeStatus::ok : DecodeStatus::invalid;
}

}  // namespace bantam::isa
