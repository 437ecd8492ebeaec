// Blocks that jump to themselves (Emitter::allow_loop): what scratch registers keep from turn to turn, and how such a
// loop is left.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "jit/register_map.h"
#include "tests/jit/snippet.h"

namespace bantam::jit {
namespace {

/// A random loop: registers of all kinds, three pointers that move, the ends of windows near two of them.
class RandomLoop {
public:
    RandomLoop(u64 seed, unsigned bits) : random_(seed), wide_(bits == 64) {
        code_.init(asmjit::Environment(wide_ ? asmjit::Arch::kX64 : asmjit::Arch::kX86));
        code_.attach(&a_);
        choose_registers();
        const asmjit::Label start = a_.newLabel();
        a_.bind(start);
        const unsigned length = 3 + below(10);
        for (unsigned k = 0; k < length; ++k) instruction();
        a_.dec(whole(1));
        a_.jnz(start);
        a_.hlt();
        code_.flatten();
        const asmjit::CodeBuffer& buffer = code_.sectionById(0)->buffer();
        for (std::size_t k = 0; k < buffer.size(); ++k) hex_ += fmt::format("{:02x}", buffer.data()[k]);
    }

    [[nodiscard]] Snippet snippet() {
        constexpr u64 kStack = 0x20001000;
        Snippet snippet{.bits = wide_ ? 64u : 32u,
                        .linear = 0x400000,
                        .instructions = 100 + below(700),
                        .code = hex_,
                        .memory = {}};
        for (u64& value : snippet.gpr) value = random_() & (wide_ ? ~u64{0} : 0xFFFFFFFF);
        snippet.gpr[1] = 1 + below(60);
        snippet.gpr[4] = kStack;
        snippet.segment_bases[4] = 24;  // of FS
        // The third: in the page of the code, too, where stores are not a window's business.
        const u64 third = below(2) == 0 ? 0x400800 : 0x10001000;
        const auto places = wide_ ? std::array<u64, kPointers>{0x100000000, 0x7FFE00000000, third}
                                  : std::array<u64, kPointers>{0x7FFFF000, 0xFFFE0000, third};
        for (unsigned k = 0; k < pointers_.size(); ++k) {
            snippet.gpr[pointers_[k]] = places[k] - 64 + below(128);
            snippet.memory.push_back({places[k] - 4096, kBytes});
            snippet.memory.push_back({places[k] - 32, kBytes});
            snippet.memory.push_back({places[k], kBytes});
        }
        for (const u64 place : {kStack - 4096, kStack, u64{kConstant} - 4096, u64{kConstant}})
            snippet.memory.push_back({place - 64, kBytes});
        snippet.memory.push_back({kConstant, kBytes});
        return snippet;
    }
    [[nodiscard]] const std::string& hex() const { return hex_; }

private:
    static constexpr unsigned kPointers = 3;
    static constexpr u32 kConstant = 0x30001000;
    static constexpr std::string_view kBytes = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

    unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

