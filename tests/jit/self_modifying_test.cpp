// Programs that write their own code, and data beside it: interpreter and translator must do the same.
#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <vector>

#include "tests/jit/flat_board.h"

namespace bantam::jit {
namespace {

/// Machine code that is being put together.
class Program {
public:
    void put(std::initializer_list<unsigned> bytes) {
        for (const unsigned byte : bytes) code.push_back(static_cast<u8>(byte));
    }
    void put32(u32 value) {
        for (unsigned k = 0; k < 4; ++k) code.push_back(static_cast<u8>(value >> 8 * k));
    }
    [[nodiscard]] u32 here() const { return static_cast<u32>(kCodeAt + code.size()); }

    std::vector<u8> code;
};

/// Instructions with immediates, stores to these and to what is beside them, thirty times over.
class RandomProgram : public Program {
public:
    explicit RandomProgram(unsigned seed) : random_(seed) {
        put({0xBD});  // mov ebp,30
        put32(30);
        const u32 top = here();
        for (unsigned k = 0; k < 24; ++k) any(3) == 0 ? put_store() : put_immediate();
        put({0x4D, 0x0F, 0x85});  // dec ebp / jnz top
        put32(top - (here() + 4));
        put({0xF4});
        for (const std::size_t place : stores_) aim(place);
    }

private:
    unsigned any(unsigned count) { return static_cast<unsigned>(random_() % count); }

    void put_immediate() {
        const unsigned operation = any(8), reg = any(4);
        switch (any(6)) {
            case 0:
                put({0x80, 0xC0 | operation << 3 | reg, any(256)});
                break;
            case 1:
                put({0x66, 0x81, 0xC0 | operation << 3 | reg, any(256), any(256)});
                break;
            case 2:
                put({0x83, 0xC0 | operation << 3 | reg, any(256)});
                break;
            case 3:  // to memory at [esi+disp8]
                put({0x81, 0x46 | operation << 3, any(128)});
                put32(static_cast<u32>(random_()));
                break;
            case 4:
                put({0xB8 | reg});
                put32(static_cast<u32>(random_()));
                break;
            default:
                put({0x81, 0xC0 | operation << 3 | reg});
                put32(static_cast<u32>(random_()));
                break;
        }
        ends_.push_back(here());
    }
    void put_store() {
        const unsigned reg = any(4);
        switch (any(5)) {
            case 0:
                put({0x88, 0x05 | reg << 3});
                break;
            case 1:
                put({0x66, 0x89, 0x05 | reg << 3});
                break;
            case 2:
                put({0x0F, 0x11, 0x05 | reg << 3});  // movups
                break;
            case 3:
                put({0x01, 0x05 | reg << 3});  // add
                break;
            default:
                put({0x89, 0x05 | reg << 3});
                break;
        }
        stores_.push_back(code.size());
        put32(0);
    }
    /// Most stores go to immediates, some elsewhere in the page, few to anything of the program.
    void aim(std::size_t place) {
        u32 target = ends_.at(any(static_cast<unsigned>(ends_.size()))) - 1 - any(4);
        if (any(3) == 0) target = here() + any(0x800);
        if (any(20) == 0) target = static_cast<u32>(kCodeAt) + any(static_cast<unsigned>(code.size()));
        for (unsigned k = 0; k < 4; ++k) code.at(place + k) = static_cast<u8>(target >> 8 * k);
    }

