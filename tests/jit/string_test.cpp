// REP MOVS and REP STOS, which copy whole runs, against copies element by element.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/jit/flat_board.h"
#include "tests/jit/snippet.h"

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

/// In a random place of two pages, with another behind that is not there; now and then over the code's own page,
/// downwards, with more elements than a turn has, or where RSI and RDI have windows of their own.
TEST(RepeatedStringsInWindows, RunTheSame) {
    std::mt19937_64 random{::testing::UnitTest::GetInstance()->random_seed() + 1u};
    constexpr std::array<std::string_view, 4> kElement{"a4", "a5", "aa", "ab"};  // movsb, movs, stosb, stos
    for (int round = 0; round < 120 && !::testing::Test::HasFailure(); ++round) {
        const bool wide = random() % 3 != 0;
        const std::string_view size = wide ? "48" : "66";
        const std::string code = fmt::format("{}f3{}{}ffc2f4", random() % 8 == 0 ? "fd" : "fc",
                                             random() % 2 == 0 ? size : "", kElement[random() % kElement.size()]);
        const u64 region = wide && random() % 2 == 0 ? 0x7FFE00000000 : 0x20000000, code_at = 0x400000;
        Snippet snippet{.bits = wide ? 64u : 32u, .linear = code_at, .instructions = 20, .code = code, .memory = {}};
        for (u64& value : snippet.gpr) value = static_cast<u32>(random());
        snippet.gpr[kRcx] = random() % (round % 10 == 0 ? 70'000 : 600);
        snippet.gpr[kRsi] = region + random() % 0x2000;
        snippet.gpr[kRdi] = random() % 8 == 0   ? code_at + random() % 0x100
                            : random() % 2 == 0 ? snippet.gpr[kRsi] + random() % 32 - 16
                                                : 0x30000000 + random() % 0x2000;
        for (const u64 page : {region, region + 0x1000, u64{0x30000000}, u64{0x30001000}})
            snippet.memory.push_back({page + random() % 0xF00, "0102030405060708090a0b0c0d0e0f101112131415161718"});
        SCOPED_TRACE(fmt::format("round {}: {} rcx {:x} rsi {:x} rdi {:x}", round, code, snippet.gpr[kRcx],
                                 snippet.gpr[kRsi], snippet.gpr[kRdi]));
        expect_same(snippet);
    }
}

TEST(RepeatedStringsInWindows, EachTurnIsAnInstruction) {
    // rep stosb, which opens the window / mov rcx,rbx / rep stosb / inc rdx / hlt
    constexpr u64 kPages = 10, kTo = 0x20000000;
    for (const u64 count : {u64{0x7FFF}, u64{0x8000}, u64{0x8001}, kPages * kPageSize - 1}) {
        Snippet snippet{.linear = 0x400000, .instructions = 20, .code = "f3aa4889d9f3aa48ffc2f4", .memory = {}};
        snippet.gpr[kRcx] = 1;
        snippet.gpr[kRbx] = count;
        snippet.gpr[kRdi] = kTo;
        for (u64 page = 0; page < kPages; ++page) snippet.memory.push_back({kTo + page * kPageSize, "01"});
        SCOPED_TRACE(count);
        EXPECT_EQ(expect_same(snippet), EngineExit::halted);
    }
}

INSTANTIATE_TEST_SUITE_P(Engines, RepeatedStrings, ::testing::Bool(),
                         [](const auto& engine) { return engine.param ? "Translator" : "Interpreter"; });

}  // namespace
}  // namespace bantam::jit