    void choose_registers() {
        std::vector<unsigned> numbers{0, 2, 3, 5, 6, 7};
        if (wide_) numbers.insert(numbers.end(), {8, 9, 10, 11, 12, 13, 14, 15});
        std::shuffle(numbers.begin(), numbers.end(), random_);
        std::copy_n(numbers.begin(), pointers_.size(), pointers_.begin());
        data_.assign(numbers.begin() + kPointers, numbers.begin() + (wide_ ? kPointers + 6 : 6));
    }
    x86::Gp whole(unsigned number) {
        if (wide_) return x86::gpq(number);
        return x86::gpd(number);
    }
    x86::Gp pointer() { return whole(pointers_[below(kPointers)]); }
    x86::Gp data() { return whole(data_[below(static_cast<unsigned>(data_.size()))]); }
    x86::Gp sized(const x86::Gp& reg, unsigned size) {
        return size == 1 ? reg.r8() : size == 2 ? reg.r16() : size == 4 || !wide_ ? reg.r32() : reg;
    }
    unsigned size() {
        const unsigned chosen = std::array<unsigned, 6>{8, 8, 8, 4, 2, 1}[below(6)];
        // Code of 32 bits has no low bytes of all registers.
        return wide_ ? chosen : std::clamp(chosen, 2u, 4u);
    }
    x86::Mem memory(unsigned bytes) {
        x86::Mem operand = flat_memory(bytes);
        if (below(8) == 0) operand.setSegment(x86::fs);
        return operand;
    }
    /// Near a pointer, by an index that is bounded in one way or another, or in the stack or at a constant address.
    x86::Mem flat_memory(unsigned bytes) {
        const i32 displacement = static_cast<i32>(below(64)) - 32;
        if (below(2) == 0) return x86::ptr(pointer(), displacement, bytes);
        const x86::Gp index = data();
        const unsigned scale = below(4);
        switch (below(5)) {
            case 0:
                a_.movzx(index.r32(), index.r16());
                a_.shr(index.r32(), 10);
                break;
            case 1:
                a_.and_(sized(index, 4 + 4 * below(2)), 0x3F);
                break;
            case 2:
                a_.movsx(index.r32(), index.r16());
                a_.sar(index.r32(), 10);
                if (wide_) a_.movsxd(index, index.r32());
                break;
            case 3:
                a_.mov(index.r32(), below(0x40));
                break;
            default:
                a_.add(index, 1);  // not bounded for the translator
                a_.cmovc(index, index);
                a_.sar(index, wide_ ? 63 : 31);
                break;
        }
        switch (below(5)) {
            case 0:
                return x86::ptr(whole(4), index, scale, displacement - 256, bytes);
            case 1:
                return x86::ptr_abs(kConstant, index, scale, bytes);
            case 2:
                return x86::ptr(index, pointer(), 0, displacement, bytes);
            default:
                return x86::ptr(pointer(), index, scale, displacement, bytes);
        }
    }
    asmjit::InstId arithmetic() {
        return std::array<asmjit::InstId, 6>{x86::Inst::kIdAdd, x86::Inst::kIdXor, x86::Inst::kIdSub,
                                             x86::Inst::kIdAdc, x86::Inst::kIdOr,  x86::Inst::kIdCmp}[below(6)];
    }

    /// A pointer comes to lead where another does, perhaps into another window.
    void copy_pointer() {
        switch (below(3)) {
            case 0:
                return void(a_.mov(pointer(), pointer()));
            case 1:
                return void(a_.lea(pointer(), x86::ptr(pointer(), static_cast<i32>(below(32)) - 16)));
            default:
                return void(a_.cmovc(pointer(), pointer()));
        }
    }

    void instruction() {
        const unsigned bytes = size();
        switch (below(21)) {
            case 0:
            case 1:
                return void(a_.mov(sized(data(), bytes), memory(bytes)));
            case 2:
                return void(a_.mov(memory(bytes), sized(data(), bytes)));
            case 3:
                return void(a_.emit(arithmetic(), memory(bytes), sized(data(), bytes)));
            case 4:
                return void(a_.emit(arithmetic(), sized(data(), bytes), memory(bytes)));
            case 5:
            case 6:
                return void(a_.emit(arithmetic(), sized(data(), bytes), sized(data(), bytes)));
            case 7:
                return void(a_.mov(sized(data(), bytes), sized(data(), bytes)));
            case 8:
                return void(a_.add(pointer(), below(32) - 16));
            case 9: {
                const x86::Gp moved = pointer();
                return void(a_.lea(moved, x86::ptr(moved, static_cast<i32>(below(32)) - 16)));
            }
            case 10:
                return void(a_.lea(sized(data(), bytes == 8 ? 8 : 4), x86::ptr(data(), data(), below(4), 5)));
            case 11:
                return void(a_.imul(data(), data()));
            case 12:
                return void(a_.rol(sized(data(), bytes), 1 + below(7)));
            case 13:
                return void(a_.xchg(data(), data()));
            case 14:
                return void(below(2) == 0 ? a_.cmovc(data(), data()) : a_.movzx(data().r32(), data().r16()));
            case 15:
                a_.push(data());
                return void(a_.pop(data()));
            case 16:
                if (!wide_) return void(below(2) == 0 ? a_.movd(x86::xmm1, data()) : a_.movd(data(), x86::xmm1));
                return void(below(2) == 0 ? a_.movq(x86::xmm1, data()) : a_.movq(data(), x86::xmm1));
            case 17:
                return copy_pointer();
            case 18:
                return void(a_.xchg(pointer(), pointer()));
            case 19: {
                const x86::Gp bit = data();
                a_.and_(bit.r32(), 0x3F);
                return void(below(2) == 0 ? a_.bts(memory(4), bit.r32()) : a_.bt(memory(4), bit.r32()));
            }
            default:
                a_.movups(x86::xmm0, memory(16));
                return void(a_.movups(memory(16), x86::xmm0));
        }
    }

