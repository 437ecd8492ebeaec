// CheckedRunner: a BlockRunner around another, which tells an observer when a run begins and has ended.
#pragma once

#include <memory>

#include "cpu/interpreter/block_cache.h"

namespace bantam::lockstep {

class RunObserver {
public:
    virtual ~RunObserver() = default;
    virtual void run_begins(interpreter::Block& block) = 0;
    /// False: the block was declined. Not called when an exception left the run.
    virtual void run_ended(bool ran) = 0;
    /// `block` is about to lose its translations.
    virtual void block_forgotten(const interpreter::Block& block) = 0;
};

class CheckedRunner final : public interpreter::BlockRunner {
public:
    CheckedRunner(std::unique_ptr<interpreter::BlockRunner> inner, RunObserver& observer)
        : inner_(std::move(inner)), observer_(observer) {}

    bool run(interpreter::Block& block) override {
        observer_.run_begins(block);
        const bool ran = inner_->run(block);
        observer_.run_ended(ran);
        return ran;
    }
    [[nodiscard]] bool running() const override { return inner_->running(); }
    [[nodiscard]] u64 retired() const override { return inner_->retired(); }
    [[nodiscard]] interpreter::Place in_flight() const override { return inner_->in_flight(); }
    void break_block() override { inner_->break_block(); }
    void abandon() override { inner_->abandon(); }
    void forget(interpreter::Block& block) override {
        observer_.block_forgotten(block);
        inner_->forget(block);
    }
    void forget_all() override { inner_->forget_all(); }

private:
    std::unique_ptr<interpreter::BlockRunner> inner_;
    RunObserver& observer_;
};

}  // namespace bantam::lockstep
