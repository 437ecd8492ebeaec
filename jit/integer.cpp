// See instructions.h. An instruction keeps its operation; its registers become those of the register map, homed ones go
// through scratch registers, its memory operand through the soft TLB. LOCK is dropped: one processor runs at a time.
#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bits.h"
#include "cpu/isa/table.h"
#include "jit/instructions.h"

namespace bantam::jit {
namespace {

using asmjit::InstId;
using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

/// Host operations by guest mnemonic; 0 where there is none of that name.
std::vector<InstId> make_operations() {
    std::vector<InstId> operations(static_cast<std::size_t>(Mnemonic::count));
    for (std::size_t mnemonic = 0; mnemonic < operations.size(); ++mnemonic) {
        const std::string_view name = isa::mnemonic_name(static_cast<Mnemonic>(mnemonic));
        operations[mnemonic] = asmjit::InstAPI::stringToInstId(asmjit::Arch::kX64, name.data(), name.size());
    }
    return operations;
}

/// Whether the host's divisions leave all status flags alone, as the interpreter's do. They are undefined; most
/// processors since 2013 do, AMD's family 1Ah (Zen 5) does not.
bool divisions_keep_flags() {
    const auto keeps = [](u64 flags) {
        u64 after = 0;
        asm volatile(
            "pushq %1\n\tpopfq\n\tmovl $7, %%eax\n\txorq %%rdx, %%rdx\n\tpushq %1\n\tpopfq\n\tmovl $3, %%ecx\n\t"
            "divl %%ecx\n\tmovl $-7, %%eax\n\tmovl $-1, %%edx\n\tidivl %%ecx\n\tmovq $9, %%rax\n\tmovl $0, %%edx\n\t"
            "divq %%rcx\n\tpushfq\n\tpopq %0"
            : "=r"(after)
            : "r"(flags)
            : "rax", "rcx", "rdx", "cc", "memory");
        return ((after ^ flags) & kStatusFlags) == 0;
    };
    constexpr u64 kReservedAndInterrupt = kFlagReserved1 | kFlagInterrupt;
    return keeps(kReservedAndInterrupt) && keeps(kReservedAndInterrupt | kStatusFlags);
}

bool divides(Mnemonic mnemonic) { return mnemonic == Mnemonic::Div || mnemonic == Mnemonic::Idiv; }

/// The operation that does on the host what `i` does: those which the instruction table calls the host's own
/// (isa::ExecutionClass) and which touch nothing but general registers, flags and memory. 0: another kind.
InstId operation_of(const Instruction& i) {
    static const std::vector<InstId> kOperations = make_operations();
    constexpr u32 kOthers = isa::kEndsBlock | isa::kPrivileged | isa::kIo | isa::kString | isa::kTraps |
                            isa::kSegmentLoad | isa::kX87 | isa::kMmx | isa::kSse | isa::kAvx;
    const isa::Row& row = isa::row_of(i);
    if (divides(i.mnemonic)) return kOperations[static_cast<std::size_t>(i.mnemonic)];
    if (isa::execution_class(row) != isa::ExecutionClass::host || (row.attributes & kOthers) != 0) return 0;
    const auto condition = static_cast<x86::CondCode>(i.condition);
    if (i.mnemonic == Mnemonic::Setcc) return x86::Inst::setccFromCond(condition);
    if (i.mnemonic == Mnemonic::Cmovcc) return x86::Inst::cmovccFromCond(condition);
    return kOperations[static_cast<std::size_t>(i.mnemonic)];
}

/// Forms that are left to the handlers: moves between equal sizes, undefined BSWAP.
bool unusual(const Instruction& i) {
    const Operand& first = i.operands[0];
    const Operand& second = i.operands[1];
    switch (i.mnemonic) {
        case Mnemonic::Bswap:
            return first.size == 2;
        case Mnemonic::Movsx:
        case Mnemonic::Movzx:
            return first.size <= second.size;
        case Mnemonic::Movsxd:
            return first.size != 8;
        default:
            return false;
    }
}

/// XOR or SUB of a register and itself: its value does not matter.
bool zeroes(const Instruction& i) {
    const Operand& first = i.operands[0];
    const Operand& second = i.operands[1];
    return (i.mnemonic == Mnemonic::Xor || i.mnemonic == Mnemonic::Sub) && first.kind == OperandKind::gpr &&
           second.kind == OperandKind::gpr && first.reg == second.reg && first.is_high == second.is_high;
}

/// Whether the host's instruction of `i` may have memory in place of its register operand `k`, and does the same.
bool may_be_memory(const Instruction& i, u8 k) {
    switch (i.mnemonic) {
        case Mnemonic::Adc:
        case Mnemonic::Add:
        case Mnemonic::And:
        case Mnemonic::Cmp:
        case Mnemonic::Or:
        case Mnemonic::Sbb:
        case Mnemonic::Sub:
        case Mnemonic::Xor:
            return true;  // exist in both directions
        case Mnemonic::Mov: {
            const auto value = static_cast<i64>(i.immediate);
            return i.operands[1].kind == OperandKind::gpr || value == static_cast<i32>(value);
        }
        case Mnemonic::Bt:  // count from there
        case Mnemonic::Btc:
        case Mnemonic::Btr:
        case Mnemonic::Bts:
        case Mnemonic::Cmpxchg:  // PERF: lock the bus, or nearly
        case Mnemonic::Xadd:
        case Mnemonic::Xchg:
            return false;
        default:
            return isa::row_of(i).operands[k].source == isa::OperandSource::rm_gpr;
    }
}

/// The operands of one instruction on their way to the host's.
class OperandMapper {
public:
    OperandMapper(Emitter& e, const Instruction& i) : e_(e), i_(i) {
        for (u8 k = 0; k < i.operand_count; ++k) {
            if (i.operands[k].kind == OperandKind::memory) memory_ = &i.operands[k];
        }
    }

