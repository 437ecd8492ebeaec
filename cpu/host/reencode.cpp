// See reencode.h.
#include "cpu/host/reencode.h"

#include "cpu/isa/table.h"

namespace bantam::host {
namespace {

using isa::Instruction;
using isa::Mnemonic;

class Encoder {
public:
    Encoder(const Instruction& instruction, const HostFields& fields)
        : i_(instruction), row_(isa::row_of(instruction)), f_(fields) {}

    HostBytes run() {
        if (f_.gs) out_.byte(0x65);
        if (f_.modulo_32) out_.byte(0x67);
        if (i_.vex) {
            vex();
        } else {
            legacy();
        }
        if (i_.has_modrm) modrm();
        little_endian(i_.immediate, i_.immediate_size);
        return out_;
    }

private:
    void little_endian(u64 value, unsigned bytes) {
        for (unsigned k = 0; k < bytes; ++k) out_.byte(static_cast<unsigned>(value >> (8 * k)) & 0xFFu);
    }

    [[nodiscard]] bool is_selected_by(isa::PrefixSelector prefix) const { return row_.prefixes == 1u << prefix; }

    /// The host's default operand size is 32 bits: operand size 16 always needs 66h, whatever the guest's default is.
    [[nodiscard]] bool word_operands() const {
        if ((row_.attributes & (isa::kX87 | isa::kMmx | isa::kSse | isa::kAvx)) != 0 || row_.vex) return false;
        if (i_.operands[0].size == 2) return true;
        if (i_.mnemonic == Mnemonic::Crc32) return i_.operands[1].size == 2;
        return i_.operand_count == 0 && i_.operand_size == 2;
    }

    [[nodiscard]] bool opcode_names_register() const {
        return row_.operands[0].source == isa::OperandSource::opcode_gpr ||
               row_.operands[1].source == isa::OperandSource::opcode_gpr;
    }

    /// The register bits that a prefix holds: R = 4, X = 2, B = 1, as in REX.
    [[nodiscard]] unsigned high_bits() const {
        unsigned bits = f_.reg >= 8 ? 4u : 0;
        if (f_.index && *f_.index >= 8) bits |= 2;
        if (f_.rm >= 8 || f_.opcode_register >= 8) bits |= 1;
        return bits;
    }

    void vex() {
        out_.byte(0xC4);
        out_.byte((~high_bits() & 7u) << 5 | i_.opcode_map);
        const unsigned w = (i_.rex & 8u) << 4;
        const unsigned inverted_vvvv = (~static_cast<unsigned>(f_.vvvv) & 15u) << 3;
        out_.byte(w | inverted_vvvv | (i_.vex_l ? 4u : 0u) | i_.vex_pp);
        out_.byte(i_.opcode);
    }

    void legacy() {
        if (word_operands() || is_selected_by(isa::kSelect66)) out_.byte(0x66);
        if (is_selected_by(isa::kSelectF3)) out_.byte(0xF3);
        if (is_selected_by(isa::kSelectF2)) out_.byte(0xF2);
        const unsigned rex = (i_.rex & 8u) | high_bits();
        if (rex != 0 || f_.byte_register) out_.byte(0x40u | rex);
        constexpr std::array<u8, 4> kEscapes = {0, 0, 0x38, 0x3A};
        if (i_.opcode_map != 0) out_.byte(0x0F);
        if (i_.opcode_map > 1) out_.byte(kEscapes[i_.opcode_map]);
        out_.byte(opcode_names_register() ? (i_.opcode & 0xF8u) | (f_.opcode_register & 7u) : i_.opcode);
    }

    void modrm() {
        constexpr unsigned kSib = 4, kNeedsDisplacement = 5;
        const unsigned reg = (f_.reg & 7u) << 3, rm = f_.rm & 7u;
        if (!f_.memory) return out_.byte(0xC0u | reg | rm);
        const bool displaced = f_.base && (f_.displacement != 0 || rm == kNeedsDisplacement);
        const bool sib = f_.index || rm == kSib || !f_.base;  // without a SIB byte, no base is RIP
        out_.byte((displaced ? 0x80u : 0u) | reg | (sib ? kSib : rm));
        if (sib) out_.byte(static_cast<unsigned>(f_.scale) << 6 | (f_.index ? *f_.index & 7u : kSib) << 3 | rm);
        if (displaced || !f_.base) little_endian(static_cast<u32>(f_.displacement), 4);
    }

    const Instruction& i_;
    const isa::Row& row_;
    const HostFields& f_;
    HostBytes out_;
};

}  // namespace

HostBytes reencode(const Instruction& instruction, const HostFields& fields) {
    return Encoder(instruction, fields).run();
}

}  // namespace bantam::host
