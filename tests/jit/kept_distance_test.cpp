#include "jit/kept_distance.h"

#include <gtest/gtest.h>

#include <vector>

#include "cpu/isa/decoder.h"
#include "cpu/state.h"

namespace bantam::jit {
namespace {

/// RDI's distance is known; the instruction of `bytes` follows.
KeptDistance after(const std::vector<u8>& bytes, KeptDistance kept = {}) {
    if (kept.base() == KeptDistance::kNone) kept.set(kRdi);
    isa::Instruction instruction;
    EXPECT_EQ(isa::decode(bytes, {.code_size = isa::CodeSize::bits64}, instruction), isa::DecodeStatus::ok);
    kept.follow(instruction);
    return kept;
}

TEST(KeptDistanceTest, ServesItsRegisterNearWhereItWas) {
    KeptDistance kept;
    EXPECT_FALSE(kept.serves(KeptDistance::kNone, 0));
    kept.set(kRdi);
    EXPECT_TRUE(kept.serves(kRdi, 0));
    EXPECT_TRUE(kept.serves(kRdi, -0x3FFFFFFF));
    EXPECT_FALSE(kept.serves(kRdi, 0x40000000));
    EXPECT_FALSE(kept.serves(kRsi, 0));
    kept.move(kRsi, 0x40000000);
    EXPECT_TRUE(kept.serves(kRdi, 0x3FFFFFFF));
    kept.move(kRdi, 1);
    EXPECT_FALSE(kept.serves(kRdi, 0x3FFFFFFF));
    kept.move(kRdi, 0x1FFFFFFF);
    EXPECT_EQ(kept.base(), KeptDistance::kNone);
}

TEST(KeptDistanceTest, FollowsWhatIsAdded) {
    EXPECT_TRUE(after({0x48, 0x81, 0xC7, 0, 0, 0, 0x10}).serves(kRdi, 0x2FFFFFFF));  // add rdi, 10000000h
    EXPECT_FALSE(after({0x48, 0x81, 0xC7, 0, 0, 0, 0x10}).serves(kRdi, 0x30000000));
    EXPECT_TRUE(after({0x48, 0x83, 0xEF, 0x10}).serves(kRdi, 0x4000000F));  // sub rdi, 10h
    EXPECT_FALSE(after({0x48, 0x83, 0xEF, 0x10}).serves(kRdi, 0x40000010));
    EXPECT_FALSE(after({0x48, 0xFF, 0xC7}).serves(kRdi, 0x3FFFFFFF));        // inc rdi
    EXPECT_TRUE(after({0x48, 0xFF, 0xCF}).serves(kRdi, 0x40000000));         // dec rdi
    EXPECT_FALSE(after({0x48, 0x8D, 0x7F, 0x08}).serves(kRdi, 0x3FFFFFF8));  // lea rdi, [rdi+8]
    KeptDistance kept = after({0x48, 0x81, 0xC7, 0, 0, 0, 0x0F});            // add rdi, 0F000000h
    kept = after({0x48, 0x81, 0xC7, 0, 0, 0, 0x0F}, kept);
    EXPECT_TRUE(kept.serves(kRdi, 0));
    EXPECT_EQ(after({0x48, 0x81, 0xC7, 0, 0, 0, 0x0F}, kept).base(), KeptDistance::kNone);
}

TEST(KeptDistanceTest, OutlastsAnyNumberOfTurnsWithAnAccess) {
    KeptDistance kept;
    kept.set(kRdi);
    for (unsigned turn = 0; turn < 100; ++turn) {
        kept.note_access(0x100);
        kept.move(kRdi, 0x08000000);
        kept.begin_turn();
        ASSERT_TRUE(kept.serves(kRdi, 0x3FFFFFFF)) << turn;
    }
    kept.begin_turn();
    EXPECT_EQ(kept.base(), KeptDistance::kNone) << "no access in the turn before";
    kept.set(kRdi);
    kept.note_access(0);
    kept.move(kRdi, 0x10000000);
    kept.begin_turn();
    EXPECT_EQ(kept.base(), KeptDistance::kNone) << "far from the access";
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
        {0x48, 0xF7, 0xE7},              // mul rdi
        {0x4D, 0x01, 0xEC},              // add r12, r13: two homed registers
        {0x4A, 0x8B, 0x04, 0x26},        // mov rax, [rsi+r12]: kAddend is used for the index
    };
    for (const std::vector<u8>& bytes : kEnds) {
        EXPECT_EQ(after(bytes).base(), KeptDistance::kNone)
            << std::hex << unsigned{bytes[0]} << ' ' << unsigned{bytes[1]};
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
    kept.set(kRcx);
    for (const std::vector<u8>& bytes : kEnds) EXPECT_EQ(after(bytes, kept).base(), KeptDistance::kNone);
    kept.set(kRax);
    EXPECT_EQ(after({0xDF, 0xE0}, kept).base(), KeptDistance::kNone) << "fnstsw ax";
    EXPECT_EQ(after({0x66, 0x0F, 0x3A, 0x62, 0xC1, 0x00}, kept).base(), kRax) << "pcmpistrm writes XMM0";
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
        EXPECT_EQ(after(bytes).base(), kRdi) << std::hex << unsigned{bytes[0]} << ' ' << unsigned{bytes[1]};
    }
}

}  // namespace
}  // namespace bantam::jit
