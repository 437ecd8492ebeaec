#include "jit/expected_values.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/jit/decoded.h"
#include "tests/jit/engine_board.h"

namespace bantam::jit {
namespace {

using Bytes = std::vector<u8>;

constexpr u64 kNextRip = 0x401000, kAt = 0x3000;

class ExpectedValuesTest : public testing::Test {
protected:
    ExpectedValuesTest() {
        board_.poke32(kAt, 0x11223344);
        board_.poke32(kAt + 4, 0x55667788);
        u64 value = 0;
        MemoryFault fault;
        EXPECT_TRUE(board_.cpu().mmu.read({kAt}, 8, Privilege::supervisor, value, fault)) << "fills the TLB";
        for (unsigned number = 0; number < 16; ++number) board_.state().gpr[number] = 0x1000 * number;
        board_.state().gpr[kRsi] = kAt;
        board_.state().gpr[kRsp] = kAt;
    }
    [[nodiscard]] ExpectedValues after(const std::vector<Bytes>& code) const {
        ExpectedValues values(board_.cpu(), Mmu::fast_set(Privilege::supervisor));
        for (const Bytes& bytes : code) values.follow(decoded(bytes), kNextRip);
        return values;
    }

    mutable EngineBoard<> board_{u64{1} << 20, false, {}};
};

TEST_F(ExpectedValuesTest, BeginWithTheRegisters) {
    EXPECT_EQ(after({}).of(kRdi), 0x7000u);
    EXPECT_EQ(after({}).of(kR15), 0xF000u);
}

TEST_F(ExpectedValuesTest, FollowWhatInstructionsDo) {
    struct Case {
        Bytes bytes;
        unsigned number;
        std::optional<u64> value;
    };
    const std::vector<Case> cases{
        {{0x48, 0x89, 0xF8}, kRax, 0x7000},                                  // mov rax, rdi
        {{0x89, 0xF8}, kRax, 0x7000},                                        // mov eax, edi
        {{0x48, 0xC7, 0xC0, 0xFF, 0xFF, 0xFF, 0xFF}, kRax, ~u64{0}},         // mov rax, -1
        {{0xB8, 0xFF, 0xFF, 0xFF, 0xFF}, kRax, 0xFFFFFFFF},                  // mov eax, -1
        {{0x48, 0x8D, 0x44, 0x8F, 0x10}, kRax, 0x7000 + 4 * 0x1000 + 0x10},  // lea rax, [rdi+rcx*4+10h]
        {{0x48, 0x8D, 0x05, 0x10, 0, 0, 0}, kRax, kNextRip + 0x10},          // lea rax, [rip+10h]
        {{0x48, 0x01, 0xF8}, kRax, 0x7000},                                  // add rax, rdi
        {{0x48, 0x29, 0xC7}, kRdi, 0x7000},                                  // sub rdi, rax
        {{0x48, 0x83, 0xEF, 0x01}, kRdi, 0x6FFF},                            // sub rdi, 1
        {{0x48, 0x83, 0xE7, 0xF0}, kRdi, 0x7000},                            // and rdi, -16
        {{0x48, 0x83, 0xCF, 0x0F}, kRdi, 0x700F},                            // or rdi, 15
        {{0x31, 0xFF}, kRdi, 0},                                             // xor edi, edi
        {{0x48, 0xC1, 0xE7, 0x04}, kRdi, 0x70000},                           // shl rdi, 4
        {{0x48, 0xC1, 0xEF, 0x04}, kRdi, 0x700},                             // shr rdi, 4
        {{0x48, 0xFF, 0xC7}, kRdi, 0x7001},                                  // inc rdi
        {{0x48, 0xFF, 0xCF}, kRdi, 0x6FFF},                                  // dec rdi
        {{0x48, 0x8B, 0x06}, kRax, 0x5566778811223344},                      // mov rax, [rsi]
        {{0x8B, 0x06}, kRax, 0x11223344},                                    // mov eax, [rsi]
        {{0x0F, 0xB6, 0x06}, kRax, 0x44},                                    // movzx eax, byte [rsi]
        {{0x48, 0x63, 0x46, 0x04}, kRax, 0x55667788},                        // movsxd rax, [rsi+4]
        {{0x48, 0x0F, 0xBE, 0xC0}, kRax, 0},                                 // movsx rax, al
        {{0x58}, kRax, 0x5566778811223344},                                  // pop rax
        {{0x58}, kRsp, kAt + 8},                                             // the same
        {{0x50}, kRsp, kAt - 8},                                             // push rax
        {{0x48, 0x8B, 0x07}, kRax, std::nullopt},                            // mov rax, [rdi], which was not accessed
        {{0xB0, 0x05}, kRax, std::nullopt},                                  // mov al, 5
        {{0x48, 0x0F, 0xAF, 0xC7}, kRax, std::nullopt},                      // imul rax, rdi
        {{0x48, 0x0F, 0x42, 0xF8}, kRdi, 0x7000},                            // cmovc rdi, rax
        {{0x0F, 0xA2}, kRdi, std::nullopt},                                  // cpuid
        {{0x48, 0x8B, 0x06}, kRdi, 0x7000},                                  // mov rax, [rsi]
    };
    for (const Case& each : cases) {
        EXPECT_EQ(after({each.bytes}).of(each.number), each.value)
            << std::hex << unsigned{each.bytes[0]} << ' ' << unsigned{each.bytes[1 % each.bytes.size()]};
    }
    EXPECT_EQ(after({{0x48, 0x8B, 0x07}, {0x48, 0x89, 0xC3}}).of(kRbx), std::nullopt)
        << "nothing follows from unknowns";
}

TEST_F(ExpectedValuesTest, WhatIsAddedToAPointerLeavesItInItsWindow) {
    board_.state().gpr[kRdi] = 0xFFFF888000001000;
    const Bytes unknown{0x48, 0x0F, 0xAF, 0xC0};                                               // imul rax, rax
    EXPECT_EQ(after({unknown, {0x48, 0x01, 0xC7}}).of(kRdi), 0xFFFF888000001000);              // add rdi, rax
    EXPECT_EQ(after({unknown, {0x48, 0x01, 0xF8}}).of(kRax), 0xFFFF888000001000);              // add rax, rdi
    EXPECT_EQ(after({unknown, {0x48, 0x8D, 0x54, 0xC7, 0x08}}).of(kRdx), 0xFFFF888000001008);  // lea rdx, [rdi+rax*8+8]
    EXPECT_EQ(after({unknown, {0x48, 0x8D, 0x54, 0x07, 0x08}}).of(kRdx), 0xFFFF888000001008);  // lea rdx, [rdi+rax+8]
    EXPECT_EQ(after({unknown, {0x48, 0x01, 0xC1}}).of(kRcx), std::nullopt) << "RCX is no pointer";  // add rcx, rax
    EXPECT_EQ(after({unknown, {0x48, 0x0F, 0x42, 0xC7}}).of(kRax), 0xFFFF888000001000);             // cmovc rax, rdi
}

TEST_F(ExpectedValuesTest, RestartInFrontOfTheBlock) {
    ExpectedValues values = after({{0x48, 0x0F, 0xAF, 0xC7}, {0x48, 0x83, 0xEF, 0x01}});  // imul rax, rdi / sub rdi, 1
    values.restart();
    EXPECT_EQ(values.of(kRax), 0u);
    EXPECT_EQ(values.of(kRdi), 0x7000u);
}

TEST_F(ExpectedValuesTest, AddressesHaveTheirSegmentsBase) {
    board_.cpu().set_segment(kGs, 16, 0x100000, 0xFFFFFFFF, 0xC093);
    EXPECT_EQ(after({}).address_of(decoded({0x8B, 0x47, 0x10}), kNextRip), 0x7010u);          // mov eax, [rdi+10h]
    EXPECT_EQ(after({}).address_of(decoded({0x65, 0x8B, 0x47, 0x10}), kNextRip), 0x107010u);  // gs:
    EXPECT_EQ(after({}).address_of(decoded({0x8B, 0x05, 0x10, 0, 0, 0}), kNextRip), kNextRip + 0x10);
    EXPECT_EQ(after({{0x0F, 0xA2}}).address_of(decoded({0x8B, 0x07}), kNextRip), std::nullopt);  // behind cpuid
}

}  // namespace
}  // namespace bantam::jit