    std::mt19937_64 random_;
    bool wide_;
    asmjit::CodeHolder code_;
    x86::Assembler a_;
    std::array<unsigned, kPointers> pointers_{};
    std::vector<unsigned> data_;
    std::string hex_;
};

class RandomLoops : public testing::TestWithParam<unsigned> {};

INSTANTIATE_TEST_SUITE_P(Bits, RandomLoops, testing::Values(64, 32), testing::PrintToStringParamName());

TEST_P(RandomLoops, RunTheSame) {
    const u64 first = static_cast<u64>(::testing::UnitTest::GetInstance()->random_seed()) * 1000;
    for (u64 seed = first; seed < first + 150 && !::testing::Test::HasFailure(); ++seed) {
        RandomLoop loop(seed, GetParam());
        const Snippet snippet = loop.snippet();
        SCOPED_TRACE(fmt::format("seed {}, {} instructions of {}", seed, snippet.instructions, loop.hex()));
        expect_same(snippet);
    }
}

TEST(LoopTest, PointersLeaveTheirWindowsAfterManyTurns) {
    // Where their windows end after some 80 turns, 64 MiB a turn:
    // l: mov rax,[rsi] / add [r12],rax / add rsi,4000000h / sub r12,4000000h / dec rcx / jnz l / hlt
    constexpr u64 kStep = 0x4000000, kTurns = 160, kUp = 0x5000FFFFF000 - 80 * kStep,
                  kDown = 0x5100FFFFE000 + 70 * kStep;
    Snippet snippet{.linear = 0x400000,
                    .instructions = 6 * kTurns,
                    .code = "488b06490104244881c6000000044981ec0000000448ffc975e6f4",
                    .memory = {}};
    snippet.gpr[1] = kTurns;
    snippet.gpr[6] = kUp;
    snippet.gpr[12] = kDown;
    for (u64 turn = 0; turn < kTurns; ++turn) {
        snippet.memory.push_back({kUp + turn * kStep, "0102030405060708"});
        snippet.memory.push_back({kDown - turn * kStep, "1112131415161718"});
    }
    expect_same(snippet);
    EXPECT_GE(statistics_of(snippet).unexpected_windows, 2u) << "they leave the loop at the first access outside";
    EXPECT_EQ(statistics_of(snippet).kept_from_windows, 0u);
}

TEST(LoopTest, APointerLeadsElsewhereThanItWasExpectedTo) {
    // l: mov rax,[rdi] / mov rdx,[rsi] / mov rcx,rdi / add [rcx+10h],rdx / add [rsi+10h],rax / mov rdi,[rdi+8] /
    // dec r8d / jnz l / hlt: RDI goes round through three windows, one of them RSI's.
    Snippet snippet{.linear = 0x400000,
                    .instructions = 8 * 60,
                    .code = "488b07488b164889f94801511048014610488b7f0841ffc875e6f4",
                    .memory = {{0x10000000, "01000000000000000020000055550000"},
                               {0x555500002000, "0200000000000000003000008088ffff"},
                               {0xFFFF888000003000, "03000000000000000000001000000000"},
                               {0x10004000, "07"}}};
    snippet.gpr[6] = 0x10004000;
    snippet.gpr[7] = 0x10000000;
    snippet.gpr[8] = 50;
    EXPECT_EQ(expect_same(snippet), EngineExit::halted);
    const Translator::Statistics statistics = statistics_of(snippet);
    EXPECT_GE(statistics.unexpected_windows, 1u);
    EXPECT_LE(statistics.unexpected_windows, 4u) << "each instruction once";
    EXPECT_LE(statistics.slow_faults, 8u);
}

TEST(LoopTest, ALoopThatOverwritesItselfIsLeft) {
    // l: inc r12d / mov [rbx],al / lea rbx,[rbx-10h] / dec rcx / jnz l / hlt: in the 41st turn the INC becomes DEC.
    constexpr u64 kTurns = 40;
    Snippet snippet{.linear = 0x400000,
                    .instructions = 5 * kTurns + 20,
                    .code = "41ffc48803488d5bf048ffc975f2f4",
                    .memory = {{0x3FF000, "00"}}};
    snippet.gpr[0] = 0xCC;  // ModRM of DEC R12D
    snippet.gpr[1] = 1000;
    snippet.gpr[3] = 0x400002 + 16 * kTurns;
    EXPECT_EQ(expect_same(snippet), EngineExit::deadline);
}

TEST(LoopTest, WhatHandlersOverwriteIsLookedUpAgain) {
    // l: mov rax,[rsi] / mov rdx,[rdi] / mov [rbx],al, in the page of the code / add [rsi+8],rdx / add [rdi+8],rax /
    // dec rcx / jnz l / hlt
    Snippet snippet{.linear = 0x400000,
                    .instructions = 7 * 100,
                    .code = "488b06488b178803480156084801470848ffc975ecf4",
                    .memory = {{0x10000000, "01"}, {0x555500002000, "02"}}};
    snippet.gpr[1] = 1000;
    snippet.gpr[3] = 0x400800;
    snippet.gpr[6] = 0x10000000;
    snippet.gpr[7] = 0x555500002000;
    EXPECT_EQ(expect_same(snippet), EngineExit::deadline);
    EXPECT_LE(statistics_of(snippet).slow_faults, 8u) << "of the store beside code, and before there are windows";
}

TEST(LoopTest, AddressesThatAreKnownAreInWindows) {
    // l: mov eax,[at] / add [at+8],edx / fld tbyte [at+10h] / fstp tbyte [at+10h] / movups xmm0,[at+20h] / dec ecx /
    // jnz l / hlt, with 32-bit addresses in code of 32 bits, and RIP-relative ones in that of 64
    struct Case {
        unsigned bits;
        u64 linear;
        std::string code;
    };
    const auto absolute = [](u32 at) {
        std::string code;
        const std::array<std::string_view, 5> opcodes{"8b05", "0115", "db2d", "db3d", "0f1005"};
        const std::array<u32, 5> offsets{0, 8, 16, 16, 32};
        for (unsigned k = 0; k < opcodes.size(); ++k)
            code += fmt::format("{}{:08x}", opcodes[k], __builtin_bswap32(at + offsets[k]));
        return code + "4975def4";
    };
    const std::string relative = absolute(0x1000);
    const std::array<Case, 5> cases{Case{32, 0x10001000, ""}, Case{32, 0xC0001000, ""}, Case{64, 0, relative},
                                    Case{64, 0x555500000000, relative}, Case{64, 0xFFFFFFFF80000000, relative}};
    for (const Case& each : cases) {
        SCOPED_TRACE(fmt::format("{} bits, {:#x}", each.bits, each.linear));
        const bool wide = each.bits == 64;
        const u64 code_at = wide ? each.linear + 0x400000 : 0x400000, data = wide ? code_at + 0x1000 : each.linear;
        // The byte that is DEC ECX is a REX prefix in 64-bit code.
        std::string code = wide ? relative : absolute(static_cast<u32>(data));
        if (wide) code = code.substr(0, 62) + "48ffc975dcf4";
        Snippet snippet{.bits = each.bits, .linear = code_at, .instructions = 700, .code = code, .memory = {}};
        snippet.gpr[1] = 1000;
        snippet.gpr[2] = 3;
        for (const u64 page : {data, data + 0x1000}) snippet.memory.push_back({page & ~kPageMask, "00"});
        snippet.memory.push_back({data, "0102030405060708"});
        EXPECT_EQ(expect_same(snippet), EngineExit::deadline);
        EXPECT_LE(statistics_of(snippet).slow_faults, 4u);
    }
}

TEST(LoopTest, ACountOf32BitsIsNoPointerAnyMore) {
    // mov rdx,[rbx] / jmp l / l: mov al,[rcx] / add rdx,rax / a32 loop l / hlt: where RCX is cut to ECX, the distance
    // that it had leads to the window that was opened before its own, eleven entries of the table from it.
    Snippet snippet{.linear = 0x400000,
                    .instructions = 60,
                    .code = "488b13eb008a014801c267e2f8f4",
                    .memory = {{0x500001000, "11"}, {0xB00002000, "22"}, {0x1000, "33"}, {0x1FFF, "44"}}};
    snippet.gpr[1] = 0xB00002000;
    snippet.gpr[3] = 0x500001000;
    expect_same(snippet);
}

TEST(LoopTest, ABaseOfASegmentIsNoDistance) {
    // l: mov eax,[esi] / add edx,fs:[4] / add edi,4 / dec ecx / jnz l / hlt: the base goes through the register that
    // has the distance of the low window.
    Snippet snippet{.bits = 32,
                    .linear = 0x400000,
                    .instructions = 60,
                    .code = "8b066403150400000083c7044975f1f4",
                    .memory = {{0x10000000, "01020304"}, {0x20001000, "0506070809"}}};
    snippet.segment_bases[4] = 0x20001000;
    snippet.gpr[1] = 100;
    snippet.gpr[6] = 0x10000000;
    EXPECT_EQ(expect_same(snippet), EngineExit::deadline);
    EXPECT_LE(statistics_of(snippet).slow_faults, 2u);
}

TEST(LoopTest, AJumpThroughTheTlbLeavesTheDistanceBehind) {
    // l: dec ecx / jz e / jmp [esi] / m: add [ebx],edx / jmp [edi] / n: add [ebx+4],edx / jmp l / e: lea edi,[esi+8] /
    // mov ecx,100 / dec ebp / jnz l / hlt: ESI and EDI point to pages that displace each other in the TLB, so windows
    // do not suit the jumps after some turns; then to one page.
    constexpr u64 kOther = 0x10000000 + Mmu::kEntries * kPageSize;
    Snippet snippet{
        .bits = 32,
        .linear = 0x400000,
        .instructions = 4000,
        .code = "49740bff260113ff27015304ebf28d7e08b9640000004d75e7f4",
        .memory = {{0x10000000, "050040000000000009004000"}, {kOther, "09004000"}, {0x20001000, "0000000000000000"}}};
    snippet.gpr[5] = 2;
    snippet.gpr[1] = 200;
    snippet.gpr[2] = 3;
    snippet.gpr[3] = 0x20001000;
    snippet.gpr[6] = 0x10000000;
    snippet.gpr[7] = kOther;
    EXPECT_EQ(expect_same(snippet), EngineExit::halted);
    EXPECT_GE(statistics_of(snippet).kept_from_windows, 1u);
}

TEST(LoopTest, ABitStringLeavesTheDistanceBehind) {
    // l: bts [esi],eax / mov [ebx],edx / bt [esi],eax / add edx,[ebx] / dec ecx / jnz l / hlt
    Snippet snippet{.bits = 32,
                    .linear = 0x400000,
                    .instructions = 4000,
                    .code = "0fab0689130fa30603134975f3f4",
                    .memory = {{0x10000000, "00000000"}, {0x20001000, "00000000"}}};
    snippet.gpr[0] = 9;
    snippet.gpr[1] = 100;
    snippet.gpr[2] = 3;
    snippet.gpr[3] = 0x20001000;
    snippet.gpr[6] = 0x10000000;
    EXPECT_EQ(expect_same(snippet), EngineExit::halted);
}

TEST(LoopTest, AMaskedMoveOfNothingSaysNothingOfItsWindow) {
    // mov rdx,[rbx] / mov cl,[rax] / jmp l / l: vpmaskmovd xmm1,xmm0,[rax] / add rax,-8000000 / dec r8d / vmovd
    // xmm0,r8d / cmp r8d,-2 / jne l / vmovd r9d,xmm1 / hlt: only the last turn accesses memory, eleven entries of the
    // table from the first, where the distance of the first leads to the window that was opened before its own.
    Snippet snippet{.linear = 0x400000,
                    .instructions = 3000,
                    .code = "488b138a08eb00c4e2798c084805000000f841ffc8c4c1796ec04183f8fe75e7c4c1797ec9f4",
                    .memory = {{0x500002000, "11111111"}, {0xB00002000, "22222222"}, {0x2000, "44444444"}}};
    snippet.gpr[0] = 0xB00002000;
    snippet.gpr[3] = 0x500002000;
    snippet.gpr[8] = 351;
    EXPECT_EQ(expect_same(snippet), EngineExit::halted);
}

TEST(LoopTest, ARegisterWrittenInMemoryHasNoOldCopy) {
    // add r12,r12 / nine times inc rax / add rax,r12 / hlt
    Snippet snippet{.linear = 0x400000,
                    .instructions = 20,
                    .code = "4d01e448ffc048ffc048ffc048ffc048ffc048ffc048ffc048ffc048ffc04c01e0f4",
                    .memory = {}};
    snippet.gpr[12] = 0x123;
    EXPECT_EQ(expect_same(snippet), EngineExit::halted);
}

}  // namespace
}  // namespace bantam::jit
