#include "tests/oracle/vendor.h"

#include <algorithm>
#include <string_view>

#include "cpu/isa/table.h"
#include "cpu/state.h"

namespace bantam::oracle {
namespace {

using isa::Instruction;
using isa::Mnemonic;

constexpr u8 kAlignmentCheck = 17;

bool has(const Instruction& i, u32 attributes) { return (isa::row_of(i).attributes & attributes) != 0; }

bool is_sha(Mnemonic mnemonic) { return isa::mnemonic_name(mnemonic).starts_with("sha"); }

/// Whatever becomes of it.
bool differs(const Instruction& i, isa::CodeSize mode) {
    const bool wide = mode == isa::CodeSize::bits64;
    switch (i.mnemonic) {
        case Mnemonic::Nop:  // 0F 0D of registers: PREFETCH of memory alone, else #UD (APM vol. 3); Intel's is a NOP
            return i.opcode_map == 1 && i.opcode == 0x0D;
        case Mnemonic::Int1:  // RIP of the trap, under hypervisors
            return true;
        case Mnemonic::PushSegment:  // zero-extended, where Intel's may write 16 bits only (SDM vol. 2, PUSH)
            return i.operand_size != 2;
        case Mnemonic::Loope:  // F2 and F3 are not ignored
        case Mnemonic::Loopne:
            return i.repeat != isa::RepeatPrefix::none || (wide && i.operand_size_prefix);
        case Mnemonic::Pause:  // with REX.B it is XCHG
            return (i.rex & 1) != 0;
        case Mnemonic::Ud0:  // have no ModRM byte
        case Mnemonic::Ud1:
            return true;
        case Mnemonic::Movsxd:  // of 16 bits reads 32
            return i.operand_size == 2 && i.memory_operand() != nullptr;
        case Mnemonic::Fnsave:  // pointers of the last instruction
        case Mnemonic::Fnstenv:
            return true;
        case Mnemonic::Vpextrd:  // VEX.W, which Bantam's decoder drops, is #UD outside of 64-bit mode
        case Mnemonic::Vpinsrd:
            return !wide;
        default:
            // REP with ECX = 0 leaves the upper half of RCX.
            if (wide && has(i, isa::kString) && i.repeat != isa::RepeatPrefix::none && i.address_size == 4) return true;
            // Near branches with 66h have 16-bit targets in 64-bit mode (APM vol. 3, 1.2.2); Intel's ignore it.
            return wide && i.operand_size_prefix && has(i, isa::kBranch);
    }
}

/// Where it is the one that faults: which of several faults comes first, and what has changed by then.
bool differs_when_faulting(const Instruction& i, u8 vector) {
    if (vector == kAlignmentCheck) return true;  // the segment's limit comes first
    if (is_sha(i.mnemonic)) return true;         // do not check alignment
    switch (i.mnemonic) {
        case Mnemonic::Bound:    // reads both bounds before it compares
        case Mnemonic::Ldmxcsr:  // know MXCSR.MM (APM vol. 1, 4.2.2)
        case Mnemonic::Vldmxcsr:
        case Mnemonic::Call:  // a target that is not canonical: before the push
        case Mnemonic::Maskmovdqu:
        case Mnemonic::Maskmovq:
        case Mnemonic::Vmaskmovdqu:
        case Mnemonic::Vcvtps2ph:   // exception flags of a store that faults
        case Mnemonic::Vmaskmovpd:  // elements that are masked out
        case Mnemonic::Vmaskmovps:
        case Mnemonic::Vpmaskmovd:
        case Mnemonic::Vpmaskmovq:
            return true;
        default:
            return has(i, isa::kString | isa::kVsib | isa::kX87 | isa::kMmx);
    }
}

/// Whether an x87 store may have been left out for an exception that is not masked: its address may fault all the same.
bool stored_in_vain(std::span<const Instruction> executed, const Outcome& outcome) {
    constexpr u8 kErrorSummary = 0x80;  // of FSW
    const auto stores = [](const Instruction& i) {
        const isa::Operand* const memory = i.memory_operand();
        return has(i, isa::kX87) && memory != nullptr && (memory->access & isa::kAccessWrite) != 0;
    };
    const auto clears = [](const Instruction& i) {
        return i.mnemonic == Mnemonic::Fnclex || i.mnemonic == Mnemonic::Fninit;
    };
    return std::any_of(executed.begin(), executed.end(), stores) &&
           ((outcome.state.fxsave[2] & kErrorSummary) != 0 || std::any_of(executed.begin(), executed.end(), clears));
}

/// Ended by fetching the rest of an instruction: how much that is, is different for near branches with 66h.
bool fetches_beyond_page(const Outcome& outcome) {
    constexpr u8 kPageFault = 14;
    constexpr u32 kFetch = 16;
    return outcome.vector == kPageFault && (outcome.error_code & kFetch) != 0 && outcome.cr2 != outcome.state.rip;
}

}  // namespace

bool host_is_amd() { return __builtin_cpu_is("amd") != 0; }

bool differs_on_amd(isa::CodeSize mode, std::span<const Instruction> executed, bool faulted,
                    const ProgramState& initial, const Outcome& outcome) {
    if (fetches_beyond_page(outcome)) return true;
    if (executed.empty()) return false;
    const auto pops_flags = [](const Instruction& i) {
        return i.mnemonic == Mnemonic::Popf || i.mnemonic == Mnemonic::Popfd || i.mnemonic == Mnemonic::Popfq;
    };
    const bool alignment_checks = ((initial.eflags | outcome.state.eflags) & kFlagAlignmentCheck) != 0 ||
                                  std::any_of(executed.begin(), executed.end(), pops_flags);
    const auto deviates = [&](const Instruction& i) {
        // #AC also for vectors that need not be aligned.
        if (alignment_checks && has(i, isa::kSse | isa::kAvx) && i.memory_operand() != nullptr) return true;
        return differs(i, mode);
    };
    return std::any_of(executed.begin(), executed.end(), deviates) || stored_in_vain(executed, outcome) ||
           (faulted && differs_when_faulting(executed.back(), outcome.vector));
}

}  // namespace bantam::oracle