    /// Whether every operand has a place; writes nothing.
    [[nodiscard]] bool possible() const {
        if (memory_ != nullptr) {
            const bool writes = (memory_->access & isa::kAccessWrite) != 0;
            if (memory_->size == 0 || memory_->size > 8) return false;
            if (!e_.addressable(i_, writes ? MemoryUse::write : MemoryUse::read)) return false;
        }
        for (u8 k = 0; k < i_.operand_count; ++k) {
            const Operand& operand = i_.operands[k];
            switch (operand.kind) {
                case OperandKind::memory:
                case OperandKind::constant:
                    break;
                case OperandKind::immediate:
                    if (i_.reads_immediate && !spare_is_free()) return false;
                    break;
                case OperandKind::gpr:
                    if (operand.is_high && (operand.access & isa::kAccessWrite) != 0 && needs_rex()) return false;
                    break;
                default:
                    return false;
            }
        }
        return true;
    }

    void emit(InstId operation) {
        std::array<asmjit::Operand, 5> host;
        if (!divides(i_.mnemonic) && (memory_ == nullptr || (e_.in_window() && !uses_two_homed()))) e_.keep_copies();
        if (memory_ != nullptr) {
            map_memory();
        } else if (!zeroes(i_)) {
            in_place_ = homed_in_place();
        }
        for (u8 k = 0; k < i_.operand_count; ++k) host[k] = map(i_.operands[k]);
        e_.assembler().emitOpArray(operation, host.data(), i_.operand_count);
        if (in_place_ != nullptr && (in_place_->access & isa::kAccessWrite) != 0)
            e_.copies().forget_guest(in_place_->reg);
        for (unsigned k = 0; k < homed_count_; ++k) {
            if (homed_[k].written) e_.store_homed(homed_[k].guest, homed_[k].scratch);
        }
    }

private:
    struct Homed {
        u8 guest;
        bool written;
        x86::Gp scratch;
    };

    /// Whether the host encoding has a REX prefix, which excludes AH, CH, DH and BH.
    [[nodiscard]] bool needs_rex() const {
        if (memory_ != nullptr) return true;
        for (u8 k = 0; k < i_.operand_count; ++k) {
            const Operand& operand = i_.operands[k];
            if (operand.kind != OperandKind::gpr || operand.is_high) continue;
            if (operand.reg >= 8 || operand.reg == kRsp || operand.size == 8) return true;
            if (operand.size == 1 && operand.reg >= 4) return true;
        }
        return false;
    }

