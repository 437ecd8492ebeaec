// BlockWatch: who is told of the blocks that execute (Interpreter::set_block_watch), the same with both engines:
// translated code tells of each block at its head. Without one neither engine has a check for it.
//
// Blocks are the interpreter's. One that either engine leaves in its midst for something between two instructions is
// finished where nothing came of that, and told of once. Execution that begins in the middle of a block, because an
// interrupt, a fault or a jump led there, begins another.
#pragma once

#include "cpu/cpu.h"
#include "cpu/interpreter/block_cache.h"
#include "cpu/isa/table.h"

namespace bantam {

/// The instruction of `block` that execution goes on with after `last` when RIP is `offset` bytes behind the block's
/// beginning: the next one, or `last` again (REP). Null: it goes on elsewhere.
inline const isa::Instruction* next_in_block(const interpreter::Block& block, const isa::Instruction& last,
                                             u64 offset) {
    if (block.second_page || (isa::row_of(last).attributes & isa::kEndsBlock) != 0) return nullptr;
    if (offset == last.next_offset) return &last + 1 == block.code + block.count ? nullptr : &last + 1;
    const bool again = last.repeat != isa::RepeatPrefix::none && offset + last.length == last.next_offset;
    return again ? &last : nullptr;
}

class BlockWatch {
public:
    virtual ~BlockWatch() = default;

    /// `block`, which lies at CS:RIP, was decoded and is about to be looked at for the first time. What it returns is
    /// counted up before each execution of the block; null: nothing is counted.
    virtual u64* decoded(const interpreter::Block& block) = 0;
    /// It wants executing() to be called.
    [[nodiscard]] virtual bool each_execution() const = 0;
    /// `block`, which lies at CS:RIP, is about to execute. What asks for attention meanwhile is served first; what
    /// overwrites the block leads to another one.
    virtual void executing(const interpreter::Block& block) = 0;

    /// For the interpreter: counts and tells, unless this execution was told of already.
    void tell(const Cpu& cpu, const interpreter::Block& block) {
        const Place here{cpu.state.instructions, cpu.state.rip()};
        if (here == told_) return;
        told_ = here;
        if (block.executions != nullptr) ++*block.executions;
        if (each_execution()) executing(block);
    }
    /// For translated code, which counts itself, after `instructions`.
    void tell_translated(const Cpu& cpu, const interpreter::Block& block, u64 instructions) {
        told_ = {instructions, cpu.state.rip()};
        executing(block);
    }
    /// The block at CS:RIP was told of, but was not executed since: the interpreter is to execute it.
    [[nodiscard]] bool told(const Cpu& cpu) const { return Place{cpu.state.instructions, cpu.state.rip()} == told_; }

private:
    struct Place {
        u64 instructions = ~u64{0}, rip = 0;
        bool operator==(const Place&) const = default;
    };
    Place told_;
};

}  // namespace bantam
