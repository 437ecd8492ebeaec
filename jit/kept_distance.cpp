#include "jit/kept_distance.h"

#include <algorithm>

#include "jit/register_effects.h"
#include "jit/register_map.h"

namespace bantam::jit {
namespace {

using isa::Operand;

/// Whether homed registers take no more scratch registers than kSpare and kAddress.
bool few_homed(const isa::Instruction& i) {
    const auto homed = std::count_if(i.operands.begin(), i.operands.begin() + i.operand_count, [](const Operand& o) {
        return o.kind == isa::OperandKind::gpr && is_homed(number_of(o));
    });
    return homed <= 1 && (!is_homed_part(i.base) || !is_homed_part(i.index));
}

}  // namespace

void KeptDistance::follow(const isa::Instruction& i) {
    if (place_ && (!few_homed(i) || !place_->follow(i))) forget();
}

}  // namespace bantam::jit
