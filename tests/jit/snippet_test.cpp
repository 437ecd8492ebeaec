// Blocks that once ran differently under the translator, as `bantam run --lockstep` reported them; and that the form
// itself works: what the report prints compiles here and runs.
#include "tests/jit/snippet.h"

#include <gtest/gtest.h>

namespace bantam::jit {
namespace {

TEST(SnippetTest, RunsThirtyTwoBitCode) {
    // add dword ptr [200000h], ecx / dec ecx / jnz
    const Snippet kSnippet{
        .bits = 32,
        .cpl = 0,
        .linear = 0x100025,
        .instructions = 3,
        .code = "010d000020004975f7",
        .gpr = {0x2badb002, 0x2710, 0x0, 0x10000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0},
        .eflags = 0x46,
        .segment_bases = {0x0, 0x0, 0x0, 0x0, 0x0, 0x0},
        .memory = {{0x200000, "01000000000000000000000000000000"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
}

TEST(SnippetTest, RunsSixtyFourBitCodeWithVectors) {
    // movups xmm1, [rsi] / addps xmm1, xmm0 / movups [rsi+10h], xmm1 / push rbp / mov r12, [rsp] / add r12, fs:[8]
    const Snippet kSnippet{.bits = 64,
                           .cpl = 3,
                           .linear = 0x7f0012345ff0,
                           .instructions = 6,
                           .code = "0f100e0f58c80f114e10554c8b2424644c03242508000000",
                           .gpr = {0x1, 0x2, 0x3, 0x4, 0x7ffff000, 0x123456789abcdef0, 0x555555556000},
                           .eflags = 0x202,
                           .segment_bases = {0x0, 0x0, 0x0, 0x0, 0x600000000000, 0x0},
                           .mxcsr = 0x1f80,
                           .vectors = "0000803f0000004000004040000080400000000000000000000000000000000000000000",
                           .memory = {{0x7fffeff0, "00000000000000000000000000000000"},
                                      {0x555555556000,
                                       "0000803f0000004000004040000080400000000000000000"
                                       "0000000000000000"},
                                      {0x600000000000, "00000000000000008877665544332211"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
}

TEST(SnippetTest, RunsFaults) {
    // mov eax, [rbx] where nothing is mapped: without an IDT, a shutdown for both.
    const Snippet kSnippet{
        .bits = 64, .cpl = 0, .linear = 0xffffffff81000000, .instructions = 3, .code = "8b0390", .memory = {}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::shutdown);
}

TEST(SnippetTest, ACallWhosePushOverwritesItsOperandFaults) {
    // call [rsp-8] or call [rbx], which leads where no address is canonical / hlt
    for (const std::string_view code : {"ff5424f8f4", "ff13f4"}) {
        const Snippet kSnippet{.linear = 0x400000,
                               .instructions = 10,
                               .code = code,
                               .gpr = {0, 0, 0, 0x20000FF8, 0x20001000},
                               .memory = {{0x20000FF8, "0102030405060708"}}};
        EXPECT_EQ(expect_same(kSnippet), EngineExit::shutdown);
    }
}

TEST(SnippetTest, PointersMoveAcrossTheEndsOfWindows) {
    // Data on both sides of 4 GiB, the stack on both sides of 700000000000h; a call that saves registers.
    // l: mov rax,[rdi] / add rdi,20h / add [rdi],rax / mov rdx,[rdi+8] / push rax / push rdx / push [rdi+10h] /
    // mov rbp,rsp / pop rbx / pop rsi / add rsi,[rdi+8] / pop r12 / lea rdi,[rdi-20h] / push r12 / call f /
    // xor [rdi],r12 / mov r8d,[rdi+8] / inc rdi / add [rdi+7],r8 / dec rdi / dec rcx / jnz l / hlt
    // f: push rbx / push r12 / sub rsp,18h / mov [rsp],rcx / mov r9,[rdi] / add rsp,18h / pop r12 / pop rbx / ret 8
    for (const u64 pointer : {0xFFFFFFC0UL, 0xFFFFFFF0UL, 0x100000000UL}) {
        for (const u64 stack : {0x6FFFFFFFFFF0UL, 0x700000000008UL, 0x700000000018UL, 0x700000000100UL}) {
            const Snippet kSnippet{
                .linear = 0x400000,
                .instructions = 3000,
                .code =
                    "488b074883c720480107488b57085052ff77104889e55b5e48037708415c488d7fe04154e8170000004c3127448b"
                    "470848ffc74c01470748ffcf48ffc975c1f45341544883ec1848890c244c8b0f4883c418415c5bc20800",
                .gpr = {1, 1000, 2, 3, stack, 4, 5, pointer},
                .memory = {{0xFFFFFFC0, "0102030405060708090a0b0c0d0e0f10"},
                           {0x100000000, "1112131415161718191a1b1c1d1e1f20"},
                           {0x6FFFFFFFFFF0, "00"},
                           {0x700000000000, "00"}}};
            EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
        }
    }
}

TEST(SnippetTest, TheStackMovesFromWindowToWindow) {
    // l: push rax / mov rdx,[rsp] / mov rsp,rbx / push rdx / movups [rsp-20h],xmm0 / xchg rsp,rdi / push rax /
    // add [rsp],rcx / pop rdx / xchg rsp,rdi / mov rbp,rsi / leave / add rsp,r8 / push rdx / sub rsp,r8 /
    // lea rsp,[rsp+1000h] / pop r9 / sub rsp,1008h / add rsp,8 / dec rcx / jnz l / hlt
    constexpr u64 kFourth = 0x50000000F00;
    for (const u64 frame : {0x7FFDFFFFF800UL, 0x7FFDFFFFFFF0UL, 0x7FFDFFFFFFF8UL, 0x7FFE00000000UL}) {
        const Snippet kSnippet{
            .linear = 0x400000,
            .instructions = 2000,
            .code =
                "50488b14244889dc520f114424e04887e75048010c245a4887e74889f5c94c01c4524c29c4488da42400"
                "10000041594881ec081000004883c40848ffc975c1f4",
            .gpr = {1, 1000, 2, 0x600000000800, frame + 8, 4, frame, 0x10000800, kFourth - frame},
            .memory = {{0x10000000, "00"},
                       {kFourth, "00"},
                       {0x600000000000, "00"},
                       {0x7FFDFFFFF000, "0102030405060708"},
                       {0x7FFE00000000, "1112131415161718"},
                       {0x7FFE00001000, "2122232425262728"}}};
        EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
    }
}

TEST(SnippetTest, TheStackLiesWhereNoBaseCanLead) {
    // l: push rax / mov rdx,[rsp] / mov rsp,rbx / push rdx / pop r9 / mov rsp,rdi / push r9 / mov rsp,rsi / push rcx /
    // mov rsp,rbp / dec rcx / jnz l / hlt: at the first addresses of the upper half, among a kernel's, in a program.
    constexpr u64 kLowest = 0xFFFF800000001000, kAllocated = 0xFFFFC90000001000, kDirect = 0xFFFF888000001000;
    const Snippet kSnippet{
        .linear = 0xFFFFFFFF81000000,
        .instructions = 1200,
        .code = "50488b14244889dc5241594889fc41514889f4514889ec48ffc975e4f4",
        .gpr = {1, 1000, 2, kLowest, kLowest, 0x7FFE00001000, kDirect, kAllocated},
        .memory = {{kLowest - 8, "00"}, {kAllocated - 8, "00"}, {kDirect - 8, "00"}, {0x7FFE00000FF8, "00"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
}

TEST(SnippetTest, AWindowForTheStackTakesTheDatas) {
    // l: mov rsp,rbx / mov rax,[rdi] / push rax / add rax,[rdi+8] / mov [rdi],rax / add rbx,r8 / dec rcx / jnz l / hlt:
    // a window for each push, until there are no more and all are closed; then the stack has the one that the data had.
    constexpr u64 kStacks = 100, kFirst = 0x100000001000, kApart = u64{4} << 30, kData = 0x555500000F00;
    Snippet snippet{.linear = 0x400000,
                    .instructions = 8 * kStacks,
                    .code = "4889dc488b0750480347084889074c01c348ffc975eaf4",
                    .gpr = {0, kStacks, 0, kFirst, 0, 0, 0, kData, kApart},
                    .memory = {{kData, "01000000000000000300000000000000"}}};
    for (u64 stack = 0; stack < kStacks; ++stack) snippet.memory.push_back({kFirst + stack * kApart - 8, "00"});
    EXPECT_EQ(expect_same(snippet), EngineExit::deadline);
}

TEST(SnippetTest, TheStackDriftsWithoutAnAccess) {
    // l: sub rsp,400h / dec rcx / jnz l / push rcx / hlt: 4 GiB down.
    constexpr u64 kRounds = 1 << 22, kTop = 0x7FF000001000;
    const Snippet kSnippet{.linear = 0x400000,
                           .instructions = 3 * kRounds + 1,
                           .code = "4881ec0004000048ffc975f451f4",
                           .gpr = {1, kRounds, 2, 3, kTop},
                           .memory = {{kTop, "00"}, {kTop - (u64{4} << 30) - 8, "0102030405060708"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
}

TEST(SnippetTest, AHandlerLeavesTheDistanceToTheNextAccess) {
    // l: mov [rbx],al, in a page with code: by the handler, and after some times without a window / mov rdx,[rbx+8] /
    // dec rcx / jnz l / hlt
    const Snippet kSnippet{.linear = 0x400000,
                           .instructions = 400,
                           .code = "8803488b530848ffc975f5f4",
                           .gpr = {1, 100, 0, 0x400800},
                           .memory = {{0x400800, "0102030405060708090a0b0c0d0e0f10"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
    EXPECT_EQ(statistics_of(kSnippet).kept_from_windows, 1u);
}

TEST(SnippetTest, PagesThatDisplacedEachOtherTryWindowsAgain) {
    // l: mov rax,[rsi] / mov rdx,[rdi], in an entry of the TLB with the page before / dec ecx / jnz l / mov rdi,rsi /
    // mov ecx,ebx / jmp l
    const Snippet kSnippet{.linear = 0x400000,
                           .instructions = 14'000'000,
                           .code = "488b06488b17ffc975f64889f789d9ebef",
                           .gpr = {0, 1000, 0, 10'000'000, 0, 0, 0x10000000, 0x10000000 + Mmu::kEntries * kPageSize},
                           .memory = {{0x10000000, "01"}, {0x10000000 + Mmu::kEntries * kPageSize, "02"}}};
    const Translator::Statistics n = statistics_of(kSnippet);
    EXPECT_EQ(n.kept_from_windows, 2u);
    EXPECT_EQ(n.windows_tried_again, 1u);
}

TEST(SnippetTest, ARegisterIsAnOffsetWhereTheDisplacementIsAnAddress) {
    // l: mov rax,[rdi-40000000] / add [rdi-40000000],rcx / dec ecx / jnz l / hlt
    const Snippet kSnippet{.linear = 0x400000,
                           .instructions = 400,
                           .code = "488b87000000c048018f000000c0ffc975eef4",
                           .gpr = {0, 1000, 0, 0, 0, 0, 0, 8},
                           .memory = {{0xFFFFFFFFC0000008, "0102030405060708"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
    EXPECT_LE(statistics_of(kSnippet).slow_faults, 2u);
}

TEST(SnippetTest, FlagsOutlastADivisionUntilTheyAreReplaced) {
    // l: xor ecx,ecx / div ebx / mov ebp,edi / lahf / add esi,eax / cmp ebp,esi / div ebx / mov ebp,edi / div ebx
    // / xor ebp,edx / dec ebx / jmp l, until a quotient is too large: #DE with the flags of before.
    for (const u64 divisor : {5, 100, 1000, 1001}) {
        const Snippet kSnippet{.linear = 0x400000,
                               .instructions = 20'000,
                               .code = "31c9f7f389fd9f01c639f5f7f389fdf7f331d5ffcbebe9",
                               .gpr = {77, 0, 0, divisor, 0, 9, 0x80000001, 3},
                               .memory = {}};
        EXPECT_EQ(expect_same(kSnippet), EngineExit::shutdown);
    }
}

TEST(SnippetTest, SelectorsAreReadWithoutTheirHandlers) {
    // l: push ds / push es / push fs / push gs / push ss / push cs, over a page's end / mov eax,ds / mov dx,fs / mov
    // [esi],es / mov [esi+2],cs / add ecx,eax / dec ebx / jnz l / hlt
    const Snippet kSnippet{.bits = 32,
                           .linear = 0x400000,
                           .instructions = 1000,
                           .code = "1e060fa00fa8160e8cd8668ce28c068c4e0201c14b75eaf4",
                           .gpr = {1, 2, 0x33333333, 1000, 0x20001010, 0, 0x10000FFE},
                           .segment_bases = {0, 0, 0, 0, 0x1000, 0x2000},
                           .memory = {{0x1FFFE000, "aa"},
                                      {0x1FFFF000, "bb"},
                                      {0x20000000, "cc"},
                                      {0x20001000, "dd"},
                                      {0x10000FF0, "ee"},
                                      {0x10001000, "ff"}}};
    EXPECT_EQ(expect_same(kSnippet), EngineExit::deadline);
    const Translator::Statistics n = statistics_of(kSnippet);
    EXPECT_EQ(n.handed_over_by[static_cast<std::size_t>(isa::Mnemonic::PushSegment)], 0u);
    EXPECT_EQ(n.handed_over_by[static_cast<std::size_t>(isa::Mnemonic::MovSegment)], 0u);
}

TEST(SnippetTest, SelectorsAreReadInto64BitRegisters) {
    // l: mov eax,ss / mov rdx,cs / mov bp,ds / mov r12,es / mov r13d,fs / mov r14w,gs / add rbx,rax / add rbx,rdx / add
    // rbx,r12 / add rbx,r13 / dec ecx / jnz l / hlt
    Snippet snippet{.linear = 0x400000,
                    .instructions = 1000,
                    .code = "8cd0488cca668cdd498cc4418ce566418cee4801c34801d34c01e34c01ebffc975def4",
                    .memory = {}};
    snippet.gpr.fill(0xAAAAAAAABBBBBBBB);
    snippet.gpr[1] = 10;
    EXPECT_EQ(expect_same(snippet), EngineExit::halted);
    EXPECT_EQ(statistics_of(snippet).handed_over_by[static_cast<std::size_t>(isa::Mnemonic::MovSegment)], 10u)
        << "that into R14's lowest two bytes";
}

}  // namespace
}  // namespace bantam::jit
