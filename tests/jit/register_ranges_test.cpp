#include "jit/register_ranges.h"

#include <gtest/gtest.h>

#include <vector>

#include "cpu/state.h"
#include "tests/jit/decoded.h"

namespace bantam::jit {
namespace {

using Bytes = std::vector<u8>;

RegisterRanges after(const std::vector<Bytes>& code) {
    RegisterRanges ranges;
    for (const Bytes& bytes : code) ranges.follow(decoded(bytes));
    return ranges;
}

const Bytes kEaxIs100{0xB8, 0x64, 0, 0, 0};                     // mov eax, 100
const Bytes kAlToEax{0x0F, 0xB6, 0xC0};                         // movzx eax, al
const Bytes kMinus5{0x48, 0xC7, 0xC0, 0xFB, 0xFF, 0xFF, 0xFF};  // mov rax, -5

constexpr Range kByte{0, 0xFF};

TEST(RegisterRangesTest, NothingIsKnownAtFirst) {
    EXPECT_FALSE(RegisterRanges{}.of(kRax).known());
    EXPECT_FALSE(after({{0x48, 0x89, 0xD8}}).of(kRax).known());  // mov rax, rbx
}

TEST(RegisterRangesTest, FollowsWhatIsKnownOfRax) {
    struct Case {
        std::vector<Bytes> code;
        Range expected;
    };
    const std::vector<Case> kCases{
        {{kEaxIs100}, {100, 100}},
        {{kMinus5}, {-5, -5}},
        {{{0x89, 0xD8}}, kUnsigned32},                          // mov eax, ebx
        {{kEaxIs100, {0x89, 0xC3}, {0x89, 0xD8}}, {100, 100}},  // mov ebx, eax / mov eax, ebx
        {{kMinus5, {0x89, 0xC0}}, kUnsigned32},                 // mov eax, eax
        {{kAlToEax}, kByte},
        {{{0x0F, 0xB6, 0xC4}}, kByte},                                                // movzx eax, ah
        {{{0x0F, 0xB7, 0x07}}, {0, 0xFFFF}},                                          // movzx eax, word [rdi]
        {{{0x8B, 0x07}}, kUnsigned32},                                                // mov eax, [rdi]
        {{{0x48, 0x0F, 0xBE, 0x07}}, {-128, 127}},                                    // movsx rax, byte [rdi]
        {{{0x0F, 0xBE, 0x07}}, kUnsigned32},                                          // movsx eax, byte [rdi]
        {{{0x48, 0x63, 0xC3}}, {-0x80000000LL, 0x7FFFFFFF}},                          // movsxd rax, ebx
        {{kEaxIs100, {0x48, 0x63, 0xC0}}, {100, 100}},                                // movsxd rax, eax
        {{{0x48, 0x98}}, {-0x80000000LL, 0x7FFFFFFF}},                                // cdqe
        {{{0x83, 0xE0, 0x07}}, {0, 7}},                                               // and eax, 7
        {{{0x83, 0xE0, 0xF8}}, {0, 0xFFFFFFF8}},                                      // and eax, -8
        {{{0x48, 0x83, 0xE0, 0x07}}, {0, 7}},                                         // and rax, 7
        {{kAlToEax, {0x48, 0x21, 0xD8}}, kByte},                                      // and rax, rbx
        {{{0x31, 0xC0}}, {0, 0}},                                                     // xor eax, eax
        {{{0x48, 0x29, 0xC0}}, {0, 0}},                                               // sub rax, rax
        {{kAlToEax, {0x83, 0xC0, 0x01}}, {1, 0x100}},                                 // add eax, 1
        {{kAlToEax, {0x83, 0xE8, 0x01}}, kUnsigned32},                                // sub eax, 1
        {{kAlToEax, {0x48, 0x83, 0xE8, 0x01}}, {-1, 0xFE}},                           // sub rax, 1
        {{kAlToEax, {0x48, 0xFF, 0xC0}}, {1, 0x100}},                                 // inc rax
        {{kAlToEax, {0x48, 0xFF, 0xC8}}, {-1, 0xFE}},                                 // dec rax
        {{kAlToEax, {0xB3, 3}, {0x0F, 0xB6, 0xDB}, {0x48, 0x01, 0xD8}}, {0, 0x1FE}},  // movzx ebx, bl / add rax, rbx
        {{kAlToEax, {0x8D, 0x44, 0x80, 0x03}}, {3, 5 * 0xFF + 3}},                    // lea eax, [rax+rax*4+3]
        {{{0x8D, 0x44, 0x80, 0x03}}, kUnsigned32},
        {{{0x67, 0x48, 0x8D, 0x44, 0x80, 0x03}}, kUnsigned32},                  // lea rax, [eax+eax*4+3]
        {{{0xC1, 0xE8, 0x18}}, kByte},                                          // shr eax, 24
        {{{0x48, 0xC1, 0xE8, 0x20}}, kUnsigned32},                              // shr rax, 32
        {{kEaxIs100, {0x0F, 0x44, 0xC3}}, kUnsigned32},                         // cmove eax, ebx
        {{kEaxIs100, {0xBB, 7, 0, 0, 0}, {0x48, 0x0F, 0x44, 0xC3}}, {7, 100}},  // mov ebx, 7 / cmove rax, rbx
        {{kEaxIs100, {0x8A, 0x07}}, kUnsigned32},                               // mov al, [rdi]
        {{kEaxIs100, {0x66, 0x83, 0xC0, 0x01}}, kUnsigned32},                   // add ax, 1
        {{{0x0F, 0x31}}, {}},                                                   // rdtsc
        {{{0xF7, 0xD8}}, kUnsigned32},                                          // neg eax
        {{{0x0F, 0xAF, 0xC3}}, kUnsigned32},                                    // imul eax, ebx
        {{kEaxIs100, {0x39, 0xD8}}, {100, 100}},                                // cmp eax, ebx
        {{kEaxIs100, {0x50}}, {100, 100}},                                      // push rax
        {{kEaxIs100, {0x0F, 0x58, 0x07}}, {100, 100}},                          // addps xmm0, [rdi]
    };
    for (const Case& each : kCases) {
        const Range range = after(each.code).of(kRax);
        const Bytes& last = each.code.back();
        EXPECT_EQ(range.low, each.expected.low) << std::hex << unsigned{last[0]} << ' ' << unsigned{last[1]};
        EXPECT_EQ(range.high, each.expected.high) << std::hex << unsigned{last[0]} << ' ' << unsigned{last[1]};
    }
}

TEST(RegisterRangesTest, WhatIsNotFollowedMayBeAnything) {
    const std::vector<Bytes> kWrites{
        {0x58},                                // pop rax
        {0x48, 0x8B, 0x07},                    // mov rax, [rdi]
        {0x48, 0x01, 0xD8},                    // add rax, rbx
        {0x48, 0xF7, 0xD8},                    // neg rax
        {0x48, 0xF7, 0xE3},                    // mul rbx
        {0xF7, 0xF3},                          // div ebx
        {0x66, 0x98},                          // cbw
        {0x0F, 0xA2},                          // cpuid
        {0x48, 0x0F, 0xB1, 0x1F},              // cmpxchg [rdi], rbx
        {0x48, 0xB8, 0, 0, 0, 0, 0, 1, 0, 0},  // mov rax, 10000000000h
        {0x0F, 0xA4, 0xD8, 0x00},              // shld eax, ebx, 0: may leave the upper half alone
        {0x0F, 0xBC, 0xC3},                    // bsf eax, ebx: the same
        {0x66, 0x0F, 0xC5, 0xC1, 0x01},        // pextrw eax, xmm1, 1
        {0x48, 0xC1, 0xE8, 0x10},              // shr rax, 16
        {0x48, 0x8D, 0x05, 0, 0, 0, 0},        // lea rax, [rip]
    };
    for (const Bytes& bytes : kWrites) {
        EXPECT_FALSE(after({kEaxIs100, bytes}).of(kRax).known())
            << std::hex << unsigned{bytes[0]} << unsigned{bytes[1]};
    }
    EXPECT_FALSE(after({{0xBC, 0, 0, 1, 0}}).of(kRsp).known()) << "mov esp, 10000h";
    const Bytes kEcxIs5{0xB9, 5, 0, 0, 0};
    EXPECT_TRUE(after({kEcxIs5, {0x75, 0}}).of(kRcx).known()) << "jne";
    EXPECT_FALSE(after({kEcxIs5, {0xE2, 0}}).of(kRcx).known()) << "loop";
    EXPECT_FALSE(after({kEcxIs5, {0x66, 0x0F, 0x3A, 0x63, 0xC1, 0}}).of(kRcx).known()) << "pcmpistri";
}

TEST(RegisterRangesTest, AnImmediateThatIsReadFromMemoryIsNotKnown) {
    isa::Instruction instruction = decoded(kEaxIs100);
    instruction.reads_immediate = true;
    RegisterRanges ranges;
    ranges.follow(instruction);
    EXPECT_EQ(ranges.of(kRax), kUnsigned32);
}

TEST(RegisterRangesTest, JoinsWaysThatMeet) {
    RegisterRanges ranges = after({kEaxIs100, {0x31, 0xDB}});  // xor ebx, ebx
    ranges.join(after({kAlToEax}));
    EXPECT_EQ(ranges.of(kRax), kByte);
    EXPECT_FALSE(ranges.of(kRbx).known());
}

}  // namespace
}  // namespace bantam::jit
