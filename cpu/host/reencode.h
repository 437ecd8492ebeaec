// Re-encoding: a guest instruction's bytes for the host, which runs in 64-bit mode, with its general registers and its
// memory operand renamed. Vector, MMX and x87 registers keep their numbers. SDM vol. 2, chapter 2.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "cpu/isa/instruction.h"

namespace bantam::host {

/// In `rm` of a memory operand that has no base.
inline constexpr u8 kNoBase = 5;

/// The host's register fields. Without a memory operand `rm` is a register; with one it is the base register.
struct HostFields {
    u8 reg = 0;
    u8 rm = 0;
    u8 vvvv = 0;
    u8 opcode_register = 0;
    bool memory = false;
    // The rest of the memory operand: [rm + index * 2^scale + displacement].
    bool base = true;  // false: without rm, which is kNoBase
    std::optional<u8> index{};
    u8 scale = 0;
    i32 displacement = 0;
    bool gs = false;
    bool modulo_32 = false;      // the sum is
    bool byte_register = false;  // needs a REX prefix even when no bit of it is set
};

/// One instruction of at most 15 bytes.
class HostBytes {
public:
    void byte(unsigned value) { bytes_[size_++] = static_cast<u8>(value); }
    [[nodiscard]] std::span<const u8> all() const { return {bytes_.data(), size_}; }

private:
    std::array<u8, 24> bytes_{};
    std::size_t size_ = 0;
};

/// `instruction` on the host's registers. LOCK and segment prefixes are dropped.
[[nodiscard]] HostBytes reencode(const isa::Instruction& instruction, const HostFields& fields);

}  // namespace bantam::host
