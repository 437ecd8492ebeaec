#include "jit/expected_values.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bits.h"
#include "jit/register_effects.h"

namespace bantam::jit {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

ExpectedValues::ExpectedValues(const Cpu& cpu, Mmu::FastSet data) : cpu_(cpu), data_(data) { restart(); }

void ExpectedValues::restart() {
    std::copy_n(cpu_.state.gpr.begin(), values_.size(), values_.begin());
    known_ = 0xFFFF;
}

void ExpectedValues::set(unsigned number, std::optional<u64> value) {
    known_ = (known_ & ~(1u << number)) | u32{value.has_value()} << number;
    values_.at(number) = value.value_or(0);
}

std::optional<u64> ExpectedValues::load(u64 address, unsigned size) const {
    const u8* const host = size <= 8 ? cpu_.mmu.fast_read({address}, std::max(size, 1u), data_) : nullptr;
    if (host == nullptr) return std::nullopt;
    u64 value = 0;
    std::memcpy(&value, host, size);
    return value;
}

/// Of slots that are general registers or kSlotZero.
std::optional<u64> ExpectedValues::sum_of(u8 base, u8 index, unsigned scale) const {
    const auto value = [this](u8 slot) { return slot == isa::kSlotZero ? std::optional<u64>(0) : of(slot); };
    const std::optional<u64> offset = value(index);
    return sum_of(value(base), offset ? std::optional(*offset << scale) : std::nullopt);
}

/// Where one is not known, and the other may be a pointer, it is one into the same window, most likely.
std::optional<u64> ExpectedValues::sum_of(std::optional<u64> a, std::optional<u64> b) {
    if (a && b) return *a + *b;
    const std::optional<u64> known = a ? a : b;
    return known && may_point(*known) ? known : std::nullopt;
}

std::optional<u64> ExpectedValues::offset_of(const Instruction& i, u64 next_rip) const {
    const bool relative = i.base == isa::kSlotRip;
    const std::optional<u64> sum = sum_of(relative ? isa::kSlotZero : i.base, i.index, i.scale);
    if (!sum) return std::nullopt;
    return (*sum + static_cast<u64>(i.displacement) + (relative ? next_rip : 0)) & i.address_mask();
}

std::optional<u64> ExpectedValues::address_of(const Instruction& i, u64 next_rip) const {
    const std::optional<u64> offset = offset_of(i, next_rip);
    return offset ? std::optional(*offset + cpu_.state.segment[i.segment].base) : std::nullopt;
}

std::optional<u64> ExpectedValues::value_of(const Instruction& i, unsigned operand, u64 next_rip) const {
    const Operand& o = i.operands.at(operand);
    switch (o.kind) {
        case OperandKind::immediate:
            return i.reads_immediate ? std::nullopt : std::optional(i.immediate);
        case OperandKind::memory: {
            const std::optional<u64> address = address_of(i, next_rip);
            return address ? load(*address, o.size) : std::nullopt;
        }
        case OperandKind::gpr:
            return o.is_high || !of(o.reg) ? std::nullopt : std::optional(*of(o.reg) & mask_for(o.size));
        default:
            return std::nullopt;
    }
}

/// What `i` writes to its first operand, before that is cut to its size.
std::optional<u64> ExpectedValues::result_of(const Instruction& i, u64 next_rip) const {
    if (i.mnemonic == Mnemonic::Lea) return offset_of(i, next_rip);
    if (i.mnemonic == Mnemonic::Pop) return of(kRsp) ? load(*of(kRsp), i.operand_size) : std::nullopt;
    if (i.operand_count == 0) return std::nullopt;
    const std::optional<u64> a = value_of(i, 0, next_rip);
    if (a && i.mnemonic == Mnemonic::Inc) return *a + 1;
    if (a && i.mnemonic == Mnemonic::Dec) return *a - 1;
    if (i.operand_count != 2) return std::nullopt;
    const std::optional<u64> b = value_of(i, 1, next_rip);
    if (i.mnemonic == Mnemonic::Add) return sum_of(a, b);
    if (i.mnemonic == Mnemonic::Cmovcc) return a ? a : b;
    if (!b) return std::nullopt;
    switch (i.mnemonic) {
        case Mnemonic::Mov:
        case Mnemonic::Movzx:
            return b;
        case Mnemonic::Movsx:
        case Mnemonic::Movsxd:
            return sign_extend(*b, i.operands[1].size);
        case Mnemonic::Sub:
            return a ? std::optional(*a - *b) : std::nullopt;
        case Mnemonic::And:
            return a ? std::optional(*a & *b) : std::nullopt;
        case Mnemonic::Or:
            return a ? std::optional(*a | *b) : std::nullopt;
        case Mnemonic::Xor:
            return a ? std::optional(*a ^ *b) : std::nullopt;
        case Mnemonic::Shl:
            return a ? std::optional(*a << (*b & (i.operands[0].size == 8 ? 63 : 31))) : std::nullopt;
        case Mnemonic::Shr:
            return a ? std::optional(*a >> (*b & (i.operands[0].size == 8 ? 63 : 31))) : std::nullopt;
        default:
            return std::nullopt;
    }
}

void ExpectedValues::follow(const Instruction& i, u64 next_rip) {
    const std::optional<u32> written = written_by(i);
    if (!written) {
        known_ = 0;
        return;
    }
    const Operand& first = i.operands[0];
    const bool writes_first = i.operand_count > 0 && first.kind == OperandKind::gpr &&
                              (first.access & isa::kAccessWrite) != 0 && first.size >= 4;
    const std::optional<u64> result = writes_first ? result_of(i, next_rip) : std::nullopt;
    known_ &= ~*written;
    if (of(kRsp) && i.mnemonic == Mnemonic::Push) set(kRsp, *of(kRsp) - i.operand_size);
    if (of(kRsp) && i.mnemonic == Mnemonic::Pop) set(kRsp, *of(kRsp) + i.operand_size);
    if (result) set(first.reg, *result & mask_for(first.size));
}

}  // namespace bantam::jit
