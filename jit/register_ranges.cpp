#include "jit/register_ranges.h"

#include "cpu/isa/table.h"
#include "cpu/state.h"
#include "jit/register_effects.h"

namespace bantam::jit {
namespace {

using isa::Instruction;
using isa::Mnemonic;
using isa::Operand;
using isa::OperandKind;

constexpr Range kAll{};

constexpr Range unsigned_of(unsigned bytes) { return bytes < 8 ? Range{0, (i64{1} << 8 * bytes) - 1} : kAll; }
constexpr Range signed_of(unsigned bytes) {
    if (bytes >= 8) return kAll;
    const i64 half = i64{1} << (8 * bytes - 1);
    return {-half, half - 1};
}

/// Of what was computed from known ranges.
constexpr Range bounded(const Range& range) { return range.known() ? range : kAll; }

bool same_register(const Operand& a, const Operand& b) {
    return a.kind == OperandKind::gpr && b.kind == OperandKind::gpr && a.reg == b.reg && a.is_high == b.is_high;
}

/// Whether a result of 4 bytes in a register makes its upper half zero, whatever the operands are: not those that may
/// leave their destination alone.
bool extends_results(const Instruction& i) {
    return i.mnemonic != Mnemonic::Shld && i.mnemonic != Mnemonic::Shrd &&
           (isa::row_of(i).attributes & (isa::kX87 | isa::kMmx | isa::kSse | isa::kAvx)) == 0;
}

}  // namespace

/// The unsigned value of an operand that is read; of 8 bytes, the signed one. Immediates are as wide as the first
/// operand.
Range RegisterRanges::value_of(const Instruction& i, const Operand& operand) const {
    if (operand.kind == OperandKind::immediate && !i.reads_immediate) {
        const auto value = static_cast<i64>(i.operands[0].size == 8 ? i.immediate : i.immediate & 0xFFFFFFFF);
        return bounded({value, value});
    }
    const Range all = unsigned_of(operand.size);
    if (operand.kind == OperandKind::memory) return all;
    if (operand.kind != OperandKind::gpr) return kAll;
    if (operand.is_high) return all;
    const Range& whole = ranges_.at(operand.reg);
    return operand.size == 8 || whole.within(all) ? whole : all;
}

Range RegisterRanges::address_of(const Instruction& i) const {
    if (i.address_size != 8) return kUnsigned32;
    if (i.base == isa::kSlotRip) return kAll;
    Range sum{i.displacement, i.displacement};
    for (const auto& [number, scale] : {std::pair{i.base, u8{0}}, std::pair{i.index, i.scale}}) {
        if (number == isa::kSlotZero) continue;
        if (!ranges_.at(number).known()) return kAll;
        sum = sum.plus(ranges_.at(number).shifted(scale));
    }
    return bounded(sum);
}

/// What `i` writes to its first operand, a register, before that is cut to its size.
Range RegisterRanges::result_of(const Instruction& i) const {
    const Operand &first = i.operands[0], &second = i.operands[1];
    const Range a = value_of(i, first);
    if (i.mnemonic == Mnemonic::Inc) return a.known() ? a.plus({1, 1}) : kAll;
    if (i.mnemonic == Mnemonic::Dec) return a.known() ? a.plus({-1, -1}) : kAll;
    if (i.mnemonic == Mnemonic::Lea) return address_of(i);
    if (i.operand_count != 2) return kAll;
    const Range b = value_of(i, second);
    const bool known = a.known() && b.known();
    switch (i.mnemonic) {
        case Mnemonic::Mov:
        case Mnemonic::Movzx:
            return b;
        case Mnemonic::Movsx:
        case Mnemonic::Movsxd:
            return b.high <= signed_of(second.size).high ? b : signed_of(second.size);
        case Mnemonic::Cmovcc:
            return a.joined(b);
        case Mnemonic::Add:
            return known ? bounded(a.plus(b)) : kAll;
        case Mnemonic::Sub:
            if (same_register(first, second)) return {0, 0};
            return known ? bounded(a.plus({-b.high, -b.low})) : kAll;
        case Mnemonic::Xor:
            return same_register(first, second) ? Range{0, 0} : kAll;
        case Mnemonic::And: {
            // Not above the lower of those that are not negative.
            const i64 most = std::min(a.low >= 0 ? a.high : Range::kMost, b.low >= 0 ? b.high : Range::kMost);
            return bounded({most < Range::kMost ? 0 : -Range::kMost, most});
        }
        case Mnemonic::Shr: {
            if (second.kind != OperandKind::immediate || i.reads_immediate) return kAll;
            const auto count = static_cast<int>(i.immediate & (first.size == 8 ? 63 : 31));
            if (first.size < 8) return {a.low >> count, a.high >> count};
            return count == 0 ? kAll : bounded({0, static_cast<i64>(~u64{0} >> count)});
        }
        default:
            return kAll;
    }
}

void RegisterRanges::follow(const Instruction& i) {
    const std::optional<u32> written = written_by(i);
    if (!written) return forget();
    const Operand& first = i.operands[0];
    const bool writes_first =
        i.operand_count > 0 && first.kind == OperandKind::gpr && (first.access & isa::kAccessWrite) != 0;
    const Range result = writes_first && first.size >= 4 ? result_of(i) : kAll;
    const bool had_half = writes_first && of(number_of(first)).within(kUnsigned32);
    for (unsigned number = 0; number < ranges_.size(); ++number) {
        if ((*written >> number & 1) != 0) ranges_[number] = kAll;
    }
    // Pushes and pops change RSP, which is not followed.
    ranges_[kRsp] = kAll;
    if (i.mnemonic == Mnemonic::Cdqe) ranges_[kRax] = signed_of(4);
    if (!writes_first || number_of(first) == kRsp || (first.size < 8 && !extends_results(i))) return;
    Range& range = ranges_.at(number_of(first));
    if (first.size == 8) {
        range = result;
    } else if (first.size == 4) {
        range = result.within(kUnsigned32) ? result : kUnsigned32;
    } else if (had_half) {
        range = kUnsigned32;
    }
}

}  // namespace bantam::jit
