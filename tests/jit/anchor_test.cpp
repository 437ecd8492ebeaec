#include "jit/anchor.h"

#include <gtest/gtest.h>

#include <vector>

#include "cpu/state.h"
#include "tests/jit/decoded.h"

namespace bantam::jit {
namespace {

using Bytes = std::vector<u8>;

constexpr u64 kNextRip = 0x555500001000;

/// The last instruction's, behind the others.
Anchored anchored(const std::vector<Bytes>& code) {
    RegisterRanges ranges;
    for (std::size_t k = 0; k + 1 < code.size(); ++k) ranges.follow(decoded(code[k]));
    return anchor_of(decoded(code.back()), ranges, kNextRip);
}

const Bytes kEcxIsByte{0x0F, 0xB6, 0xC9};    // movzx ecx, cl
const Bytes kEcxIs32{0x89, 0xC9};            // mov ecx, ecx
const Bytes kRcxIsSigned{0x48, 0x63, 0xC9};  // movsxd rcx, ecx

TEST(AnchorTest, ARegisterThatMayBeAnythingIsOne) {
    EXPECT_EQ(anchored({{0x8B, 0x47, 0x10}}).anchor, Anchor::of_register(kRdi));  // mov eax, [rdi+10h]
    EXPECT_EQ(anchored({{0x8B, 0x47, 0x10}}).offset, (Range{0x10, 0x10}));
    EXPECT_EQ(anchored({{0x41, 0x8B, 0x04, 0x24}}).anchor, Anchor::of_register(kR12));        // mov eax, [r12]
    EXPECT_EQ(anchored({{0x8B, 0x04, 0x0D, 8, 0, 0, 0}}).anchor, Anchor::of_register(kRcx));  // mov eax, [rcx*1+8]
}

TEST(AnchorTest, AnIndexThatIsSmallIsAnOffset) {
    const Bytes kIndexed{0x8B, 0x44, 0xCF, 0x10};  // mov eax, [rdi+rcx*8+10h]
    EXPECT_EQ(anchored({kEcxIsByte, kIndexed}).anchor, Anchor::of_register(kRdi));
    EXPECT_EQ(anchored({kEcxIsByte, kIndexed}).offset, (Range{0x10, 0x10 + 8 * 0xFF}));
    EXPECT_EQ(anchored({kEcxIs32, kIndexed}).offset, (Range{0x10, 0x10 + 8 * 0xFFFFFFFFLL}));
    EXPECT_EQ(anchored({kRcxIsSigned, kIndexed}).offset, (Range{0x10 - 8 * 0x80000000LL, 0x10 + 8 * 0x7FFFFFFFLL}));
    EXPECT_EQ(anchored({kEcxIsByte, {0x8B, 0x44, 0x39, 0x10}}).anchor, Anchor::of_register(kRdi));  // [rcx+rdi+10h]
}

TEST(AnchorTest, OtherwiseTheSumIsOne) {
    const Anchor sum{.base = kRdi, .index = kRcx, .scale = 3};
    EXPECT_EQ(anchored({{0x8B, 0x44, 0xCF, 0x10}}).anchor, sum);
    EXPECT_EQ(anchored({{0x8B, 0x44, 0xCF, 0x10}}).offset, (Range{0x10, 0x10}));
    const Anchor scaled{.index = kRcx, .scale = 3};
    EXPECT_EQ(anchored({{0x8B, 0x04, 0xCD, 0x10, 0, 0, 0}}).anchor, scaled);  // mov eax, [rcx*8+10h]
    EXPECT_EQ(anchored({kEcxIsByte, {0x8B, 0x44, 0xF9, 0x10}}).anchor,        // mov eax, [rcx+rdi*8+10h]
              (Anchor{.base = kRcx, .index = kRdi, .scale = 3}));
    // shr rcx, 27 is less than 2^37
    EXPECT_EQ(anchored({{0x48, 0xC1, 0xE9, 27}, {0x8B, 0x04, 0x0F}}).anchor, (Anchor{.base = kRdi, .index = kRcx}));
}

TEST(AnchorTest, AddressesThatAreKnownHaveTheWindowOfTheNearest) {
    EXPECT_EQ(anchored({{0x8B, 0x05, 0, 0, 0, 0}}).anchor, Anchor::of_entry(0x5555));           // mov eax, [rip]
    EXPECT_EQ(anchored({{0x8B, 0x04, 0x25, 0, 0, 0, 0x80}}).anchor, Anchor::of_entry(0xFFFF));  // mov eax, [-2 GiB]
    EXPECT_EQ(anchored({{0x48, 0xA1, 1, 2, 3, 4, 5, 6, 0, 0}}).anchor,
              Anchor::of_entry(0x0605));  // mov rax, [60504030201h]
    const Bytes kLowTable{0x8B, 0x04, 0xCD, 0, 0, 0x40, 0}, kHighTable{0x8B, 0x04, 0xCD, 0, 0, 0, 0x82};
    EXPECT_EQ(anchored({kEcxIs32, kLowTable}).anchor, Anchor::of_entry(0));        // mov eax, [rcx*8+400000h]
    EXPECT_EQ(anchored({kEcxIs32, kHighTable}).anchor, Anchor::of_entry(0xFFFF));  // mov eax, [rcx*8-7E000000h]
    EXPECT_EQ(anchored({kRcxIsSigned, kLowTable}).anchor, Anchor::of_entry(0));
    EXPECT_EQ(anchored({{0xBF, 0, 0, 0x40, 0}, kEcxIsByte, {0x8B, 0x04, 0xCF}}).anchor, Anchor::of_entry(0));
    for (const Bytes& table : {kLowTable, kHighTable}) {
        const Range offset = anchored({kRcxIsSigned, table}).offset;
        EXPECT_GT(offset.low, -Anchored::kMostOffset);
        EXPECT_LT(offset.high, Anchored::kMostOffset);
    }
}

}  // namespace
}  // namespace bantam::jit
