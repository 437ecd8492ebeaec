// Builds thunks (see thunk.h): which registers an instruction uses, then load, execute, store.
#include "cpu/host/thunk.h"

#include <cstddef>
#include <string_view>

#include "base/bits.h"
#include "cpu/host/emitter.h"
#include "cpu/host/reencode.h"
#include "cpu/isa/table.h"

namespace bantam::host {
namespace {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;
using isa::OperandSource;

constexpr u32 kRaxBit = 1u << 0;
constexpr u32 kRcxBit = 1u << 1;
constexpr u32 kRdxBit = 1u << 2;
constexpr u8 kFirstScratch = 8;
constexpr u8 kScratchCount = 4;
constexpr u8 kBuffer = 6;  // RSI

u32 gpr_slot(unsigned number) { return static_cast<u32>(offsetof(CpuState, gpr)) + 8 * number; }
u32 vector_slot(unsigned number) {
    return static_cast<u32>(offsetof(CpuState, vector)) + number * static_cast<u32>(sizeof(VectorRegister));
}

/// Registers an instruction uses without naming them as operands in the table.
struct Implied {
    u32 gpr_used = 0;  // bit per guest GPR; only RAX, RCX, RDX
    u32 gpr_written = 0;
    bool writes_xmm0 = false;
};

Implied implied_registers(const Instruction& instruction) {
    switch (instruction.mnemonic) {
        case Mnemonic::Pcmpestri:
        case Mnemonic::Vpcmpestri:
            return {kRaxBit | kRdxBit | kRcxBit, kRcxBit, false};
        case Mnemonic::Pcmpestrm:
        case Mnemonic::Vpcmpestrm:
            return {kRaxBit | kRdxBit, 0, true};
        case Mnemonic::Pcmpistri:
        case Mnemonic::Vpcmpistri:
            return {kRcxBit, kRcxBit, false};
        case Mnemonic::Pcmpistrm:
        case Mnemonic::Vpcmpistrm:
            return {0, 0, true};
        case Mnemonic::Mulx:
            return {kRdxBit, 0, false};
        case Mnemonic::Mul:
        case Mnemonic::Div:
        case Mnemonic::Idiv:
            return {kRaxBit | kRdxBit, kRaxBit | kRdxBit, false};
        case Mnemonic::Imul:
            if (instruction.operand_count > 1) return {};
            return {kRaxBit | kRdxBit, kRaxBit | kRdxBit, false};
        case Mnemonic::Cmpxchg:
            return {kRaxBit, kRaxBit, false};
        case Mnemonic::Cbw:
        case Mnemonic::Cwde:
        case Mnemonic::Cdqe:
            return {kRaxBit, kRaxBit, false};
        case Mnemonic::Cwd:
        case Mnemonic::Cdq:
        case Mnemonic::Cqo:
            return {kRaxBit | kRdxBit, kRdxBit, false};
        case Mnemonic::Lahf:
            return {kRaxBit, kRaxBit, false};
        case Mnemonic::Sahf:
            return {kRaxBit, 0, false};
        default:
            return {};
    }
}

/// Vector and x87 instructions that read or write the status flags.
bool touches_flags(Mnemonic mnemonic) {
    switch (mnemonic) {
        case Mnemonic::Comisd:
        case Mnemonic::Comiss:
        case Mnemonic::Ucomisd:
        case Mnemonic::Ucomiss:
        case Mnemonic::Vcomisd:
        case Mnemonic::Vcomiss:
        case Mnemonic::Vucomisd:
        case Mnemonic::Vucomiss:
        case Mnemonic::Ptest:
        case Mnemonic::Vptest:
        case Mnemonic::Vtestpd:
        case Mnemonic::Vtestps:
        case Mnemonic::Pcmpestri:
        case Mnemonic::Pcmpestrm:
        case Mnemonic::Pcmpistri:
        case Mnemonic::Pcmpistrm:
        case Mnemonic::Vpcmpestri:
        case Mnemonic::Vpcmpestrm:
        case Mnemonic::Vpcmpistri:
        case Mnemonic::Vpcmpistrm:
        case Mnemonic::Fcmovb:
        case Mnemonic::Fcmovbe:
        case Mnemonic::Fcmove:
        case Mnemonic::Fcmovnb:
        case Mnemonic::Fcmovnbe:
        case Mnemonic::Fcmovne:
        case Mnemonic::Fcmovnu:
        case Mnemonic::Fcmovu:
        case Mnemonic::Fcomi:
        case Mnemonic::Fcomip:
        case Mnemonic::Fucomi:
        case Mnemonic::Fucomip:
            return true;
        default:
            return false;
    }
}

/// Host-class instructions a thunk cannot run: implied memory or stack, DF, or a memory operand that is not one.
bool excluded(const Instruction& instruction) {
    switch (instruction.mnemonic) {
        case Mnemonic::Lea:
        case Mnemonic::Xlat:
        case Mnemonic::Cld:
        case Mnemonic::Std:
        case Mnemonic::Cmpxchg8b:
        case Mnemonic::Cmpxchg16b:
        case Mnemonic::Nop:
            return true;
        case Mnemonic::Bt:
        case Mnemonic::Btc:
        case Mnemonic::Btr:
        case Mnemonic::Bts:  // with a register index the bit may lie outside the operand
            return instruction.memory_operand() != nullptr && instruction.operands[1].kind == OperandKind::gpr;
        default:
            return false;
    }
}

class Builder {
public:
    explicit Builder(const Instruction& instruction)
        : instruction_(instruction), row_(isa::row_of(instruction)), implied_(implied_registers(instruction)) {}

