#include "jit/kept_distance.h"

#include <algorithm>
#include <span>

#include "base/bits.h"
#include "cpu/isa/table.h"
#include "jit/register_map.h"

namespace bantam::jit {
namespace {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

/// Instructions whose translation writes no general registers but those of their operands, and kAddend at most for
/// homed registers and memory operands.
bool is_plain(const Instruction& i) {
    switch (i.mnemonic) {
        case Mnemonic::Pcmpestri:  // write ECX, which is none of their operands
        case Mnemonic::Pcmpistri:
        case Mnemonic::Vpcmpestri:
        case Mnemonic::Vpcmpistri:
            return false;
        case Mnemonic::Adc:
        case Mnemonic::Add:
        case Mnemonic::And:
        case Mnemonic::Cmovcc:
        case Mnemonic::Cmp:
        case Mnemonic::Dec:
        case Mnemonic::Inc:
        case Mnemonic::Lea:
        case Mnemonic::Mov:
        case Mnemonic::Movsx:
        case Mnemonic::Movsxd:
        case Mnemonic::Movzx:
        case Mnemonic::Neg:
        case Mnemonic::Nop:
        case Mnemonic::Not:
        case Mnemonic::Or:
        case Mnemonic::Pop:
        case Mnemonic::Push:
        case Mnemonic::Rol:
        case Mnemonic::Ror:
        case Mnemonic::Sal:
        case Mnemonic::Sar:
        case Mnemonic::Sbb:
        case Mnemonic::Setcc:
        case Mnemonic::Shl:
        case Mnemonic::Shr:
        case Mnemonic::Sub:
        case Mnemonic::Test:
        case Mnemonic::Xor:
            return true;
        case Mnemonic::Imul:
            return i.operand_count > 1;
        default:
            return (isa::row_of(i).attributes & (isa::kX87 | isa::kMmx | isa::kSse | isa::kAvx)) != 0;
    }
}

unsigned number_of(const Operand& operand) { return operand.is_high ? operand.reg - 4u : operand.reg; }

std::span<const Operand> operands_of(const Instruction& i) { return {i.operands.data(), i.operand_count}; }

/// Whether homed registers take no more scratch registers than kSpare and, as a base, kAddress.
bool few_homed(const Instruction& i) {
    const auto homed = std::count_if(i.operands.begin(), i.operands.begin() + i.operand_count, [](const Operand& o) {
        return o.kind == OperandKind::gpr && is_homed(number_of(o));
    });
    return homed <= 1 && (i.index >= isa::kSlotRip || !is_homed(i.index));
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

std::optional<i64> added_by(const Instruction& i, unsigned number) {
    for (const Operand& operand : operands_of(i)) {
        if (operand.kind != OperandKind::gpr || (operand.access & isa::kAccessWrite) == 0) continue;
        if (number_of(operand) == number) return addition(i, operand);
    }
    return 0;
}

bool KeptDistance::serves(u8 base, i64 displacement) const {
    if (base_ != base || base == kNone) return false;
    const i64 offset = moved_ + displacement;  // of few enough bits
    return -kMostOffset < offset && offset < kMostOffset;
}

void KeptDistance::begin_turn() {
    if (!near_access_ || from_access_ <= -kMostFromAccess || from_access_ >= kMostFromAccess) forget();
    moved_ = 0;
    near_access_ = false;
}

void KeptDistance::move(u8 base, i64 change) {
    if (base_ != base) return;
    from_access_ += change;  // of few enough bits, or all is forgotten
    moved_ = change > -kMostMove && change < kMostMove ? moved_ + change : kMostMove;
    if (moved_ <= -kMostMove || moved_ >= kMostMove) forget();
}

void KeptDistance::follow(const Instruction& i) {
    if (base_ == kNone) return;
    if (!is_plain(i) || !few_homed(i)) return forget();
    const std::optional<i64> change = added_by(i, base_);
    if (!change) return forget();
    move(base_, *change);
}

}  // namespace bantam::jit
