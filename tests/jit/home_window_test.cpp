#include "jit/home_window.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/jit/snippet.h"

namespace bantam::jit {
namespace {

void note(HomeWindow& home, u16 entry, unsigned times) {
    for (unsigned k = 0; k < times; ++k) home.note_access(entry);
}

TEST(HomeWindowTest, ItIsTheFirst4GiBUntilAnotherIsFarBetter) {
    HomeWindow home;
    note(home, 0x5555, 255);
    EXPECT_FALSE(home.moves()) << "too few to tell";
    note(home, 0x5555, 1);
    EXPECT_TRUE(home.moves());
    EXPECT_EQ(home.entry(), 0x5555);
    note(home, 0x5555, 250);
    note(home, 0xFFFF, 900);
    EXPECT_FALSE(home.moves()) << "not by far";
    note(home, 0xFFFF, 1023);
    EXPECT_FALSE(home.moves()) << "it takes four times as many now";
    note(home, 0xFFFF, 1);
    EXPECT_TRUE(home.moves());
    EXPECT_EQ(home.entry(), 0xFFFF);
    note(home, 0xFFFF, 5000);
    EXPECT_FALSE(home.moves());
}

TEST(HomeWindowTest, WhereNothingIsLostTheBetterOneIsTaken) {
    HomeWindow home;
    home.settle();
    EXPECT_EQ(home.entry(), 0);
    note(home, 0, 10);
    note(home, 7, 11);
    home.settle();
    EXPECT_EQ(home.entry(), 7);
    home.settle();
    EXPECT_EQ(home.entry(), 7);
}

TEST(HomeWindowTest, ManyOthersDoNotHideTheOneThatIsUsedMost) {
    HomeWindow home;
    for (u16 other = 100; other < 300; ++other) {
        home.note_access(other);
        home.note_access(9);
    }
    home.settle();
    EXPECT_EQ(home.entry(), 9);
}

TEST(HomeWindowTest, CodeThatRunsGoesOnWithTheNewOne) {
    // l: 150 times add rax,[rsi] / 150 times add [rdi],rax / dec ecx / jnz l / hlt, longer than an interval of the
    // policy.
    constexpr u64 kTurns = 7000, kInstructions = 302;
    std::string code;
    for (unsigned k = 0; k < 150; ++k) code += "480306";
    for (unsigned k = 0; k < 150; ++k) code += "480107";
    code += "ffc90f8574fcfffff4";  // 300 * 3 + 8 bytes back
    Snippet snippet{.linear = 0x400000,
                    .instructions = kInstructions * kTurns + 10,
                    .code = code,
                    .memory = {{0x555500002000, "0300000000000000"}, {0x555500003000, "0000000000000000"}}};
    snippet.gpr[1] = kTurns;
    snippet.gpr[6] = 0x555500002000;
    snippet.gpr[7] = 0x555500003000;
    EXPECT_EQ(expect_same(snippet), EngineExit::halted);
    EXPECT_EQ(statistics_of(snippet).flushes, 1u);
}

}  // namespace
}  // namespace bantam::jit
