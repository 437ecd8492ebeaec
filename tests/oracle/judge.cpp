#include "tests/oracle/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/oracle/compare.h"
#include "tests/oracle/scope.h"
#include "tests/oracle/vendor.h"

namespace bantam::oracle {
namespace {

constexpr u64 kMostInstructions = 2000;
constexpr u64 kMostBytes = 15;  // of an instruction
constexpr u8 kInvalidOpcode = 6, kPageFault = 14;

/// What is known of the flags after a sequence of completed instructions.
struct FlagKnowledge {
    u32 defined = ~0u;
    bool read_undefined = false;
};

FlagKnowledge flags_after(std::span<const isa::Instruction> completed) {
    FlagKnowledge knowledge;
    for (const isa::Instruction& instruction : completed) {
        const isa::FlagFacts facts = isa::flag_facts(instruction);
        if ((facts.read & ~knowledge.defined) != 0) knowledge.read_undefined = true;
        if (!facts.conditional) knowledge.defined |= facts.written;
        knowledge.defined &= ~facts.undefined;
    }
    return knowledge;
}

bool repeats(const isa::Instruction& i) {
    return i.repeat != isa::RepeatPrefix::none && (isa::row_of(i).attributes & isa::kString) != 0;
}

/// How many instructions of a program without branches lie before `end`.
std::size_t completed_before(const Program& program, u64 end) {
    std::size_t count = 0;
    u64 at = program.offset;
    for (const isa::Instruction& instruction : program.instructions) {
        at += instruction.length;
        if (at > end) break;
        ++count;
    }
    return count;
}

/// Of an invalid instruction at a page's end, whether one side fetched more than the other before it raised #UD: how
/// long such an instruction is the SDM does not say.
bool fetches_differently(const Outcome& guest, const Outcome& host) {
    constexpr u32 kFetch = 16;
    const auto fetches = [](const Outcome& o) { return o.vector == kPageFault && (o.error_code & kFetch) != 0; };
    const bool differ =
        (guest.vector == kInvalidOpcode && fetches(host)) || (host.vector == kInvalidOpcode && fetches(guest));
    return differ && host.state.rip == guest.state.rip && kPageBytes - host.state.rip % kPageBytes < kMostBytes;
}

}  // namespace

std::string Judge::memory_differences() const {
    std::string text;
    const u8* const host = host_.arena();
    const u8* const guest = guest_.arena();
    if (std::memcmp(host, guest, kMappedBytes) == 0) return text;
    for (std::size_t at = 0; at < kMappedBytes; ++at) {
        if (host[at] == guest[at]) continue;
        text += fmt::format("  memory {:x}: host {:02x} bantam {:02x}\n", kArenaBase + kMappedFrom + at, host[at],
                            guest[at]);
    }
    return text;
}

/// What the guest's arena holds at `rip`, at most one instruction long.
std::span<const u8> Judge::code_at(u64 rip) const {
    const u64 at = (rip - (mode_ == isa::CodeSize::bits16 ? 0 : kArenaBase)) - kMappedFrom;
    if (at >= kMappedBytes) return {};
    return {guest_.arena() + at, std::min<u64>(kMostBytes, kMappedBytes - at)};
}

bool Judge::code_changed(const Arena& arena) const {
    constexpr u64 kAt = kCodePage - kMappedFrom;
    return std::memcmp(guest_.arena() + kAt, arena.bytes.data() + kAt, kStackPage - kCodePage) != 0;
}

Verdict Judge::compare(const Program& program, const ProgramState& initial, const Arena& arena) {
    Verdict verdict;
    verdict.kind = Verdict::skipped;
    Outcome by_guest = guest_.run(mode_, initial, arena, kMostInstructions);
    verdict.vector = by_guest.vector;
    if (!by_guest.ended) return verdict;
    if (by_guest.vector == kPageFault && !host_.faults_like_guest(by_guest.cr2)) return verdict;
    FlagKnowledge flags;
    std::vector<isa::Instruction> executed;  // the last may have faulted
    if (program.linear && !code_changed(arena)) {
        const u64 base = mode_ == isa::CodeSize::bits16 ? 0 : kArenaBase;
        const std::size_t completed = completed_before(program, by_guest.state.rip - base);
        executed = program.instructions;
        executed.resize(std::min(completed + 1, executed.size()));
        verdict.completed.assign(executed.begin(), executed.begin() + static_cast<std::ptrdiff_t>(completed));
        flags = flags_after(verdict.completed);
    } else {
        // What executed may be anything: see it before the host runs it, then run at full speed again.
        const GuestCpu::Trace trace = guest_.trace(mode_, initial, arena, kMostInstructions);
        if (!std::all_of(trace.executed.begin(), trace.executed.end(), comparable)) return verdict;
        // How soon a repeated string instruction notices that it overwrote code is not defined.
        if (code_changed(arena) && std::any_of(trace.executed.begin(), trace.executed.end(), repeats)) return verdict;
        const bool faulted = !trace.executed.empty() && trace.last_rip == by_guest.state.rip;
        executed = trace.executed;
        verdict.completed.assign(executed.begin(), executed.end() - (faulted ? 1 : 0));
        flags = flags_after(verdict.completed);
        if (flags.read_undefined) return verdict;
        by_guest = guest_.run(mode_, initial, arena, kMostInstructions);
    }
    if (by_guest.vector == kInvalidOpcode && may_be_host_extension(code_at(by_guest.state.rip), mode_)) return verdict;
    const bool faulted = executed.size() > verdict.completed.size();
    if (host_is_amd() && differs_on_amd(mode_, executed, faulted, initial, by_guest)) return verdict;
    const Outcome by_host = host_.run(mode_, initial, arena);
    if (fetches_differently(by_guest, by_host)) return verdict;
    if (!by_host.ended) {
        verdict.text = "  the host did not come to an end\n";
    } else {
        verdict.text = differences(mode_, by_host, by_guest, all_flags_ ? ~0u : flags.defined);
        verdict.text += memory_differences();
    }
    verdict.kind = verdict.text.empty() ? Verdict::equal : Verdict::different;
    return verdict;
}

Verdict Judge::judge(const Program& program, const ProgramState& initial, Arena& arena) {
    u8* const place = arena.at(program.offset);
    // A program that runs into the stack page is cut at the end of the code pages.
    const std::size_t size = std::min<std::size_t>(program.bytes.size(), kStackPage - program.offset);
    std::memcpy(place, program.bytes.data(), size);
    Verdict verdict = compare(program, initial, arena);
    std::memset(place, 0xCC, size);
    return verdict;
}

Program Judge::shrink(const Program& program, const ProgramState& initial, Arena& arena,
                      const isa::DecodeMode& decode_mode) {
    Program best = program;
    bool smaller = true;
    while (smaller) {
        smaller = false;
        std::size_t at = 0;
        for (std::size_t k = 0; k < best.instructions.size() && best.instructions.size() > 1; ++k) {
            const std::size_t length = best.instructions[k].length;
            std::vector<u8> rest(best.bytes.begin(), best.bytes.end() - 1);
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at),
                       rest.begin() + static_cast<std::ptrdiff_t>(at + length));
            const Program candidate = assemble(best.offset, rest, decode_mode);
            if (judge(candidate, initial, arena).kind == Verdict::different) {
                best = candidate;
                smaller = true;
                break;
            }
            at += length;
        }
    }
    return best;
}

}  // namespace bantam::oracle
