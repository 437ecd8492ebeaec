// Interpreter: the engine that runs a Cpu from cached decoded blocks, and the specification of control flow and faults
// for the translator.
//
// One turn of run(): look at attention and deadline, find the block at CS:RIP (a small cache by linear address, then
// the block cache by physical address, then decode), execute its instructions one handler call each. A handler that
// faults leaves by longjmp to run(), which delivers the exception. Anything that wants the engine's eye in the middle
// of a block (an interrupt line, a nearer deadline, invalidated code) shortens the block to end after the current
// instruction.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cpu/cpu.h"
#include "cpu/engine.h"
#include "cpu/host/handlers.h"
#include "cpu/interpreter/block_cache.h"
#include "cpu/interpreter/supervisor.h"

namespace bantam {

class Interpreter final : public Engine {
public:
    /// Errors: host_resource when the host refuses executable memory for instructions that it executes itself.
    static Result<std::unique_ptr<Interpreter>> create(Cpu& cpu);
    ~Interpreter() override;
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;

    EngineExit run() override;
    void reset() override;

    /// Called before every instruction when set, for tracing; slows execution to one instruction a turn.
    using Tracer = std::function<void(Cpu& cpu, const isa::Instruction& instruction)>;
    void set_tracer(Tracer tracer) {
        tracer_ = std::move(tracer);
        update_supervised();
    }

    /// Lets `supervisor` look at every turn; null: nobody. Not while run() is in progress.
    void set_supervisor(interpreter::Supervisor* supervisor) {
        supervisor_ = supervisor;
        update_supervised();
    }

    /// Tells `watch` of the blocks that execute; null: nobody. Not while run() is in progress. Every block is
    /// forgotten.
    void set_block_watch(BlockWatch* watch);

    /// Gives hot code to `runner`. Once, before the first run().
    void set_block_runner(std::unique_ptr<interpreter::BlockRunner> runner);
    /// Takes it back, for somebody who puts another around it.
    [[nodiscard]] std::unique_ptr<interpreter::BlockRunner> take_block_runner();

    struct Statistics {
        u64 blocks_decoded = 0;
        u64 instructions_decoded = 0;
        u64 blocks_invalidated = 0;
        u64 immediates_patched = 0;
        u64 exceptions = 0;
    };
    [[nodiscard]] Statistics statistics() const;

private:
    Interpreter(Cpu& cpu, std::unique_ptr<host::HostExecutor> host);

    struct JumpEntry {
        u64 linear = ~u64{0};
        u64 generation = 0;
        u32 mode_key = 0;
        interpreter::Block* block = nullptr;
    };
    static constexpr std::size_t kJumpEntries = 1u << 12;

    EngineExit run_loop();
    EngineExit leave(EngineExit exit);
    std::optional<EngineExit> supervised_turn();
    std::optional<EngineExit> attend(bool& one);
    bool stops_at_exception();
    void begin_anew();
    void update_supervised() { supervised_ = tracer_ || supervisor_ != nullptr || cpu_.block_watch != nullptr; }
    void execute(const interpreter::Block& block, u64 most);
    [[nodiscard]] std::span<const isa::Instruction> rest_of_block();
    void note_rest(interpreter::Place next);
    void trace(const isa::Instruction& next);
    void execute_watched(const interpreter::Block& block, std::span<const isa::Instruction> code, bool one);
    void execute_range(const interpreter::Block& block, std::span<const isa::Instruction> code);
    [[nodiscard]] u64 instructions_within_limit(const interpreter::Block& block, u64 rip) const;
    interpreter::Block& find_block();
    interpreter::Block& find_block_slowly(Linear linear, JumpEntry& entry);
    interpreter::Block& build_block(Physical start, Linear linear);
    interpreter::Block& add_block(Physical start, u64 bytes, std::optional<Physical> second_page,
                                  std::span<const isa::Instruction> code);
    interpreter::Block& build_crossing(Physical start, Linear linear, std::span<const u8> first_part);
    void bind(isa::Instruction& instruction);
    [[nodiscard]] u64 generation() const {
        return cpu_.mmu.fetch_generation(cpu_.fetch_privilege()) + cache_.generation();
    }
    void retire_partial_block();
    void end_block_early() {
        if (current_ != end_) end_ = current_ + 1;
        if (running_translated()) runner_->break_block();
    }
    void follow_deadline();
    [[nodiscard]] Cpu::InFlight in_flight() const;
    [[nodiscard]] bool running_translated() const { return runner_ != nullptr && runner_->running(); }
    [[nodiscard]] u64 retired() const;

    Cpu& cpu_;
    std::unique_ptr<interpreter::BlockRunner> runner_;  // null: everything is interpreted
    interpreter::BlockCache cache_;
    std::unique_ptr<host::HostExecutor> host_;
    std::vector<JumpEntry> jumps_;
    std::array<isa::Instruction, interpreter::Block::kMostInstructions> decoded_;  // scratch of build_block
    Tracer tracer_;
    interpreter::Supervisor* supervisor_ = nullptr;
    bool supervised_ = false;  // by either of these two, or a BlockWatch
    Statistics statistics_;
    /// With a block watch: what is left of a block that was begun, if execution goes on there.
    struct Rest {
        interpreter::Place next;
        u64 rip = 0, instructions = 0, generation = 0;
    };
    Rest rest_;
    const interpreter::Block* running_ = nullptr;
    // The running block: [begin_, end_), of which current_ executes. All equal between blocks.
    const isa::Instruction* begin_ = nullptr;
    const isa::Instruction* current_ = nullptr;
    const isa::Instruction* end_ = nullptr;
};

}  // namespace bantam
