// Zydis as a second opinion on the decoder. Where it accepts what no model of ours has, or differs from Intel
// processors for a known reason, zydis_reference.cpp says so in one commented list.
#pragma once

#include <span>
#include <string>

#include "cpu/isa/decoder.h"

namespace bantam::isa::test {

/// Empty when our decoder and Zydis agree on `bytes`: validity, length, mnemonic, operands (kind, register, size,
/// access, address, immediate) and flags. Otherwise a line that begins with a short category.
std::string compare_with_zydis(std::span<const u8> bytes, const DecodeMode& mode);

/// "64: 0f 0b" for messages.
std::string describe(std::span<const u8> bytes, const DecodeMode& mode);

}  // namespace bantam::isa::test
