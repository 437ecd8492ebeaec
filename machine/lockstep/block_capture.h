// BlockCapture: all that is needed to run one block again by itself: the registers before it, its bytes, the memory
// that its instructions name, and the host code that it was translated to.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "cpu/cpu.h"
#include "cpu/interpreter/block_cache.h"
#include "jit/translation_key.h"

namespace bantam::lockstep {

class BlockCapture {
public:
    static constexpr u64 kGranule = 16;                      // memory is kept in pieces of this size and alignment
    using Memory = std::map<u64, std::array<u8, kGranule>>;  // by linear address

    /// `block`, which lies at CS:RIP of `cpu`, whose x87 registers are in CpuState. `key`: the one its translation has.
    void begin(Cpu& cpu, const interpreter::Block& block, std::optional<jit::Key> key);
    /// Keeps the memory that instruction `index` of the block reads and writes when `registers` are those before it:
    /// its operand, the top of the stack, what RSI and RDI point to if it is a string instruction. Only what was not
    /// kept before. Of long repeated string instructions only the beginning.
    void note_memory(Cpu& cpu, const CpuState& registers, std::size_t index);
    /// Keeps the host code of the translation of `block` for the captured RIP and key, if there is one now.
    void note_host_code(const interpreter::Block& block);

    [[nodiscard]] const CpuState& before() const { return before_; }
    [[nodiscard]] isa::CodeSize code_size() const { return code_size_; }
    [[nodiscard]] Linear linear() const { return linear_; }
    [[nodiscard]] const std::vector<u8>& bytes() const { return bytes_; }
    [[nodiscard]] const std::vector<isa::Instruction>& code() const { return code_; }
    [[nodiscard]] const Memory& memory() const { return memory_; }
    [[nodiscard]] u64 host_address() const { return host_address_; }
    [[nodiscard]] const std::vector<u8>& host_code() const { return host_code_; }

private:
    void keep(Cpu& cpu, u64 linear, u64 size);

    CpuState before_;
    std::optional<jit::Key> key_;
    isa::CodeSize code_size_ = isa::CodeSize::bits16;
    Linear linear_{};
    std::vector<u8> bytes_;
    std::vector<isa::Instruction> code_;
    Memory memory_;
    u64 host_address_ = 0;
    std::vector<u8> host_code_;
};

}  // namespace bantam::lockstep