    /// False when the instruction cannot be expressed.
    bool run(const void* host_mxcsr);
    [[nodiscard]] std::span<const u8> code() const { return emitter_.code(); }

private:
    struct Renamed {
        u8 guest = 0;  // register number
        bool high = false;
        bool written = false;
    };

    bool collect();
    bool collect(const Operand& operand, OperandSource source);
    u8 rename(const Operand& operand);
    void use_vector(const Operand& operand);
    void load();
    void execute();
    void store();

    const Instruction& instruction_;
    const isa::Row& row_;
    Implied implied_;
    Emitter emitter_;
    std::array<Renamed, kScratchCount> renamed_{};
    u8 renamed_count_ = 0;
    u32 vectors_used_ = 0;
    u32 vectors_written_ = 0;
    u32 fixed_used_ = 0;
    u32 fixed_written_ = 0;
    bool flags_ = false;
    bool mxcsr_ = false;
    HostFields fields_;
};

u8 Builder::rename(const Operand& operand) {
    const bool written = (operand.access & isa::kAccessWrite) != 0;
    if (operand.size == 1) fields_.byte_register = true;
    const u8 guest = static_cast<u8>(operand.gpr_offset / 8);
    if (!operand.is_high && ((fixed_used_ >> guest) & 1u) != 0) {
        if (written) fixed_written_ |= 1u << guest;
        return guest;
    }
    for (u8 i = 0; i < renamed_count_; ++i) {
        if (renamed_[i].guest != guest || renamed_[i].high != operand.is_high) continue;
        renamed_[i].written |= written;
        return static_cast<u8>(kFirstScratch + i);
    }
    renamed_[renamed_count_] = {guest, operand.is_high, written};
    return static_cast<u8>(kFirstScratch + renamed_count_++);
}

void Builder::use_vector(const Operand& operand) {
    vectors_used_ |= 1u << operand.reg;
    if ((operand.access & isa::kAccessWrite) != 0) vectors_written_ |= 1u << operand.reg;
}

bool Builder::collect(const Operand& operand, OperandSource source) {
    switch (source) {
        case OperandSource::rm_gpr:
        case OperandSource::rm_gpr_only:
            if (operand.kind == OperandKind::gpr) fields_.rm = rename(operand);
            break;
        case OperandSource::reg_gpr:
            fields_.reg = rename(operand);
            break;
        case OperandSource::vvvv_gpr:
            fields_.vvvv = rename(operand);
            break;
        case OperandSource::opcode_gpr:
            fields_.opcode_register = rename(operand);
            break;
        case OperandSource::fixed_gpr:
            if ((operand.access & isa::kAccessWrite) != 0) fixed_written_ |= 1u << operand.reg;
            break;
        case OperandSource::reg_vector:
            use_vector(operand);
            fields_.reg = operand.reg;
            break;
        case OperandSource::rm_vector:
        case OperandSource::rm_vector_only:
            if (operand.kind != OperandKind::vector) break;
            use_vector(operand);
            fields_.rm = operand.reg;
            break;
        case OperandSource::vvvv_vector:
            use_vector(operand);
            fields_.vvvv = operand.reg;
            break;
        case OperandSource::immediate_vector:
        case OperandSource::fixed_vector:
            use_vector(operand);
            break;
        case OperandSource::none:
        case OperandSource::memory:
        case OperandSource::immediate:
        case OperandSource::immediate_signed:
        case OperandSource::reg_mmx:
        case OperandSource::rm_mmx:
        case OperandSource::rm_mmx_only:
        case OperandSource::st0:
        case OperandSource::st_rm:
        case OperandSource::constant:
            break;
        default:
            return false;
    }
    return operand.kind != OperandKind::memory || operand.size != 0;
}

bool Builder::collect() {
    fixed_used_ = implied_.gpr_used;
    fixed_written_ = implied_.gpr_written;
    fields_.memory = instruction_.memory_operand() != nullptr;
    fields_.reg = (instruction_.modrm >> 3) & 7u;
    fields_.rm = fields_.memory ? kBuffer : instruction_.modrm & 7u;
    for (unsigned i = 0; i < instruction_.operand_count; ++i) {
        const Operand& operand = instruction_.operands[i];
        if (row_.operands[i].source != OperandSource::fixed_gpr) continue;
        if (operand.reg > 2) return false;
        fixed_used_ |= 1u << operand.reg;
    }
    for (unsigned i = 0; i < instruction_.operand_count; ++i) {
        if (!collect(instruction_.operands[i], row_.operands[i].source)) return false;
    }
    if (implied_.writes_xmm0) {
        vectors_used_ |= 1;
        vectors_written_ |= 1;
    }
    constexpr u32 kFloatingState = isa::kX87 | isa::kMmx | isa::kSse | isa::kAvx;
    flags_ = (row_.attributes & kFloatingState) == 0 || touches_flags(instruction_.mnemonic);
    mxcsr_ = uses_mxcsr(instruction_);
    return true;
}

void Builder::load() {
    if (flags_) emitter_.load_status(offsetof(CpuState, status));
    for (unsigned number = 0; number < 3; ++number) {
        if (((fixed_used_ >> number) & 1u) != 0) emitter_.load(number, gpr_slot(number));
    }
    for (u8 i = 0; i < renamed_count_; ++i) {
        const Renamed& r = renamed_[i];
        if (r.high) {
            emitter_.load_byte(kFirstScratch + i, gpr_slot(r.guest) + 1);
        } else {
            emitter_.load(kFirstScratch + i, gpr_slot(r.guest));
        }
    }
    if (mxcsr_) emitter_.ldmxcsr(offsetof(CpuState, mxcsr));
    for (unsigned number = 0; number < 16; ++number) {
        if (((vectors_used_ >> number) & 1u) == 0) continue;
        if (instruction_.vex) {
            emitter_.load_vex(number, instruction_.vex_l, vector_slot(number));
        } else {
            emitter_.load_xmm(number, vector_slot(number));
        }
    }
}

void Builder::execute() {
    const HostBytes bytes = reencode(instruction_, fields_);
    for (const u8 byte : bytes.all()) emitter_.byte(byte);
}

void Builder::store() {
    for (unsigned number = 0; number < 16; ++number) {
        if (((vectors_written_ >> number) & 1u) == 0) continue;
        if (instruction_.vex) {
            emitter_.store_ymm(number, vector_slot(number));
        } else {
            emitter_.store_xmm(number, vector_slot(number));
        }
    }
    for (unsigned number = 0; number < 3; ++number) {
        if (((fixed_written_ >> number) & 1u) != 0) emitter_.store(number, gpr_slot(number));
    }
    for (const bool high : {false, true}) {
        for (u8 i = 0; i < renamed_count_; ++i) {
            const Renamed& r = renamed_[i];
            if (!r.written || r.high != high) continue;
            if (high) {
                emitter_.store_byte(kFirstScratch + i, gpr_slot(r.guest) + 1);
            } else {
                emitter_.store(kFirstScratch + i, gpr_slot(r.guest));
            }
        }
    }
    if (flags_) emitter_.store_status(offsetof(CpuState, status));
}

bool Builder::run(const void* host_mxcsr) {
    if (!collect()) return false;
    load();
    execute();
    store();
    if (mxcsr_) {
        emitter_.stmxcsr(offsetof(CpuState, mxcsr));
        emitter_.ldmxcsr_absolute(host_mxcsr);
    }
    if (instruction_.vex && instruction_.vex_l) emitter_.vzeroupper();
    emitter_.clear_eax();
    emitter_.ret();
    return true;
}

}  // namespace

bool uses_mxcsr(const isa::Instruction& instruction) {
    if ((isa::row_of(instruction).attributes & (isa::kSse | isa::kAvx)) == 0) return false;
    std::string_view name = isa::mnemonic_name(instruction.mnemonic);
    if (name.starts_with('v')) name.remove_prefix(1);
    constexpr std::string_view kArithmetic[] = {
        "addp", "adds", "addsub", "subp",  "subs",   "mulp", "muls",  "divp", "divs", "minp", "mins", "maxp", "maxs",
        "sqrt", "cmpp", "cmps",   "comis", "ucomis", "cvt",  "round", "dpp",  "hadd", "hsub", "fm",   "fnm"};
    for (const std::string_view stem : kArithmetic) {
        if (name.starts_with(stem)) return true;
    }
    return false;
}

ThunkCache::Key ThunkCache::key_of(const isa::Instruction& i) {
    const bool memory = i.memory_operand() != nullptr;
    Key key;
    const auto append = [&key](u64 value, unsigned width) { key.encoding = key.encoding << width | value; };
    append(i.row, 16);
    append(i.opcode, 8);
    append(memory ? i.modrm & 0x38u : i.modrm, 8);
    append(memory ? 1 : 0, 1);
    append(memory ? i.rex & 0x4Cu : i.rex, 7);
    append(i.vex ? 1 : 0, 1);
    append(i.vex_l ? 1 : 0, 1);
    append(i.vex_vvvv, 4);
    append(i.operand_size, 4);
    append(i.operands[0].size, 6);
    key.immediate = i.immediate_size != 0 ? i.immediate : 0;
    return key;
}

const Thunk* ThunkCache::find(const isa::Instruction& instruction) {
    if (excluded(instruction)) return nullptr;
    const Key key = key_of(instruction);
    if (const auto found = index_.find(key); found != index_.end()) return found->second;

    Builder builder(instruction);
    if (!builder.run(arena_->host_mxcsr())) return nullptr;
    const void* code = arena_->add(builder.code());
    CHECK(code != nullptr);
    Thunk thunk;
    thunk.entry = reinterpret_cast<u32 (*)(CpuState*, void*)>(reinterpret_cast<std::uintptr_t>(code));
    if (const Operand* memory = instruction.memory_operand(); memory != nullptr) thunk.memory_size = memory->size;
    thunk.memory_alignment = isa::required_alignment(instruction);
    thunks_.push_back(thunk);
    index_.emplace(key, &thunks_.back());
    return &thunks_.back();
}

void ThunkCache::clear() {
    index_.clear();
    thunks_.clear();
    arena_->clear();
}

}  // namespace bantam::host
