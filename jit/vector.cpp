// See instructions.h. The host executes the guest's instruction on the guest's own registers; it raises no
// floating-point exception because all are masked (jit/translation_key.h), and waits for no pending one because then
// none is.
#include "cpu/host/extended_state.h"
#include "cpu/host/reencode.h"
#include "cpu/host/thunk.h"
#include "cpu/host/x87_unit.h"
#include "cpu/isa/table.h"
#include "jit/instructions.h"

namespace bantam::jit {
namespace {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;
using isa::OperandSource;

constexpr u32 kAnyUnit = isa::kX87 | isa::kMmx | isa::kSse | isa::kAvx;

/// Whether the host may execute `i` where it stands: it has a thunk, so the mode allows it and the host knows it, and
/// no exception can come of it.
bool executable(const Emitter& e, const Instruction& i, u32 attributes) {
    if ((attributes & kAnyUnit) == 0 || i.thunk == nullptr) return false;
    if ((attributes & (isa::kX87 | isa::kMmx)) != 0 && !e.native_x87()) return false;
    return !host::uses_mxcsr(i) || simd_masked(e.key());
}

/// X87 instructions that do not set the instruction pointer (cpu/host/x87_unit.h).
bool keeps_x87_pointer(Mnemonic mnemonic) {
    switch (mnemonic) {
        case Mnemonic::Fneni:
        case Mnemonic::Fndisi:
        case Mnemonic::Fnsetpm:
        case Mnemonic::Fnstcw:
        case Mnemonic::Fnstsw:
            return true;
        default:
            return false;
    }
}

/// SHA1 and SHA256 instructions: AMD's processors do not check that their memory operand is aligned.
bool is_sha(Mnemonic mnemonic) { return mnemonic >= Mnemonic::Sha1msg1 && mnemonic <= Mnemonic::Sha256rnds2; }

/// Maps the operands to the host's register fields.
class FieldMapper {
public:
    FieldMapper(Emitter& e, const Instruction& i) : e_(e), i_(i), memory_(i.memory_operand()) {}

    /// Whether every operand has a place; writes nothing.
    [[nodiscard]] bool possible() const {
        if (memory_ != nullptr && (memory_->size == 0 || !e_.addressable(i_, use()))) return false;
        unsigned general = 0;
        for (u8 k = 0; k < i_.operand_count; ++k) {
            const Operand& operand = i_.operands[k];
            if (operand.kind != OperandKind::gpr) continue;
            if (source(k) == OperandSource::fixed_gpr) {
                if (operand.reg > kRdx) return false;  // others have other numbers on the host
            } else if (operand.size < 4 || ++general > 1) {
                return false;
            }
        }
        return true;
    }

    void emit() {
        host::HostFields fields;
        fields.reg = (i_.modrm >> 3) & 7u;
        fields.rm = i_.modrm & 7u;
        if (is_sha(i_.mnemonic)) e_.avoid_windows();
        if (memory_ == nullptr || e_.in_window()) e_.keep_copies();
        if (memory_ != nullptr) map_memory(fields);
        for (u8 k = 0; k < i_.operand_count; ++k) map(i_.operands[k], source(k), fields);
        const host::HostBytes bytes = host::reencode(i_, fields);
        e_.assembler().embed(bytes.all().data(), bytes.all().size());
        if (written_ != nullptr) e_.store_homed(written_->reg, scratch_);
    }

private:
    [[nodiscard]] OperandSource source(u8 k) const { return isa::row_of(i_).operands[k].source; }
    [[nodiscard]] MemoryUse use() const {
        return (memory_->access & isa::kAccessWrite) != 0 ? MemoryUse::write : MemoryUse::read;
    }

    void map_memory(host::HostFields& fields) {
        const x86::Mem at = e_.memory_operand(i_, memory_->size, use(), isa::required_alignment(i_));
        fields.memory = true;
        fields.base = at.hasBase();
        fields.rm = fields.base ? static_cast<u8>(at.baseId()) : host::kNoBase;
        if (at.hasIndex()) fields.index = static_cast<u8>(at.indexId());
        fields.scale = static_cast<u8>(at.shift());
        fields.displacement = at.offsetLo32();
        fields.gs = at.hasSegment();
        fields.modulo_32 = fields.gs && !e_.wide();
        const std::array<u32, 2> taken{at.baseId(), at.indexId()};
        if (e_.keeps_copies()) scratch_ = e_.copies().place(taken).value_or(scratch_);
    }

    void map(const Operand& operand, OperandSource source, host::HostFields& fields) {
        switch (source) {
            case OperandSource::reg_gpr:
                fields.reg = general(operand);
                break;
            case OperandSource::rm_gpr:
            case OperandSource::rm_gpr_only:
                if (operand.kind == OperandKind::gpr) fields.rm = general(operand);
                break;
            case OperandSource::reg_vector:
                fields.reg = operand.reg;
                break;
            case OperandSource::rm_vector:
            case OperandSource::rm_vector_only:
                if (operand.kind == OperandKind::vector) fields.rm = operand.reg;
                break;
            case OperandSource::vvvv_vector:
                fields.vvvv = operand.reg;
                break;
            default:  // implied, in the immediate, or with the same number on the host (MMX, x87)
                break;
        }
    }

    u8 general(const Operand& operand) {
        if ((operand.access & isa::kAccessWrite) == 0) return static_cast<u8>(e_.read_only(operand.reg, scratch_).id());
        written_ = &operand;
        e_.copies().forget(scratch_);
        return static_cast<u8>(e_.read_register(operand.reg, scratch_).id());
    }

    Emitter& e_;
    const Instruction& i_;
    const Operand* memory_;
    const Operand* written_ = nullptr;
    x86::Gp scratch_ = kSpare;  // for the general register, if it is homed
};

}  // namespace

bool translate_vector(Emitter& e, const Instruction& i) {
    // In 64-bit code it is the host's own; in others it leaves YMM8 to YMM15 alone. Its handler says that it is
    // allowed.
    if (e.wide() && i.handler == &host::vzeroupper) {
        e.assembler().vzeroupper();
        return true;
    }
    const u32 attributes = isa::row_of(i).attributes;
    if (!executable(e, i, attributes)) return false;
    FieldMapper mapper(e, i);
    if (!mapper.possible()) return false;
    mapper.emit();
    if ((attributes & isa::kX87) != 0 && !keeps_x87_pointer(i.mnemonic)) e.note_x87_instruction();
    return true;
}

}  // namespace bantam::jit
