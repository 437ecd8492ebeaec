// Blocks that once ran differently under the translator, as `bantam run --lockstep` reported them; and that the form
// itself works: what the report prints compiles here and runs.
#include "tests/jit/snippet.h"

#include <gtest/gtest.h>

namespace bantam::jit {
namespace {

TEST(SnippetTest, RunsThirtyTwoBitCode) {
    // add dword ptr [200000h], ecx / dec ecx / jnz
    const Snippet kSnippet{
        .bits = 32,
        .cpl = 0,
        .linear = 0x100025,
        .instructions = 3,
        .code = "010d000020004975f7",
        .gpr = {0x2badb002, 0x2710, 0x0, 0x10000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0},
        .eflags = 0x46,
        .segment_bases = {0x0, 0x0, 0x0, 0x0, 0x0, 0x0},
        .memory = {{0x200000, "01000000000000000000000000000000"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
}

TEST(SnippetTest, RunsSixtyFourBitCodeWithVectors) {
    // movups xmm1, [rsi] / addps xmm1, xmm0 / movups [rsi+10h], xmm1 / push rbp / mov r12, [rsp] / add r12, fs:[8]
    const Snippet kSnippet{.bits = 64,
                           .cpl = 3,
                           .linear = 0x7f0012345ff0,
                           .instructions = 6,
                           .code = "0f100e0f58c80f114e10554c8b2424644c03242508000000",
                           .gpr = {0x1, 0x2, 0x3, 0x4, 0x7ffff000, 0x123456789abcdef0, 0x555555556000},
                           .eflags = 0x202,
                           .segment_bases = {0x0, 0x0, 0x0, 0x0, 0x600000000000, 0x0},
                           .mxcsr = 0x1f80,
                           .vectors = "0000803f0000004000004040000080400000000000000000000000000000000000000000",
                           .memory = {{0x7fffeff0, "00000000000000000000000000000000"},
                                      {0x555555556000,
                                       "0000803f0000004000004040000080400000000000000000"
                                       "0000000000000000"},
                                      {0x600000000000, "00000000000000008877665544332211"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
}

TEST(SnippetTest, RunsFaults) {
    // mov eax, [rbx] where nothing is mapped: without an IDT, a shutdown for both.
    const Snippet kSnippet{
        .bits = 64, .cpl = 0, .linear = 0xffffffff81000000, .instructions = 3, .code = "8b0390", .memory = {}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::shutdown);
}

}  // namespace
}  // namespace bantam::jit
