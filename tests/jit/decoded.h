// Instructions of 64-bit code, by their bytes.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "cpu/isa/decoder.h"

namespace bantam::jit {

inline isa::Instruction decoded(const std::vector<u8>& bytes) {
    isa::Instruction instruction;
    EXPECT_EQ(isa::decode(bytes, {.code_size = isa::CodeSize::bits64}, instruction), isa::DecodeStatus::ok);
    return instruction;
}

}  // namespace bantam::jit