    /// The operand, a homed register, that the host's instruction can use where it is in memory. PERF: registers are
    /// written there whole, so that reading them back never waits for the store.
    [[nodiscard]] const Operand* homed_in_place() const {
        for (u8 k = 0; k < i_.operand_count; ++k) {
            const Operand& operand = i_.operands[k];
            const bool whole = (operand.access & isa::kAccessWrite) == 0 || operand.size == 8;
            if (operand.kind == OperandKind::gpr && is_homed(operand.reg) && whole && may_be_memory(i_, k) &&
                !deserves_copy(operand))
                return &operand;
        }
        return nullptr;
    }

    /// Whether a homed register is better used in a scratch register.
    [[nodiscard]] bool deserves_copy(const Operand& operand) const {
        return e_.keeps_copies() && (e_.copies().find(operand.reg) || e_.read_soon(operand.reg));
    }

    /// Whether nothing of what is in the register of `operand`, a homed one, matters.
    [[nodiscard]] bool is_replaced(const Operand& operand) const {
        if (zeroes(i_)) return operand.size >= 4;
        const auto reads_it = [&operand](const Operand& other) {
            return other.kind == OperandKind::gpr && other.reg == operand.reg &&
                   ((other.access & isa::kAccessRead) != 0 || other.size < 4);
        };
        return std::none_of(i_.operands.begin(), i_.operands.begin() + i_.operand_count, reads_it);
    }

    /// What an immediate that is read from memory needs.
    [[nodiscard]] bool spare_is_free() const {
        const Operand& first = i_.operands[0];
        return first.kind == OperandKind::memory || (!is_homed(first.reg) && !first.is_high);
    }

    [[nodiscard]] bool uses_two_homed() const {
        u32 seen = 0;
        for (u8 k = 0; k < i_.operand_count; ++k) {
            if (i_.operands[k].kind == OperandKind::gpr && is_homed(i_.operands[k].reg))
                seen |= 1u << i_.operands[k].reg;
        }
        return (seen & (seen - 1)) != 0;
    }

    void map_memory() {
        const bool writes = (memory_->access & isa::kAccessWrite) != 0;
        if (uses_two_homed()) e_.avoid_windows();
        host_memory_ = e_.memory_operand(i_, memory_->size, writes ? MemoryUse::write : MemoryUse::read);
        if (!uses_two_homed()) return;
        // Frees kAddend for the second.
        e_.assembler().lea(kAddress, host_memory_);
        host_memory_ = x86::ptr(kAddress, 0, memory_->size);
    }

    asmjit::Operand map(const Operand& operand) {
        switch (operand.kind) {
            case OperandKind::memory:
                return host_memory_;
            case OperandKind::constant:
                return asmjit::imm(operand.reg);
            case OperandKind::gpr:
                return map_register(operand);
            default:
                if (i_.reads_immediate) return map_read_immediate();
                return asmjit::imm(
                    static_cast<i64>(sign_extend(i_.immediate, std::min(8u, unsigned{i_.operands[0].size}))));
        }
    }

    x86::Gp map_read_immediate() {
        const unsigned size = i_.operands[0].size;
        e_.copies().forget(kSpare);
        e_.load_immediate(kSpare, i_, size);
        return Emitter::sized(kSpare, size);
    }

    asmjit::Operand map_register(const Operand& operand) {
        if (&operand == in_place_) return e_.homed_operand(operand.reg, operand.size);
        if (operand.is_high) {
            if (!needs_rex()) return x86::gpb_hi(operand.reg - 4u);
            e_.copies().forget(kSpare);
            e_.assembler().rorx(kSpare.r64(), host_register(operand.reg - 4u), 8);
            return kSpare.r8();
        }
        if (!is_homed(operand.reg)) return Emitter::sized(host_register(operand.reg), operand.size);
        const bool written = (operand.access & isa::kAccessWrite) != 0;
        for (unsigned k = 0; k < homed_count_; ++k) {
            if (homed_[k].guest != operand.reg) continue;
            homed_[k].written |= written;
            return Emitter::sized(homed_[k].scratch, operand.size);
        }
        const x86::Gp scratch = load_homed(operand);
        homed_[homed_count_++] = {operand.reg, written, scratch};
        return Emitter::sized(scratch, operand.size);
    }