    std::mt19937 random_;
    std::vector<u32> ends_;            // of instructions with immediates
    std::vector<std::size_t> stores_;  // where their addresses are
};

void expect_same_memory(FlatBoard& one, FlatBoard& other) {
    for (u64 at = kCodeAt; at < kCodeAt + kPageSize; at += 4) ASSERT_EQ(one.peek32(at), other.peek32(at)) << at;
    for (u64 at = kDataAt; at < kDataAt + 0x100; at += 4) ASSERT_EQ(one.peek32(at), other.peek32(at)) << at;
}

TEST(SelfModifying, RandomPrograms) {
    u64 patched = 0, translations = 0;
    for (unsigned seed = 1; seed <= 400; ++seed) {
        const RandomProgram program(seed);
        FlatBoard interpreted(false, program.code), translated(true, program.code);
        std::mt19937 random(seed);
        for (unsigned turn = 0; turn < 200; ++turn) {
            const u64 slice = 1 + random() % 60;
            const EngineExit exit = interpreted.run(slice);
            ASSERT_EQ(translated.run(slice), exit) << "seed " << seed;
            expect_same(interpreted, translated);
            expect_same_memory(interpreted, translated);
            if (::testing::Test::HasFailure()) FAIL() << "seed " << seed;
            if (exit != EngineExit::deadline) break;
        }
        EXPECT_EQ(interpreted.engine().statistics().immediates_patched,
                  translated.engine().statistics().immediates_patched);
        patched += translated.engine().statistics().immediates_patched;
        translations += translated.statistics().translations;
    }
    EXPECT_GT(patched, 1000u);
    EXPECT_GT(translations, 400u);
}

TEST(SelfModifying, APatchedImmediateIsData) {
    // mov ecx,100 / l: mov [p+1],ecx / p: add eax,0 / dec ecx / jnz l / jmp $
    constexpr u8 kPatching[] = {0xB9, 100, 0, 0, 0, 0x89, 0x0D, 0x0C, 0x80, 0,   0,
                                0x05, 0,   0, 0, 0, 0x49, 0x75, 0xF2, 0xEB, 0xFE};
    for (const bool translated : {false, true}) {
        FlatBoard board(translated, kPatching);
        EXPECT_EQ(board.run(10'000), EngineExit::deadline);
        EXPECT_EQ(board.state().gpr[kRax], 5050u);
        const Interpreter::Statistics statistics = board.engine().statistics();
        EXPECT_EQ(statistics.immediates_patched, 3u)
            << "in the blocks from the start, from the patch and from the loop's top";
        EXPECT_EQ(statistics.blocks_invalidated, 0u);
        // It is still seen when other code takes the place.
        const u8 sub_eax = 0x2D;
        board.poke(0x800B, std::span(&sub_eax, 1));
        EXPECT_EQ(board.engine().statistics().blocks_invalidated, 3u);
        board.state().rip() = kCodeAt;
        EXPECT_EQ(board.run(10'000), EngineExit::deadline);
        EXPECT_EQ(board.state().gpr[kRax], 0u);
    }
}

TEST(SelfModifying, DmaPatchesImmediates) {
    constexpr u8 kMove[] = {0xB8, 1, 0, 0, 0, 0xEB, 0xFE};
    for (const bool translated : {false, true}) {
        FlatBoard board(translated, kMove);
        for (const u32 value : {1u, 2u, 0xFFFFFFFFu}) {
            board.poke32(kCodeAt + 1, value);
            board.state().rip() = kCodeAt;
            EXPECT_EQ(board.run(10), EngineExit::deadline);
            EXPECT_EQ(board.state().gpr[kRax], value);
        }
        // The same with the byte after it: no immediate alone.
        board.poke32(kCodeAt + 2, 0x90ABCDEF);
        board.state().rip() = kCodeAt;
        EXPECT_EQ(board.run(1), EngineExit::deadline);
        EXPECT_EQ(board.state().gpr[kRax], 0xABCDEFFFu);
    }
}

// Every size, over the end of the page, and over the end of the code.
TEST(SelfModifying, StoresBesideCode) {
    for (const unsigned size : {1u, 2u, 4u, 16u}) {
        for (const u32 at : {0x8040u, 0x80FFu, 0x8FF0u, 0x8FFFu, 0x7FFFu, 0x8010u}) {
            Program program;
            program.put({0xB9});  // mov ecx,40
            program.put32(40);
            if (size == 2) program.put({0x66});
            size == 16 ? program.put({0x0F, 0x11}) : program.put({size == 1 ? 0x88u : 0x89u});
            program.put({0x0D});  // mov [at],ecx or movups [at],xmm1
            program.put32(at);
            program.put({0x49, 0x75, static_cast<u8>(-static_cast<int>(program.code.size() - 2))});
            program.put({0xF4});
            FlatBoard interpreted(false, program.code), translated(true, program.code);
            EXPECT_EQ(translated.run(1000), interpreted.run(1000));
            expect_same(interpreted, translated);
            expect_same_memory(interpreted, translated);
            EXPECT_EQ(translated.invalidated(), interpreted.invalidated());
        }
    }
}

TEST(SelfModifying, StoresBesideCodeStayInTranslatedCode) {
    // mov ecx,100000 / l: inc dword [8100h] / dec ecx / jnz l / hlt
    constexpr u8 kCounting[] = {0xB9, 0xA0, 0x86, 1, 0, 0xFF, 0x05, 0, 0x81, 0, 0, 0x49, 0x75, 0xF7, 0xF4};
    Optimisations without_windows;
    without_windows.disable(Optimisation::windows);
    FlatBoard board(true, kCounting, without_windows);
    EXPECT_EQ(board.run(1'000'000), EngineExit::halted);
    EXPECT_EQ(board.peek32(0x8100), 100'000u);
    EXPECT_LT(board.statistics().slow_paths, 10u);
}

TEST(SelfModifying, APageWhoseCodeIsGoneIsLikeAnyOther) {
    // mov ecx,10000 / l: inc dword [9100h] / dec ecx / jnz l / jmp $
    constexpr u8 kCounting[] = {0xB9, 0x10, 0x27, 0, 0, 0xFF, 0x05, 0, 0x91, 0, 0, 0x49, 0x75, 0xF7, 0xEB, 0xFE};
    Optimisations without_windows;
    without_windows.disable(Optimisation::windows);
    FlatBoard board(true, kCounting, without_windows);
    const u8 forever[] = {0xEB, 0xFE}, nop[] = {0x90};
    board.poke(0x9000, forever);
    const auto run_at = [&board](u64 rip) {
        board.state().rip() = rip;
        EXPECT_EQ(board.run(100'000), EngineExit::deadline);
    };
    run_at(0x9000);
    run_at(kCodeAt);
    EXPECT_TRUE(board.memory().holds_code({0x9000}));
    board.poke(0x9000, nop);
    EXPECT_FALSE(board.memory().holds_code({0x9000}));
    run_at(kCodeAt);
    EXPECT_EQ(board.peek32(0x9100), 20'000u);
    EXPECT_LT(board.statistics().slow_paths, 10u);
}

// One instruction in two linear pages that are the same physical one.
TEST(SelfModifying, AnInstructionMeetsItsOwnPageAgain) {
    for (const bool translated : {false, true}) {
        FlatBoard board(translated, {});
        board.map_one_elsewhere(0xF000);                 // linear 10000h is F000h too
        constexpr u8 kBegin[] = {0xB8, 0x11, 0x22};      // mov eax,....
        constexpr u8 kEnd[] = {0x33, 0x44, 0xEB, 0xFE};  // ....2211h / jmp $
        board.poke(0xFFFD, kBegin);
        board.poke(0xF000, kEnd);
        const auto run = [&board] {
            board.state().rip() = 0xFFFD;
            EXPECT_EQ(board.run(10), EngineExit::deadline);
            return static_cast<u32>(board.state().gpr[kRax]);
        };
        EXPECT_EQ(run(), 0x44332211u);
        const u8 byte[] = {0x55};
        board.poke(0xF000, byte);
        EXPECT_EQ(run(), 0x44552211u);
        board.poke(0xFFFE, byte);
        EXPECT_EQ(run(), 0x44552255u);
    }
}

}  // namespace
}  // namespace bantam::jit
