// CheckedRunner: a BlockRunner around another, which tells an observer when a run begins and has ended.
#pragma once

#include "cpu/interpreter/block_cache.h"
#include "cpu/interpreter/block_runner.h"

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

class CheckedRunner final : public interpreter::BlockRunnerWrapper {
public:
    CheckedRunner(std::unique_ptr<interpreter::BlockRunner> inner, RunObserver& observer)
        : BlockRunnerWrapper(std::move(inner)), observer_(observer) {}

    bool run(interpreter::Block& block) override {
        observer_.run_begins(block);
        const bool ran = BlockRunnerWrapper::run(block);
        observer_.run_ended(ran);
        return ran;
    }
    void forget(interpreter::Block& block) override {
        observer_.block_forgotten(block);
        BlockRunnerWrapper::forget(block);
    }

private:
    RunObserver& observer_;
};

}  // namespace bantam::lockstep
