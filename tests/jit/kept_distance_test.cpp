#include "jit/kept_distance.h"

#include <gtest/gtest.h>

#include <vector>

#include "cpu/state.h"
#include "tests/jit/decoded.h"

namespace bantam::jit {
namespace {

constexpr Anchor kDestination = Anchor::of_register(kRdi);

/// RDI's distance is known; the instruction of `bytes` follows.
KeptDistance after(const std::vector<u8>& bytes, KeptDistance kept = {}) {
    if (!kept.anchor()) kept.set(kDestination);
    kept.follow(decoded(bytes));
    return kept;
}

TEST(KeptDistanceTest, ServesItsAnchorNearWhereItWas) {
    KeptDistance kept;
    EXPECT_FALSE(kept.serves(kDestination));
    kept.set(kDestination);
    EXPECT_TRUE(kept.serves(kDestination));
    EXPECT_FALSE(kept.serves(Anchor::of_register(kRsi)));
    EXPECT_FALSE(kept.serves({.base = kRdi, .index = kRsi}));
    kept.move(kRsi, 0x40000000);
    EXPECT_TRUE(kept.serves(kDestination));
    kept.move(kRdi, 1);
    kept.move(kRdi, 0x1FFFFFFE);
    EXPECT_TRUE(kept.serves(kDestination));
    kept.move(kRdi, 1);
    EXPECT_FALSE(kept.anchor());
    kept.set(kDestination);
    kept.move(kRdi, -0x20000000);
    EXPECT_FALSE(kept.anchor());
}

TEST(KeptDistanceTest, FollowsBothRegistersOfASum) {
    constexpr Anchor kSum{.base = kRdi, .index = kRsi, .scale = 3};
    KeptDistance kept;
    kept.set(kSum);
    kept.move(kRsi, 0x3FFFFFF);
    EXPECT_TRUE(kept.serves(kSum));
    kept.move(kRdi, 7);
    EXPECT_TRUE(kept.serves(kSum));
    kept.move(kRdi, 1);
    EXPECT_FALSE(kept.anchor());
    kept.set(kSum);
    EXPECT_TRUE(after({0x48, 0x83, 0xC6, 0x10}, kept).anchor());  // add rsi, 10h
    EXPECT_FALSE(after({0x48, 0x01, 0xC6}, kept).anchor());       // add rsi, rax
    EXPECT_FALSE(after({0x48, 0x89, 0xC7}, kept).anchor());       // mov rdi, rax
    EXPECT_TRUE(after({0x48, 0x89, 0xC3}, kept).anchor());        // mov rbx, rax
}

TEST(KeptDistanceTest, AConstantOutlastsRegisters) {
    const Anchor constant = Anchor::of_entry(7);
    KeptDistance kept;
    kept.set(constant);
    EXPECT_FALSE(kept.serves(Anchor::of_entry(8)));
    EXPECT_TRUE(after({0x48, 0x89, 0xC7}, kept).serves(constant));  // mov rdi, rax
    kept.begin_turn();
    kept.begin_turn();
    EXPECT_TRUE(kept.serves(constant));
    EXPECT_FALSE(after({0x4D, 0x01, 0xEC}, kept).anchor()) << "add r12, r13: kAddend is used";
}

TEST(KeptDistanceTest, FollowsWhatIsAdded) {
    const std::vector<u8> most{0x48, 0x81, 0xC7, 0xFF, 0xFF, 0xFF, 0x1F};  // add rdi, 1FFFFFFFh
    EXPECT_TRUE(after(most).anchor());
    EXPECT_FALSE(after({0x48, 0xFF, 0xC7}, after(most)).anchor());        // inc rdi
    EXPECT_TRUE(after({0x48, 0xFF, 0xCF}, after(most)).anchor());         // dec rdi
    EXPECT_FALSE(after({0x48, 0x83, 0xEF, 0xFF}, after(most)).anchor());  // sub rdi, -1
    EXPECT_FALSE(after({0x48, 0x8D, 0x7F, 0x08}, after(most)).anchor());  // lea rdi, [rdi+8]
    EXPECT_TRUE(after({0x48, 0x8D, 0x7F, 0xF8}, after(most)).anchor());   // lea rdi, [rdi-8]
}

TEST(KeptDistanceTest, OutlastsAnyNumberOfTurnsWithAnAccess) {
    KeptDistance kept;
    kept.set(kDestination);
    for (unsigned turn = 0; turn < 100; ++turn) {
        kept.note_access({-0x100, 0x100});
        kept.move(kRdi, 0x08000000);
        kept.begin_turn();
        ASSERT_TRUE(kept.serves(kDestination)) << turn;
    }
    kept.begin_turn();
    EXPECT_FALSE(kept.anchor()) << "no access in the turn before";
    kept.set(kDestination);
    kept.note_access({0, 0});
    kept.move(kRdi, 0x10000000);
    kept.begin_turn();
    EXPECT_FALSE(kept.anchor()) << "far from the access";
    kept.set(kDestination);
    kept.note_access({0, 0x10000000});
    kept.begin_turn();
    EXPECT_FALSE(kept.anchor()) << "the access may have been far away";
}

TEST(KeptDistanceTest, EndsWithAnyOtherChangeOfTheRegister) {
    const std::vector<std::vector<u8>> kEnds{
        {0x48, 0x89, 0xC7},              // mov rdi, rax
        {0x83, 0xC7, 0x01},              // add edi, 1
        {0x48, 0x01, 0xC7},              // add rdi, rax
        {0x48, 0x8D, 0x3C, 0x07},        // lea rdi, [rdi+rax]
        {0x67, 0x48, 0x8D, 0x7F, 0x08},  // lea rdi, [edi+8]
        {0x48, 0x8D, 0x7E, 0x08},        // lea rdi, [rsi+8]
        {0x5F},                          // pop rdi
        {0x40, 0x0F, 0x94, 0xC7},        // sete dil
        {0x48, 0x87, 0xF8},              // xchg rax, rdi
        {0xAA},                          // stosb
        {0x48, 0x0F, 0xC1, 0xC7},        // xadd rdi, rax
        {0x4D, 0x01, 0xEC},              // add r12, r13: two homed registers
        {0x4B, 0x8B, 0x04, 0x2C},        // mov rax, [r12+r13]: kAddend is used for the index
    };
    for (const std::vector<u8>& bytes : kEnds) {
        EXPECT_FALSE(after(bytes).anchor()) << std::hex << unsigned{bytes[0]} << ' ' << unsigned{bytes[1]};
    }
}

TEST(KeptDistanceTest, EndsWithAnImplicitChangeOfTheRegister) {
    const std::vector<std::vector<u8>> kEnds{
        {0x66, 0x0F, 0x3A, 0x61, 0xC1, 0x00},  // pcmpestri xmm0, xmm1, 0
        {0x66, 0x0F, 0x3A, 0x63, 0xC1, 0x00},  // pcmpistri xmm0, xmm1, 0
        {0xC4, 0xE3, 0x79, 0x61, 0xC1, 0x00},  // vpcmpestri xmm0, xmm1, 0
        {0xC4, 0xE3, 0x79, 0x63, 0xC1, 0x00},  // vpcmpistri xmm0, xmm1, 0
        {0xE2, 0x00},                          // loop
    };
    KeptDistance kept;
    kept.set(Anchor::of_register(kRcx));
    for (const std::vector<u8>& bytes : kEnds) EXPECT_FALSE(after(bytes, kept).anchor());
    EXPECT_TRUE(after({0x48, 0xF7, 0xE7}, kept).anchor()) << "mul rdi writes RAX and RDX";
    kept.set(Anchor::of_register(kRax));
    EXPECT_FALSE(after({0xDF, 0xE0}, kept).anchor()) << "fnstsw ax";
    EXPECT_FALSE(after({0x48, 0xF7, 0xE7}, kept).anchor()) << "mul rdi";
    EXPECT_FALSE(after({0x48, 0x98}, kept).anchor()) << "cdqe";
    EXPECT_TRUE(after({0x66, 0x0F, 0x3A, 0x62, 0xC1, 0x00}, kept).anchor()) << "pcmpistrm writes XMM0";
}

TEST(KeptDistanceTest, OutlastsTheRest) {
    const std::vector<std::vector<u8>> kOthers{
        {0x48, 0x89, 0xF8},        // mov rax, rdi
        {0x48, 0x39, 0xC7},        // cmp rdi, rax
        {0x50},                    // push rax
        {0x4C, 0x8B, 0x67, 0x08},  // mov r12, [rdi+8]
        {0x0F, 0x58, 0x07},        // addps xmm0, [rdi]
        {0xDD, 0x07},              // fld qword [rdi]
        {0x48, 0x6B, 0xC7, 0x05},  // imul rax, rdi, 5
        {0x00, 0xE7},              // add bh, ah
    };
    for (const std::vector<u8>& bytes : kOthers) {
        EXPECT_TRUE(after(bytes).anchor()) << std::hex << unsigned{bytes[0]} << ' ' << unsigned{bytes[1]};
    }
}

}  // namespace
}  // namespace bantam::jit
