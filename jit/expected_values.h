// ExpectedValues: what general registers most likely have at a place in a block of 64-bit code: what they have when it
// is translated, which is before it is executed, as far as its instructions are followed from there. Where pointers
// lead hardly changes from one execution to the next; nothing is relied upon.
#pragma once

#include <array>
#include <optional>

#include "cpu/cpu.h"
#include "cpu/isa/instruction.h"
#include "jit/anchor.h"

namespace bantam::jit {

class ExpectedValues {
public:
    /// The registers of `cpu`, in front of the block; memory is read as `data` allows.
    ExpectedValues(const Cpu& cpu, Mmu::FastSet data);

    [[nodiscard]] std::optional<u64> of(unsigned number) const {
        return (known_ >> number & 1) != 0 ? std::optional(values_.at(number)) : std::nullopt;
    }
    /// In front of the block again.
    void restart();
    /// Whether `value` may be a pointer: it is no null pointer, nor an offset from one.
    [[nodiscard]] static bool may_point(u64 value) { return value >= 0x10000; }
    /// Of `anchor`, one that is no constant.
    [[nodiscard]] std::optional<u64> sum_of(const Anchor& anchor) const {
        return sum_of(anchor.base, anchor.index, anchor.scale);
    }
    /// The linear address of the memory operand of `i`, in front of it. `next_rip`: behind it.
    [[nodiscard]] std::optional<u64> address_of(const isa::Instruction& i, u64 next_rip) const;
    /// `i` was executed.
    void follow(const isa::Instruction& i, u64 next_rip);

private:
    [[nodiscard]] std::optional<u64> sum_of(u8 base, u8 index, unsigned scale) const;
    [[nodiscard]] static std::optional<u64> sum_of(std::optional<u64> a, std::optional<u64> b);
    [[nodiscard]] std::optional<u64> offset_of(const isa::Instruction& i, u64 next_rip) const;
    [[nodiscard]] std::optional<u64> value_of(const isa::Instruction& i, unsigned operand, u64 next_rip) const;
    [[nodiscard]] std::optional<u64> result_of(const isa::Instruction& i, u64 next_rip) const;
    [[nodiscard]] std::optional<u64> load(u64 address, unsigned size) const;
    void set(unsigned number, std::optional<u64> value);

    const Cpu& cpu_;
    Mmu::FastSet data_;
    std::array<u64, 16> values_{};
    u32 known_ = 0;  // register n as bit n
};

}  // namespace bantam::jit
