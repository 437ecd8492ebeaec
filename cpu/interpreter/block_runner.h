// BlockRunner: what may run cached blocks in the interpreter's place: the translator (jit/). The interpreter keeps
// finding blocks, attention, deadlines, exceptions and every block that the runner declines.
#pragma once

#include <memory>

#include "cpu/isa/instruction.h"

namespace bantam::interpreter {

struct Block;

/// An instruction of a block.
struct Place {
    const Block* block = nullptr;
    const isa::Instruction* instruction = nullptr;
};

class BlockRunner {
public:
    virtual ~BlockRunner() = default;

    /// Executes from `block`, which lies at CS:RIP, on into others as far as it likes, never past CpuState::deadline.
    /// CpuState is exact when it returns. False: nothing was executed, the interpreter has to run the block. Exceptions
    /// leave it by Cpu::raise.
    virtual bool run(Block& block) = 0;
    /// The instruction that comes next in the block that the last run(), which returned true, left in its midst; no
    /// block: it did not. For a BlockWatch, which is told of such a block once.
    [[nodiscard]] virtual Place unfinished() const = 0;

    // --- while run() is in progress
    [[nodiscard]] virtual bool running() const = 0;
    /// As Cpu::retired().
    [[nodiscard]] virtual u64 retired() const = 0;
    /// The instruction that a handler executes.
    [[nodiscard]] virtual Place in_flight() const = 0;
    /// run() shall return after the current instruction.
    virtual void break_block() = 0;
    /// CpuState::deadline has come nearer; the current instruction may pass it.
    virtual void deadline_moved() = 0;
    /// An exception left run(): CpuState::instructions becomes the count up to and without the current instruction.
    virtual void abandon() = 0;

    // --- told by the block cache, perhaps while running
    /// `block` is no longer valid; it stays in memory until forget_all.
    virtual void forget(Block& block) = 0;
    /// No block is valid any more, and their memory goes when run() has returned.
    virtual void forget_all() = 0;
};

/// A runner around another: what does not override a member leaves it to that one.
class BlockRunnerWrapper : public BlockRunner {
public:
    explicit BlockRunnerWrapper(std::unique_ptr<BlockRunner> inner) : inner_(std::move(inner)) {}
    bool run(Block& block) override { return inner_->run(block); }
    [[nodiscard]] Place unfinished() const override { return inner_->unfinished(); }
    [[nodiscard]] bool running() const override { return inner_->running(); }
    [[nodiscard]] u64 retired() const override { return inner_->retired(); }
    [[nodiscard]] Place in_flight() const override { return inner_->in_flight(); }
    void break_block() override { inner_->break_block(); }
    void deadline_moved() override { inner_->deadline_moved(); }
    void abandon() override { inner_->abandon(); }
    void forget(Block& block) override { inner_->forget(block); }
    void forget_all() override { inner_->forget_all(); }

private:
    std::unique_ptr<BlockRunner> inner_;
};

}  // namespace bantam::interpreter
