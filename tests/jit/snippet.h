// Snippet: one block with the registers and the memory it needs, as `bantam run --lockstep` prints it. It runs on
// interpreter and translator, without and with windows and a BlockWatch, under paging of its own, linear addresses
// kept, and must leave the same behind.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "cpu/engine.h"
#include "jit/translator.h"

namespace bantam::jit {

struct Snippet {
    struct Memory {
        u64 linear;
        std::string_view bytes;  // hexadecimal, as all bytes here
    };
    unsigned bits = 64;  // of the code: 32, 64
    unsigned cpl = 0;
    u64 linear = 0;        // of the first byte of the code
    u64 instructions = 0;  // to run
    std::string_view code;
    std::array<u64, 16> gpr{};
    u32 eflags = 2;
    std::array<u64, 6> segment_bases{};  // ES CS SS DS FS GS
    std::string_view x87 = {};           // FXSAVE image
    u32 mxcsr = 0x1F80;
    std::string_view vectors = {};  // YMM0-15
    std::vector<Memory> memory;
};

/// Fails the running test where the engines differ; how both ended. A block that faults ends in shutdown: there is no
/// IDT.
EngineExit expect_same(const Snippet& snippet);

/// What the translator counts when it runs `snippet` with windows.
Translator::Statistics statistics_of(const Snippet& snippet);

}  // namespace bantam::jit
