#include "jit/checked_anchors.h"

#include <gtest/gtest.h>

#include <vector>

#include "cpu/state.h"
#include "tests/jit/decoded.h"

namespace bantam::jit {
namespace {

constexpr Anchor kDestination = Anchor::of_register(kRdi), kSource = Anchor::of_register(kRsi),
                 kCopy = Anchor::of_register(kRax);
constexpr u16 kEntry = 0x5555;

/// RDI points into the window of kEntry; the instruction of `bytes` follows.
CheckedAnchors after(const std::vector<u8>& bytes) {
    CheckedAnchors checked;
    checked.add(kDestination, kEntry);
    checked.follow(decoded(bytes));
    return checked;
}

TEST(CheckedAnchorsTest, KnowWhatWasAdded) {
    CheckedAnchors checked;
    EXPECT_TRUE(checked.empty());
    checked.add(kDestination, kEntry);
    checked.add(kSource, 7);
    EXPECT_EQ(checked.entry_of(kDestination), kEntry);
    EXPECT_EQ(checked.entry_of(kSource), 7);
    EXPECT_EQ(checked.entry_of({.base = kRdi, .index = kRsi}), std::nullopt);
    checked.forget();
    EXPECT_EQ(checked.entry_of(kSource), std::nullopt);
}

TEST(CheckedAnchorsTest, ForgetTheOldestOfMany) {
    CheckedAnchors checked;
    for (u8 number = 0; number < 7; ++number) checked.add(Anchor::of_register(number), number);
    EXPECT_EQ(checked.entry_of(Anchor::of_register(0)), std::nullopt);
    for (u8 number = 1; number < 7; ++number) EXPECT_EQ(checked.entry_of(Anchor::of_register(number)), number);
}

TEST(CheckedAnchorsTest, FollowWhatInstructionsDo) {
    EXPECT_EQ(after({0x48, 0x83, 0xC7, 0x10}).entry_of(kDestination), kEntry);                 // add rdi, 10h
    EXPECT_EQ(after({0x48, 0x8B, 0x07}).entry_of(kDestination), kEntry);                       // mov rax, [rdi]
    EXPECT_EQ(after({0x48, 0x8B, 0x3F}).entry_of(kDestination), std::nullopt);                 // mov rdi, [rdi]
    EXPECT_EQ(after({0x48, 0x01, 0xC7}).entry_of(kDestination), std::nullopt);                 // add rdi, rax
    EXPECT_EQ(after({0x48, 0x81, 0xC7, 0, 0, 0, 0x20}).entry_of(kDestination), std::nullopt);  // add rdi, 20000000h
    EXPECT_EQ(after({0x0F, 0xA2}).entry_of(kDestination), std::nullopt);                       // cpuid
}

TEST(CheckedAnchorsTest, CopiesAreKnownToo) {
    EXPECT_EQ(after({0x48, 0x89, 0xF8}).entry_of(kCopy), kEntry);                       // mov rax, rdi
    EXPECT_EQ(after({0x48, 0x89, 0xF8}).entry_of(kDestination), kEntry);                // the same
    EXPECT_EQ(after({0x48, 0x8D, 0x47, 0x08}).entry_of(kCopy), kEntry);                 // lea rax, [rdi+8]
    EXPECT_EQ(after({0x89, 0xF8}).entry_of(kCopy), std::nullopt);                       // mov eax, edi
    EXPECT_EQ(after({0x67, 0x48, 0x8D, 0x47, 0x08}).entry_of(kCopy), std::nullopt);     // lea rax, [edi+8]
    EXPECT_EQ(after({0x48, 0x8D, 0x04, 0x37}).entry_of(kCopy), std::nullopt);           // lea rax, [rdi+rsi]
    EXPECT_EQ(after({0x48, 0x8D, 0x87, 0, 0, 0, 0x20}).entry_of(kCopy), std::nullopt);  // lea rax, [rdi+20000000h]
    EXPECT_EQ(after({0x48, 0x0F, 0x42, 0xC7}).entry_of(kCopy), std::nullopt);           // cmovc rax, rdi
    EXPECT_EQ(after({0x48, 0x89, 0xFF}).entry_of(kDestination), std::nullopt) << "mov rdi, rdi is no addition";
}

TEST(CheckedAnchorsTest, ACopyHasMovedAsFar) {
    CheckedAnchors checked;
    checked.add(kDestination, kEntry);
    checked.move(kRdi, 0x1FFFFFFF);
    checked.follow(decoded({0x48, 0x89, 0xF8}));  // mov rax, rdi
    EXPECT_EQ(checked.entry_of(kCopy), kEntry);
    checked.move(kRax, 1);
    EXPECT_EQ(checked.entry_of(kCopy), std::nullopt);
    EXPECT_EQ(checked.entry_of(kDestination), kEntry);
    checked.follow(decoded({0x48, 0x8D, 0x47, 0x01}));  // lea rax, [rdi+1]
    EXPECT_EQ(checked.entry_of(kCopy), std::nullopt);
}

TEST(CheckedAnchorsTest, ATurnBeginsWithThoseThatWereAccessed) {
    CheckedAnchors checked;
    checked.add(kDestination, kEntry);
    checked.add(kSource, 7);
    checked.note_access(kSource, {0, 8});
    checked.begin_turn();
    EXPECT_EQ(checked.entry_of(kDestination), std::nullopt);
    EXPECT_EQ(checked.entry_of(kSource), 7);
}

TEST(CheckedAnchorsTest, ContainThoseThatKnowNoMore) {
    CheckedAnchors one, other;
    EXPECT_TRUE(one.contain(other));
    other.add(kSource, 7);
    EXPECT_FALSE(one.contain(other));
    one.add(kDestination, kEntry);
    one.add(kSource, 8);
    EXPECT_FALSE(one.contain(other));
    one.forget();
    one.add(kSource, 7);
    EXPECT_TRUE(one.contain(other));
}

}  // namespace
}  // namespace bantam::jit
