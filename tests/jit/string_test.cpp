// REP MOVS and REP STOS, which copy whole runs, against copies element by element.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "tests/jit/flat_board.h"

namespace bantam::jit {
namespace {

constexpr u64 kRegion = 0x20000, kRegionBytes = 0x4000;

class RepeatedStrings : public ::testing::TestWithParam<bool> {
protected:
    RepeatedStrings() {
        for (u64 at = 0; at < kRegionBytes; ++at) expected[at] = static_cast<u8>(random());
        board.poke(kRegion, expected);
    }
    /// REP with `opcode` for operands of `size` bytes, then INC EDX, again and again.
    void run(u8 opcode, unsigned size, u64 from, u64 to, u64 count) {
        std::vector<u8> code;
        if (size == 2) code.push_back(0x66);
        code.insert(code.end(), {0xF3, static_cast<u8>(size == 1 ? opcode - 1 : opcode), 0x42, 0xEB, 0xFE});
        board.poke(kCodeAt, code);
        CpuState& s = board.state();
        s.rip() = kCodeAt;
        s.gpr[kRsi] = kRegion + from;
        s.gpr[kRdi] = kRegion + to;
        s.gpr[kRcx] = count;
        s.gpr[kRdx] = 0;
        for (int turn = 0; turn < 10 && s.gpr[kRdx] == 0; ++turn) EXPECT_EQ(board.run(2), EngineExit::deadline);
        EXPECT_EQ(s.gpr[kRcx], 0u);
        EXPECT_EQ(s.gpr[kRdi], kRegion + to + count * size);
    }
    void expect_memory() {
        for (u64 at = 0; at < kRegionBytes; at += 4) {
            u32 value;
            std::memcpy(&value, &expected[at], 4);
            ASSERT_EQ(board.peek32(kRegion + at), value) << at;
        }
    }

    std::mt19937 random{1};
    std::vector<u8> expected = std::vector<u8>(kRegionBytes);
    FlatBoard board{GetParam(), {}};
};

TEST_P(RepeatedStrings, MovsCopiesElementByElement) {
    for (int round = 0; round < 300; ++round) {
        const unsigned size = 1u << random() % 3;
        const u64 count = random() % (round % 2 == 0 ? 40 : 2000);
        const u64 from = 64 + random() % 4096, to = from - 20 + random() % 80;
        run(0xA5, size, from, to, count);
        for (u64 element = 0; element < count; ++element)
            std::memmove(&expected[to + element * size], &expected[from + element * size], size);
        expect_memory();
        if (HasFailure()) FAIL() << "size " << size << ", distance " << static_cast<i64>(to - from);
    }
}

TEST_P(RepeatedStrings, StosStoresEveryElement) {
    for (int round = 0; round < 200; ++round) {
        const unsigned size = 1u << random() % 3;
        const u64 count = random() % (round % 2 == 0 ? 40 : 2000), to = random() % 4096;
        const auto value = static_cast<u32>(round % 3 == 0 ? 0x5A5A5A5A : random());
        board.state().gpr[kRax] = value;
        run(0xAB, size, 0, to, count);
        for (u64 element = 0; element < count; ++element) std::memcpy(&expected[to + element * size], &value, size);
        expect_memory();
    }
}

INSTANTIATE_TEST_SUITE_P(Engines, RepeatedStrings, ::testing::Bool(),
                         [](const auto& engine) { return engine.param ? "Translator" : "Interpreter"; });

}  // namespace
}  // namespace bantam::jit
