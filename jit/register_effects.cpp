#include "jit/register_effects.h"

#include <span>

#include "cpu/isa/table.h"
#include "cpu/state.h"

namespace bantam::jit {
namespace {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

constexpr u32 kAccumulator = 1u << kRax, kAccumulators = kAccumulator | 1u << kRdx;

std::span<const Operand> operands_of(const Instruction& i) { return {i.operands.data(), i.operand_count}; }

/// The registers that `i` writes without having them as operands; nothing: not known.
std::optional<u32> written_beside_operands(const Instruction& i) {
    switch (i.mnemonic) {
        case Mnemonic::Adc:
        case Mnemonic::Add:
        case Mnemonic::And:
        case Mnemonic::Bswap:
        case Mnemonic::Cmovcc:
        case Mnemonic::Cmp:
        case Mnemonic::Dec:
        case Mnemonic::Inc:
        case Mnemonic::Jcc:
        case Mnemonic::Jcxz:
        case Mnemonic::Jecxz:
        case Mnemonic::Jmp:
        case Mnemonic::Jrcxz:
        case Mnemonic::Lea:
        case Mnemonic::Mov:
        case Mnemonic::MovSegment:
        case Mnemonic::Movsx:
        case Mnemonic::Movsxd:
        case Mnemonic::Movzx:
        case Mnemonic::Neg:
        case Mnemonic::Nop:
        case Mnemonic::Not:
        case Mnemonic::Or:
        case Mnemonic::Pop:
        case Mnemonic::Push:
        case Mnemonic::PushSegment:
        case Mnemonic::Rol:
        case Mnemonic::Ror:
        case Mnemonic::Sal:
        case Mnemonic::Sar:
        case Mnemonic::Sbb:
        case Mnemonic::Setcc:
        case Mnemonic::Shl:
        case Mnemonic::Shld:
        case Mnemonic::Shr:
        case Mnemonic::Shrd:
        case Mnemonic::Sub:
        case Mnemonic::Test:
        case Mnemonic::Xor:
            return 0;
        case Mnemonic::Cbw:
        case Mnemonic::Cwde:
        case Mnemonic::Cdqe:
            return kAccumulator;
        case Mnemonic::Cwd:
        case Mnemonic::Cdq:
        case Mnemonic::Cqo:
            return 1u << kRdx;
        case Mnemonic::Div:
        case Mnemonic::Idiv:
        case Mnemonic::Mul:
            return kAccumulators;
        case Mnemonic::Imul:
            return i.operand_count > 1 ? 0 : kAccumulators;
        case Mnemonic::Loop:
        case Mnemonic::Loope:
        case Mnemonic::Loopne:
        case Mnemonic::Pcmpestri:
        case Mnemonic::Pcmpistri:
        case Mnemonic::Vpcmpestri:
        case Mnemonic::Vpcmpistri:
            return 1u << kRcx;
        default:
            if ((isa::row_of(i).attributes & (isa::kX87 | isa::kMmx | isa::kSse | isa::kAvx)) == 0) return std::nullopt;
            return 0;
    }
}

/// What `i`, which writes `operand`, a register of 8 bytes, adds to it, if that is known.
std::optional<i64> addition(const Instruction& i, const Operand& operand) {
    if (operand.size != 8 || &operand != i.operands.data() || i.reads_immediate) return std::nullopt;
    const bool by_immediate = i.operand_count == 2 && i.operands[1].kind == OperandKind::immediate;
    const auto immediate = static_cast<i64>(i.immediate);
    switch (i.mnemonic) {
        case Mnemonic::Add:
            return by_immediate ? std::optional(immediate) : std::nullopt;
        case Mnemonic::Sub:
            return by_immediate ? std::optional(-immediate) : std::nullopt;
        case Mnemonic::Inc:
            return 1;
        case Mnemonic::Dec:
            return -1;
        case Mnemonic::Lea:
            if (i.base != operand.reg || i.index != isa::kSlotZero || i.address_size != 8) return std::nullopt;
            return i.displacement;
        default:
            return std::nullopt;
    }
}

}  // namespace

std::optional<u32> written_by(const Instruction& i) {
    std::optional<u32> written = written_beside_operands(i);
    if (!written) return std::nullopt;
    for (const Operand& operand : operands_of(i)) {
        if (operand.kind == OperandKind::gpr && (operand.access & isa::kAccessWrite) != 0)
            *written |= 1u << number_of(operand);
    }
    return written;
}

std::optional<i64> added_by(const Instruction& i, unsigned number) {
    for (const Operand& operand : operands_of(i)) {
        if (operand.kind != OperandKind::gpr || (operand.access & isa::kAccessWrite) == 0) continue;
        if (number_of(operand) == number) return addition(i, operand);
    }
    return 0;
}

}  // namespace bantam::jit
