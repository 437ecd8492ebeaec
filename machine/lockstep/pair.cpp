#include "machine/lockstep/pair.h"

#include <fmt/format.h>

#include <algorithm>

#include "cpu/host/x87_unit.h"
#include "machine/parts.h"

namespace bantam::lockstep {
namespace {

/// How far the interpreter's machine may run on alone to come to the end that the other has reached.
constexpr u64 kMostBehind = 10'000'000;

}  // namespace

Result<std::unique_ptr<Pair>> Pair::create(const MachineConfig& interpreted, const MachineConfig& translated, Plan plan,
                                           const WrapRunner& wrap) {
    std::unique_ptr<Pair> pair(new Pair(std::move(plan)));
    Result<std::unique_ptr<Machine>> one = Machine::create(interpreted);
    if (!one) return one.error();
    pair->interpreted_ = std::move(one.value());
    Result<std::unique_ptr<Machine>> other = Machine::create(translated);
    if (!other) return other.error();
    pair->translated_ = std::move(other.value());

    Interpreter& engine = *pair->translated_->parts_->engine;
    std::unique_ptr<interpreter::BlockRunner> runner = engine.take_block_runner();
    if (wrap) runner = wrap(std::move(runner), *pair->translated_);
    engine.set_block_runner(std::make_unique<CheckedRunner>(std::move(runner), static_cast<RunObserver&>(*pair)));
    return pair;
}

Pair::~Pair() = default;

Outcome Pair::run() {
    interpreted_->parts_->clock->resume();
    const Outcome outcome = translated_->run();
    if (difference_) return outcome_of(StopReason::engines_differ);
    if (ending_ || outcome.reason == StopReason::quit) return outcome;
    compare_ends(outcome);
    return difference_ ? outcome_of(StopReason::engines_differ) : outcome;
}

// --- around a run of translated code: C++ in between may not touch the x87 unit, which holds the guest's registers

void Pair::run_begins(interpreter::Block& block) {
    if (!plan_.each_block || ending_ || second().state.instructions < plan_.begin) return;
    // After an exception the deadline may still be that of the run which it ended.
    translated_->parts_->loop->renew_deadline();
    const std::optional<jit::Key> key = jit::key_of(second());  // looks at the live x87 control word
    host::leave_fpu(second().state);
    prepare_block(block, key);
    host::enter_fpu(second().state);
}

void Pair::prepare_block(interpreter::Block& block, std::optional<jit::Key> key) {
    CpuState& state = second().state;
    follow(state.instructions);
    block_ = &block;
    capture_.begin(second(), block, key);
    capture_.note_host_code(block);
    state.deadline = std::min(state.deadline, state.instructions + block.count);
}

void Pair::block_forgotten(const interpreter::Block& block) {
    if (&block == block_) capture_.note_host_code(block);
}

void Pair::run_ended(bool ran) {
    if (block_ != nullptr) {
        translated_->parts_->loop->renew_deadline();
        if (block_->valid) capture_.note_host_code(*block_);
    }
    CpuState& state = second().state;
    if (ran && !ending_ && state.instructions >= plan_.begin) {
        host::leave_fpu(state);
        follow_block(state.instructions);
        compare(state.instructions >= memory_agreed_ + kMemoryInterval);
        host::enter_fpu(state);
    }
    block_ = nullptr;
    if (!ending_ && state.instructions >= plan_.end) {
        ending_ = true;
        translated_->parts_->loop->end(outcome_of(StopReason::quit));
    }
}

bool Pair::follow(u64 instructions) {
    if (!interpreter_ended_) interpreter_ended_ = interpreted_->parts_->loop->run_until(instructions);
    return first().state.instructions == instructions;
}

/// As follow(); while a block is captured, an instruction at a time.
void Pair::follow_block(u64 instructions) {
    if (block_ != nullptr) {
        // The interrupt that is about to be delivered here was delivered before the block began.
        capture_.note_memory(first(), capture_.before(), 0);
        const u64 start = capture_.before().instructions;
        for (u64 at = start + 1; at < instructions && follow(at); ++at) {
            capture_.note_memory(first(), first().state, at - start);
        }
    }
    follow(instructions);
}

void Pair::compare(bool all_memory) {
    const CpuState& a = first().state;
    const CpuState& b = second().state;
    ++comparisons_;
    if (a.instructions != b.instructions) {
        return differ(register_differences(a, b), {},
                      fmt::format("the interpreter's machine {} after {} instructions, the translator's goes on",
                                  interpreter_ended_ ? "ended" : "stands", a.instructions));
    }
    std::vector<RegisterDifference> registers;
    if (!same_registers(a, b)) registers = register_differences(a, b);
    std::vector<MemoryDifference> memory;
    for (const Physical page : plan_.pages) {
        const auto found = page_difference(interpreted_->memory(), translated_->memory(), page);
        if (found) memory.push_back(*found);
    }
    if (memory.empty() && (all_memory || !registers.empty())) {
        ++memory_comparisons_;
        memory = memory_differences(interpreted_->memory(), translated_->memory(), kMostPages);
        if (memory.empty()) memory_agreed_ = b.instructions;
    }
    if (!registers.empty() || !memory.empty()) return differ(std::move(registers), std::move(memory), {});
    agreed_ = b.instructions;
}

void Pair::differ(std::vector<RegisterDifference> registers, std::vector<MemoryDifference> memory, std::string other) {
    difference_ = Difference{.agreed = std::max(agreed_, plan_.begin),
                             .memory_agreed = std::max(memory_agreed_, plan_.begin),
                             .found = second().state.instructions,
                             .registers = std::move(registers),
                             .memory = std::move(memory),
                             .other = std::move(other),
                             .interpreter = first().state,
                             .translator = second().state,
                             .block = {}};
    if (block_ != nullptr) difference_->block = capture_;
    ending_ = true;
    translated_->parts_->loop->end(outcome_of(StopReason::engines_differ));
}

/// The guest, or a limit of guest time, ended the translator's machine: the other must end in the same way.
void Pair::compare_ends(const Outcome& outcome) {
    const u64 instructions = second().state.instructions;
    if (!interpreter_ended_) interpreter_ended_ = interpreted_->parts_->loop->run_until(instructions + kMostBehind);
    Machine::Parts& parts = *interpreted_->parts_;
    parts.io->drain();
    parts.clock->pause();
    parts.scheduler.set_now(parts.clock->now());
    std::string other;
    if (!interpreter_ended_) {
        other = "the translator's machine ended, the interpreter's goes on";
    } else if (interpreter_ended_->reason != outcome.reason || interpreter_ended_->code != outcome.code) {
        other = fmt::format("the translator's machine ended with status {}, the interpreter's with {}", outcome.code,
                            interpreter_ended_->code);
    }
    // Neither engine runs: nothing may differ, as --print-hash promises.
    std::vector<RegisterDifference> registers = register_differences(first().state, second().state, Scope::everything);
    std::vector<MemoryDifference> memory =
        memory_differences(interpreted_->memory(), translated_->memory(), kMostPages);
    ++comparisons_;
    ++memory_comparisons_;
    if (other.empty() && registers.empty() && memory.empty()) {
        if (interpreted_->state_hash() == translated_->state_hash()) return;
        other = "devices: " + different_devices();
    }
    differ(std::move(registers), std::move(memory), std::move(other));
}

std::string Pair::different_devices() {
    const auto& one = interpreted_->parts_->pc->devices();
    const auto& other = translated_->parts_->pc->devices();
    std::string names;
    for (std::size_t i = 0; i < one.size(); ++i) {
        HashArchive a;
        HashArchive b;
        a.field("device", *one[i]);
        b.field("device", *other[i]);
        if (a.hash() != b.hash()) names += fmt::format(" {}", one[i]->name());
    }
    return names.empty() ? "none of the chips, but the board or its timers" : names;
}

}  // namespace bantam::lockstep
