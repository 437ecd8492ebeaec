// Pair: two machines of one configuration, of which the second runs by the translator. It leads: each time translated
// code has come back, the first is run by the interpreter to the same count of retired instructions, and the two are
// compared. Virtual time is a function of that count, so their devices have seen the same, and neither notices that it
// is being watched.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "machine/lockstep/block_capture.h"
#include "machine/lockstep/checked_runner.h"
#include "machine/lockstep/compare.h"
#include "machine/machine.h"

namespace bantam::lockstep {

/// Puts something around the translator; tests do.
using WrapRunner =
    std::function<std::unique_ptr<interpreter::BlockRunner>(std::unique_ptr<interpreter::BlockRunner>, Machine&)>;

/// When is compared, and what. Counts are of retired instructions.
struct Plan {
    u64 begin = 0;                // nothing is compared before
    u64 end = ~u64{0};            // and the run ends here
    bool each_block = false;      // every run of translated code is one block, and it is captured
    std::vector<Physical> pages;  // compared together with the registers
};

struct Difference {
    u64 agreed = 0;         // registers (and the plan's pages) were the same for the last time
    u64 memory_agreed = 0;  // all of RAM was
    u64 found = 0;
    std::vector<RegisterDifference> registers;
    std::vector<MemoryDifference> memory;
    std::string other;  // what else is different, in words
    CpuState interpreter, translator;
    std::optional<BlockCapture> block;  // the one that ran last, with Plan::each_block
};

class Pair final : private RunObserver {
public:
    /// All of RAM is compared so often, the registers after every run of translated code.
    static constexpr u64 kMemoryInterval = 10'000'000;
    static constexpr std::size_t kMostPages = 64;

    static Result<std::unique_ptr<Pair>> create(const MachineConfig& interpreted, const MachineConfig& translated,
                                                Plan plan, const WrapRunner& wrap);
    ~Pair() override;

    /// The one that leads.
    [[nodiscard]] Machine& machine() { return *translated_; }
    /// Runs both until the guest ends, the plan does, or a difference was found (StopReason::engines_differ).
    Outcome run();
    [[nodiscard]] const std::optional<Difference>& difference() const { return difference_; }
    [[nodiscard]] u64 comparisons() const { return comparisons_; }
    [[nodiscard]] u64 memory_comparisons() const { return memory_comparisons_; }

private:
    explicit Pair(Plan plan) : plan_(std::move(plan)) {}

    void run_begins(interpreter::Block& block) override;
    void run_ended(bool ran) override;
    void block_forgotten(const interpreter::Block& block) override;

    void prepare_block(interpreter::Block& block, std::optional<jit::Key> key);
    /// Brings the interpreter's machine to `instructions`; false: it ended on the way.
    bool follow(u64 instructions);
    void follow_block(u64 instructions);
    void compare(bool all_memory);
    void compare_ends(const Outcome& outcome);
    void differ(std::vector<RegisterDifference> registers, std::vector<MemoryDifference> memory, std::string other);
    [[nodiscard]] std::string different_devices();
    [[nodiscard]] Cpu& first() { return interpreted_->cpu(); }
    [[nodiscard]] Cpu& second() { return translated_->cpu(); }

    const Plan plan_;
    std::unique_ptr<Machine> interpreted_, translated_;
    u64 agreed_ = 0;
    u64 memory_agreed_ = 0;
    bool ending_ = false;                  // a difference was found, or the plan is over
    interpreter::Block* block_ = nullptr;  // running, with Plan::each_block
    BlockCapture capture_;
    std::optional<Outcome> interpreter_ended_;
    std::optional<Difference> difference_;
    u64 comparisons_ = 0;
    u64 memory_comparisons_ = 0;
};

}  // namespace bantam::lockstep