    x86::Gp load_homed(const Operand& operand) {
        if (e_.keeps_copies()) {
            if (const std::optional<x86::Gp> copy = e_.copies().find(operand.reg)) return *copy;
        }
        const x86::Gp scratch = unused_scratch();
        e_.copies().forget(scratch);
        if (is_replaced(operand)) return scratch;
        e_.read_register(operand.reg, scratch);
        e_.copies().set(scratch, operand.reg);
        return scratch;
    }

    /// A scratch register that no operand before needs.
    [[nodiscard]] x86::Gp unused_scratch() {
        constexpr std::array kScratch{kSpare, kAddend, kAddress};
        if (!e_.keeps_copies()) return kScratch[homed_count_];
        std::array<u32, 4> taken{host_memory_.baseId(), host_memory_.indexId()};
        for (unsigned k = 0; k < homed_count_; ++k) taken[2 + k] = homed_[k].scratch.id();
        if (const std::optional<x86::Gp> place = e_.copies().place(std::span(taken).first(2 + homed_count_)))
            return *place;
        e_.overwrite_addend();
        return kAddend;
    }

    Emitter& e_;
    const Instruction& i_;
    const Operand* memory_ = nullptr;
    const Operand* in_place_ = nullptr;  // is not loaded, nor stored
    x86::Mem host_memory_;
    std::array<Homed, 3> homed_{};
    unsigned homed_count_ = 0;
};

bool translate_lea(Emitter& e, const Instruction& i) {
    const Operand& destination = i.operands[0];
    const x86::Gp to = is_homed(destination.reg) ? kSpare : host_register(destination.reg);
    if (destination.size >= 4 && i.address_size >= 4) {
        e.keep_copies();
        e.load_offset(i, to, std::min<unsigned>(destination.size, i.address_size));
        e.store_homed(destination.reg, to);
        return true;
    }
    const x86::Gp address = e.effective_offset(i);
    if (is_homed(destination.reg) && destination.size == 2) e.read_register(destination.reg, to);
    e.assembler().mov(Emitter::sized(to, destination.size), Emitter::sized(address, destination.size));
    e.store_homed(destination.reg, to);
    return true;
}

/// BT, BTS, BTR and BTC of a bit string in memory.
bool translate_bit_string(Emitter& e, const Instruction& i, InstId operation) {
    const Operand &string = i.operands[0], &number = i.operands[1];
    const MemoryUse use = i.mnemonic == Mnemonic::Bt ? MemoryUse::read : MemoryUse::write;
    if (e.sixteen() || string.size == 2 || is_homed(number.reg) || !e.addressable(i, use)) return false;
    x86::Assembler& a = e.assembler();
    const x86::Gp word = Emitter::sized(kSpare, string.size);
    const x86::Mem memory = e.bit_string_operand(i, number.reg, string.size, use);
    a.mov(word, memory);
    // A page of a window may turn out not to be writable: before the flags change.
    if (use == MemoryUse::write && e.in_window()) a.mov(memory, word);
    a.emit(operation, word, Emitter::sized(host_register(number.reg), string.size));
    if (use == MemoryUse::write) a.mov(memory, word);
    return true;
}

/// Whether the rest of the block replaces all status flags before anything can see them: by instructions that touch
/// nothing but registers.
bool replaces_flags(std::span<const Instruction> rest) {
    const auto in_register = [](const Operand& o) {
        return o.kind == OperandKind::gpr || o.kind == OperandKind::immediate;
    };
    for (const Instruction& i : rest) {
        const bool in_registers = std::all_of(i.operands.begin(), i.operands.begin() + i.operand_count, in_register);
        if (!in_registers || unusual(i)) return false;
        switch (i.mnemonic) {
            case Mnemonic::Add:
            case Mnemonic::And:
            case Mnemonic::Cmp:
            case Mnemonic::Neg:
            case Mnemonic::Or:
            case Mnemonic::Sub:
            case Mnemonic::Test:
            case Mnemonic::Xor:
                return true;
            case Mnemonic::Mov:
            case Mnemonic::Movsx:
            case Mnemonic::Movsxd:
            case Mnemonic::Movzx:
            case Mnemonic::Not:
                break;
            default:
                return false;
        }
    }
    return false;
}

/// The host's division, which nothing but the division itself may fault in. Where it changes status flags they are kept
/// in Context::spared, if something may see them: AH has what LAHF and SAHF know of them, AL has OF. RAX waits in
/// kSpare, which operands of divisions, read where they are, leave alone.
void divide(Emitter& e, OperandMapper& mapper, InstId operation) {
    static const bool kKeepFlags = divisions_keep_flags();
    e.may_fault();
    if (kKeepFlags || replaces_flags(e.rest_of_block())) return mapper.emit(operation);
    x86::Assembler& a = e.assembler();
    const x86::Mem flags = low_operand(reinterpret_cast<u64>(&e.context().spared), sizeof(u16));
    a.mov(kSpare, x86::rax);
    a.lahf();
    a.seto(x86::al);
    a.mov(flags, x86::ax);
    a.mov(x86::rax, kSpare);
    mapper.emit(operation);
    a.mov(kSpare, x86::rax);
    a.movzx(x86::eax, flags);
    a.add(x86::al, 0x7F);  // overflows if OF was set
    a.sahf();
    a.mov(x86::rax, kSpare);
}

/// CMPXCHG8B and CMPXCHG16B: their registers are the host's of the same names.
bool translate_wide_exchange(Emitter& e, const Instruction& i) {
    if (!e.addressable(i, MemoryUse::write)) return false;
    const bool sixteen_bytes = i.mnemonic == Mnemonic::Cmpxchg16b;
    const x86::Mem memory = e.memory_operand(i, sixteen_bytes ? 16 : 8, MemoryUse::write, sixteen_bytes ? 16 : 1);
    e.assembler().emit(sixteen_bytes ? x86::Inst::kIdCmpxchg16b : x86::Inst::kIdCmpxchg8b, memory);
    return true;
}

bool is_bit_string(const Instruction& i) {
    const bool tests_bit = i.mnemonic == Mnemonic::Bt || i.mnemonic == Mnemonic::Btc || i.mnemonic == Mnemonic::Btr ||
                           i.mnemonic == Mnemonic::Bts;
    return tests_bit && i.operands[0].kind == OperandKind::memory && i.operands[1].kind == OperandKind::gpr;
}

/// Hints, and fences: one thread makes all accesses of the machine in program order.
bool does_nothing(Mnemonic mnemonic) {
    switch (mnemonic) {
        case Mnemonic::Lfence:
        case Mnemonic::Mfence:
        case Mnemonic::Nop:
        case Mnemonic::Prefetch:
        case Mnemonic::Prefetchw:
        case Mnemonic::Sfence:
            return true;
        default:
            return false;
    }
}

}  // namespace

bool translate_integer(Emitter& e, const Instruction& i) {
    if (does_nothing(i.mnemonic)) return true;
    if (i.mnemonic == Mnemonic::Lea) return translate_lea(e, i);
    if (i.mnemonic == Mnemonic::Cmpxchg8b || i.mnemonic == Mnemonic::Cmpxchg16b) return translate_wide_exchange(e, i);
    const InstId operation = operation_of(i);
    if (operation == 0 || unusual(i)) return false;
    if (is_bit_string(i)) return translate_bit_string(e, i, operation);
    OperandMapper mapper(e, i);
    if (!mapper.possible()) return false;
    if (divides(i.mnemonic)) {
        divide(e, mapper, operation);
    } else {
        mapper.emit(operation);
    }
    return true;
}

}  // namespace bantam::jit
