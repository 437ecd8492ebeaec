// 16-bit code on the translator beside the interpreter: what wraps, what is limited, and where code lies.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/jit/sixteen_bit_board.h"

namespace bantam::jit {
namespace {

constexpr u16 kSegment = 0x2000;
constexpr u64 kBase = u64{kSegment} * 16;
constexpr u16 kStart = 0x100;

using Prepare = std::function<void(SixteenBitBoard&)>;

struct Ended {
    CpuState state;
    Statistics statistics;
};

/// Runs `code` at kSegment:kStart on both engines in slices of `slice` instructions until HLT. What the translator's
/// machine ended with.
Ended expect_same_run(std::span<const u8> code, u64 slice, SixteenBitMode mode = SixteenBitMode::real,
                      const Prepare& prepare = {}) {
    SixteenBitBoard interpreted(false), translated(true);
    for (SixteenBitBoard* board : {&interpreted, &translated}) {
        board->start(mode, kSegment);
        board->poke(kBase + kStart, code);
        board->state().gpr[kRsp] = 0x8000;
        board->state().rip() = kStart;
        if (prepare) prepare(*board);
    }
    for (int turn = 0; turn < 10'000; ++turn) {
        const EngineExit exit = interpreted.run(slice);
        EXPECT_EQ(translated.run(slice), exit);
        EXPECT_EQ(differences(interpreted, translated, exit != EngineExit::deadline), "") << "turn " << turn;
        if (exit != EngineExit::deadline || ::testing::Test::HasFailure()) break;
    }
    EXPECT_GT(translated.statistics().translations, 0u);
    return {translated.state(), translated.statistics()};
}

/// The vector whose handler's HLT was executed (SixteenBitBoard).
unsigned vector_of(const CpuState& s) { return static_cast<unsigned>(s.rip()) / 16; }

// mov cx,50 / mov bx,f / l: test cl,3 / jz s / add [si],cx / s: call bx / dec cx / jnz l / hlt
// f: push ax / lea ax,[bx+si+7] / adc dx,ax / mov es,dx / push es / pop ds / aaa / pop di / push word 0 / pop ds / ret
constexpr u8 kLoop[] = {0xB9, 50,   0,    0xBB, 0x14, 0x01, 0xF6, 0xC1, 3,    0x74, 2,    0x01,
                        0x0C, 0xFF, 0xD3, 0x49, 0x75, 0xF4, 0xF4, 0x90, 0x50, 0x8D, 0x40, 0x07,
                        0x11, 0xC2, 0x8E, 0xC2, 0x06, 0x1F, 0x37, 0x5F, 0x6A, 0,    0x1F, 0xC3};

TEST(SixteenBitTest, StopsWhereTheInterpreterStops) {
    for (const u64 slice : {1, 2, 3, 5, 7, 11, 64, 1000}) expect_same_run(kLoop, slice);
    for (const SixteenBitMode mode : {SixteenBitMode::unreal, SixteenBitMode::v86}) expect_same_run(kLoop, 7, mode);
}

TEST(SixteenBitTest, LoadsOfSegmentRegistersInRealModeStay) {
    const Statistics n = expect_same_run(kLoop, 100'000).statistics;
    EXPECT_EQ(n.declined_mode, 0u);
    EXPECT_LT(n.runs, 20u);
    EXPECT_EQ(n.handed_over_by[static_cast<std::size_t>(isa::Mnemonic::Aaa)], 50u);
    EXPECT_EQ(n.handed_over - n.slow_paths, 51u);  // and HLT
}

TEST(SixteenBitTest, EachOptimisationMayBeMissing) {
    for (const std::string_view name : kOptimisationNames) {
        Optimisations optimisations;
        EXPECT_TRUE(optimisations.disable(name));
        SixteenBitBoard interpreted(false), translated(true, optimisations);
        for (SixteenBitBoard* board : {&interpreted, &translated}) {
            board->start(SixteenBitMode::real, kSegment);
            board->poke(kBase + kStart, kLoop);
            board->state().rip() = kStart;
            EXPECT_EQ(board->run(100'000), EngineExit::halted);
        }
        EXPECT_EQ(differences(interpreted, translated, true), "") << name;
    }
}

TEST(SixteenBitTest, OffsetsWrapBeforeTheBaseIsAdded) {
    // mov bx,F000h / mov si,2000h / mov word [1234h],5678h / mov ax,[bx+si+234h] / hlt
    constexpr u8 kCode[] = {0xBB, 0,    0xF0, 0xBE, 0,    0x20, 0xC7, 0x06, 0x34,
                            0x12, 0x78, 0x56, 0x8B, 0x80, 0x34, 0x02, 0xF4};
    for (const SixteenBitMode mode : kSixteenBitModes) {
        const Ended end = expect_same_run(kCode, 100, mode);
        if (mode != SixteenBitMode::v86) {  // whose HLT faults
            EXPECT_EQ(end.state.gpr[kRax], 0x5678u);
        }
    }
}

TEST(SixteenBitTest, OperandsAcrossTheEndOfASegmentFault) {
    constexpr u8 kWord[] = {0xA1, 0xFF, 0xFF, 0xF4};           // mov ax,[FFFFh]
    constexpr u8 kByte[] = {0xA0, 0xFF, 0xFF, 0xF4};           // mov al,[FFFFh]
    constexpr u8 kStack[] = {0x89, 0x46, 0xFF, 0xF4};          // mov [bp-1],ax with BP = 0
    constexpr u8 kFar[] = {0x67, 0x8A, 0x43, 1, 0xF4};         // mov al,[ebx+1] with EBX = FFFFh
    constexpr u8 kHigh[] = {0x67, 0x89, 0x43, 0xF0, 0xF4};     // mov [ebx-16],ax with EBX = 4 GiB - 1
    constexpr u8 kPointer[] = {0xC4, 0x06, 0xFD, 0xFF, 0xF4};  // les ax,[FFFDh]
    // Bases that put the end of the segments into the middle of a page, which has been accessed before.
    constexpr u64 kUneven = kBase + 0x30;
    const auto based = [](SixteenBitBoard& board) {
        for (const unsigned segment : {kDs, kEs, kSs}) {
            const SegmentRegister& r = board.state().segment.at(segment);
            board.set_segment(segment, kUneven, r.limit, r.attributes);
        }
    };
    const auto registers = [&](SixteenBitBoard& board) {
        based(board);
        board.state().gpr[kRbx] = 0xFFFF;
        board.state().gpr[kRbp] = 0;
        board.poke16(kUneven + 0xFFFF, 0x1234);
    };
    const auto high = [&](SixteenBitBoard& board) {
        based(board);
        board.state().gpr[kRbx] = 0xFFFFFFFF;
    };
    const auto warmed = [](std::span<const u8> code) {
        std::vector<u8> all{0xA0, 0xF0, 0xFF, 0xA2, 0xF0, 0xFF, 0xA2, 0, 0};  // AL from and to [FFF0h], to [0]
        all.insert(all.end(), code.begin(), code.end());
        return all;
    };
    EXPECT_EQ(vector_of(expect_same_run(warmed(kWord), 100, SixteenBitMode::real, registers).state), 13u);
    EXPECT_EQ(vector_of(expect_same_run(warmed(kStack), 100, SixteenBitMode::real, registers).state), 12u);
    EXPECT_EQ(vector_of(expect_same_run(warmed(kFar), 100, SixteenBitMode::real, registers).state), 13u);
    EXPECT_EQ(vector_of(expect_same_run(warmed(kHigh), 100, SixteenBitMode::real, high).state), 13u);
    EXPECT_EQ(vector_of(expect_same_run(warmed(kPointer), 100, SixteenBitMode::real, registers).state), 13u);
    EXPECT_EQ(expect_same_run(warmed(kByte), 100, SixteenBitMode::real, registers).state.gpr[kRax], 0x34u);
    EXPECT_EQ(expect_same_run(warmed(kWord), 100, SixteenBitMode::unreal, registers).state.gpr[kRax], 0x1234u);
    EXPECT_EQ(expect_same_run(warmed(kFar), 100, SixteenBitMode::unreal, registers).state.gpr[kRax], 0x12u);
}

TEST(SixteenBitTest, StringPointersWrapInTheirSegmentAndKeepTheirUpperHalves) {
    // l: movsb / movsw / 66h: movsd / lodsb / ss: lodsw / stosb / 66h: stosd / dec cx / jnz l
    // std / mov cx,9 / m: movsw / 67h: lodsb / 67h: stosb / dec cx / jnz m / hlt
    constexpr u8 kCode[] = {0xA4, 0xA5, 0x66, 0xA5, 0xAC, 0x36, 0xAD, 0xAA, 0x66, 0xAB, 0x49, 0x75, 0xF3,
                            0xFD, 0xB9, 9,    0,    0xA5, 0x67, 0xAC, 0x67, 0xAA, 0x49, 0x75, 0xF8, 0xF4};
    const auto at = [](u64 rsi, u64 rdi) {
        return [=](SixteenBitBoard& board) {
            board.state().gpr[kRcx] = 10;
            board.state().gpr[kRsi] = rsi;
            board.state().gpr[kRdi] = rdi;
        };
    };
    const Ended end = expect_same_run(kCode, 1000, SixteenBitMode::real, at(0x1000, 0x3000));
    EXPECT_EQ(end.state.gpr[kRdi], 0x3000u + 10 * 12 - 9 * 3);
    EXPECT_EQ(end.statistics.handed_over - end.statistics.slow_paths, 1u);  // HLT
    for (const SixteenBitMode mode : kSixteenBitModes) expect_same_run(kCode, 7, mode, at(0x1000, 0x3000));
    // Both pass the end of the segment between two operands.
    constexpr u8 kByte[] = {0xA4, 0xF4};
    const CpuState wrapped = expect_same_run(kByte, 9, SixteenBitMode::real, at(0xABCDFFFF, 0x1234FFFF)).state;
    EXPECT_EQ(wrapped.gpr[kRsi], 0xABCD0000u);
    EXPECT_EQ(wrapped.gpr[kRdi], 0x12340000u);
    // One that lies across it faults and changes nothing.
    constexpr u8 kWord[] = {0xA5, 0xF4};
    const CpuState faulted = expect_same_run(kWord, 9, SixteenBitMode::real, at(0x1000, 0xFFFF)).state;
    EXPECT_EQ(vector_of(faulted), 13u);
    EXPECT_EQ(faulted.gpr[kRsi], 0x1000u);
}

TEST(SixteenBitTest, TheStackWrapsAndKeepsTheUpperHalfOfEsp) {
    // push 1234h / pop ax / push 5678h / pop bx / call f / hlt / f: ret
    constexpr u8 kCode[] = {0x68, 0x34, 0x12, 0x58, 0x68, 0x78, 0x56, 0x5B, 0xE8, 1, 0, 0xF4, 0xC3};
    const auto at = [](u64 esp) { return [esp](SixteenBitBoard& board) { board.state().gpr[kRsp] = esp; }; };
    for (const SixteenBitMode mode : {SixteenBitMode::real, SixteenBitMode::protected_low}) {
        const CpuState s = expect_same_run(kCode, 100, mode, at(0xABCD0000)).state;
        EXPECT_EQ(s.gpr[kRsp], 0xABCD0000u);
        EXPECT_EQ(s.gpr[kRax], 0x1234u);
    }
    // #SS finds no room either: shutdown.
    EXPECT_EQ(expect_same_run(kCode, 100, SixteenBitMode::real, at(1)).state.gpr[kRsp], 1u);
    EXPECT_EQ(expect_same_run(kCode, 100, SixteenBitMode::protected_wide, at(0x18000)).state.gpr[kRsp], 0x18000u);
    // 66h: pop eax from FFFDh
    constexpr u8 kPop[] = {0x66, 0x58, 0xF4};
    EXPECT_EQ(vector_of(expect_same_run(kPop, 100, SixteenBitMode::real, at(0xFFFD)).state), 12u);
}

TEST(SixteenBitTest, TheSameAddressInTwoSegmentsIsTwoPieces) {
    // Segments 3000h and 3001h have a near function at 200h each that is called by register and returns far.
    //   mov cx,60 / l: call 3000h:0 / call 3001h:0 / loop l / hlt
    constexpr u8 kMain[] = {0xB9, 60, 0, 0x9A, 0, 0, 0, 0x30, 0x9A, 0, 0, 0x01, 0x30, 0xE2, 0xF4, 0xF4};
    //   0: jmp 100h; 100h: mov bx,200h / call bx / call 200h / retf
    constexpr u8 kJump[] = {0xE9, 0xFD, 0x00};
    constexpr u8 kFunction[] = {0xBB, 0x00, 0x02, 0xFF, 0xD3, 0xE8, 0xF8, 0x00, 0xCB};
    constexpr u8 kOne[] = {0x40, 0xC3};                 // inc ax / ret
    constexpr u8 kHundred[] = {0x83, 0xC0, 100, 0xC3};  // add ax,100 / ret
    const auto place = [&](SixteenBitBoard& board) {
        board.poke(0x30000, kJump);
        board.poke(0x30010, kJump);
        board.poke(0x30100, kFunction);
        board.poke(0x30110, kFunction);
        board.poke(0x30200, kOne);
        board.poke(0x30210, kHundred);
    };
    for (const u64 slice : {1, 5, 100'000}) {
        EXPECT_EQ(expect_same_run(kMain, slice, SixteenBitMode::real, place).state.gpr[kRax], 60u * 202);
    }
    // The same bytes by two names, 2000h:110h and 2010h:10h:
    //   mov cx,30 / l: call f / call 2010h:14h / loop l / hlt / 110h: f: add ax,[cs:bx] / ret / call f / retf
    constexpr u8 kAliased[] = {0xB9, 30,   0,    0xE8, 0x0A, 0,    0x9A, 0x14, 0,    0x10, 0x20, 0xE2,
                               0xF6, 0xF4, 0x90, 0x90, 0x2E, 0x03, 0x07, 0xC3, 0xE8, 0xF9, 0xFF, 0xCB};
    const auto cells = [](SixteenBitBoard& board) {
        board.state().gpr[kRbx] = 0x40;
        board.poke16(kBase + 0x40, 7);
        board.poke16(kBase + 0x140, 1000);
    };
    for (const u64 slice : {1, 5, 100'000}) {
        EXPECT_EQ(expect_same_run(kAliased, slice, SixteenBitMode::real, cells).state.gpr[kRax], 30u * 1007);
    }
}

TEST(SixteenBitTest, AReturnStaysInItsSegment) {
    // mov cx,40 / l: call f / inc ax / dec cx / jnz l / hlt / 120h: f: test cl,1 / jnz s / ret / s: jmp 3000h:140h
    constexpr u8 kCode[] = {0xB9, 40, 0,    0xE8, 0x1A, 0,    0x40, 0x49, 0x75, 0xF9, 0xF4, 0,    0,   0, 0,
                            0,    0,  0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,   0, 0,
                            0,    0,  0xF6, 0xC1, 1,    0x75, 1,    0xC3, 0xEA, 0x40, 0x01, 0x00, 0x30};
    // 3000h:140h: ret, to 106h in this segment: inc bx / jmp 2000h:106h
    const auto place = [](SixteenBitBoard& board) {
        constexpr u8 kReturn[] = {0xC3}, kThere[] = {0x43, 0xEA, 0x06, 0x01, 0x00, 0x20};
        board.poke(0x30140, kReturn);
        board.poke(0x30106, kThere);
    };
    for (const u64 slice : {1, 5, 100'000}) {
        const Ended end = expect_same_run(kCode, slice, SixteenBitMode::real, place);
        EXPECT_EQ(end.state.gpr[kRax], 40u);
        EXPECT_EQ(end.state.gpr[kRbx], 20u);
    }
}

TEST(SixteenBitTest, CodeEndsWithItsSegment) {
    // FFFDh: inc ax / inc ax / inc ax, and nothing more: #GP with IP = 10000h, of which 0 is pushed.
    constexpr u8 kGo[] = {0xE9, 0xFA, 0xFE};
    constexpr u8 kEnd[] = {0x40, 0x40, 0x40};
    const auto place = [&](SixteenBitBoard& board) { board.poke(kBase + 0xFFFD, kEnd); };
    const Ended end = expect_same_run(kGo, 100, SixteenBitMode::real, place);
    EXPECT_EQ(vector_of(end.state), 13u);
    EXPECT_EQ(end.state.gpr[kRax], 3u);
    // A jump from FFF0h over the end comes to its begin: jmp +20h
    constexpr u8 kToEnd[] = {0xE9, 0xED, 0xFE};
    constexpr u8 kOver[] = {0xEB, 0x20};
    constexpr u8 kHalt[] = {0xF4};
    const auto over = [&](SixteenBitBoard& board) {
        board.poke(kBase + 0xFFF0, kOver);
        board.poke(kBase + 0x12, kHalt);
    };
    EXPECT_EQ(expect_same_run(kToEnd, 100, SixteenBitMode::real, over).state.rip(), 0x13u);
}

TEST(SixteenBitTest, BranchesBeyondTheSegmentFault) {
    constexpr u8 kJump[] = {0x66, 0xFF, 0xE0, 0xF4};                // jmp eax
    constexpr u8 kCall[] = {0x66, 0xFF, 0xD0, 0xF4};                // call eax
    constexpr u8 kReturn[] = {0x66, 0x50, 0x66, 0xC2, 4, 0, 0xF4};  // push eax / ret 4
    constexpr u8 kDirect[] = {0x66, 0xE9, 0, 0, 1, 0, 0xF4};        // jmp 10106h
    const auto target = [](SixteenBitBoard& board) {
        board.state().gpr[kRax] = 0x12345;
        board.state().gpr[kRsp] = 0xFF010004;
    };
    for (const std::span<const u8> code : {std::span<const u8>(kJump), std::span<const u8>(kCall),
                                           std::span<const u8>(kReturn), std::span<const u8>(kDirect)}) {
        for (const u64 slice : {1, 100}) {
            EXPECT_EQ(vector_of(expect_same_run(code, slice, SixteenBitMode::real, target).state), 13u);
        }
    }
}

TEST(SixteenBitTest, SeesThatItsOwnCodeChanges) {
    // l: mov ax,0 (patched by the next) / inc word [cs:101h] / cmp ax,20 / jb l / hlt
    constexpr u8 kPatching[] = {0xB8, 0, 0, 0x2E, 0xFF, 0x06, 0x01, 0x01, 0x83, 0xF8, 20, 0x72, 0xF3, 0xF4};
    for (const u64 slice : {1, 4, 1000}) EXPECT_EQ(expect_same_run(kPatching, slice).state.gpr[kRax], 20u);
    // By another name of the same place: DS = 2010h.
    //   mov ax,2010h / mov ds,ax / l: mov ax,0 / inc word [6] / cmp ax,20 / jb l / hlt
    constexpr u8 kAlias[] = {0xB8, 0x10, 0x20, 0x8E, 0xD8, 0xB8, 0,    0,    0xFF,
                             0x06, 0x06, 0,    0x83, 0xF8, 20,   0x72, 0xF4, 0xF4};
    for (const u64 slice : {1, 4, 1000}) EXPECT_EQ(expect_same_run(kAlias, slice).state.gpr[kRax], 20u);
}

TEST(SixteenBitTest, TheHighMemoryAreaFollowsTheA20Gate) {
    // mov ax,FFFFh / mov ds,ax / mov cx,20 / l: inc word [510h] / add dx,[510h] / loop l / hlt
    constexpr u8 kCode[] = {0xB8, 0xFF, 0xFF, 0x8E, 0xD8, 0xB9, 20,   0,    0xFF, 0x06,
                            0x10, 0x05, 0x03, 0x16, 0x10, 0x05, 0xE2, 0xF6, 0xF4};
    for (const bool a20 : {false, true}) {
        const auto gate = [a20](SixteenBitBoard& board) { board.memory().set_a20(a20); };
        const u16 before = a20 ? 0 : 0xF4F4;  // below, the place of a handler
        const CpuState s = expect_same_run(kCode, 100, SixteenBitMode::real, gate).state;
        EXPECT_EQ(s.gpr[kRdx] & 0xFFFF, static_cast<u16>(20 * before + 210));
    }
}

TEST(SixteenBitTest, AModeChangeEndsWithTheRightCode) {
    // Real mode to protected and back, twenty times, with the same segments.
    //   mov cx,20 / l: mov eax,cr0 / xor al,1 / mov cr0,eax / jmp short n / n: add dx,cx / loop l / hlt
    constexpr u8 kCode[] = {0xB9, 20,   0,    0x0F, 0x20, 0xC0, 0x34, 1,    0x0F,
                            0x22, 0xC0, 0xEB, 0x00, 0x01, 0xCA, 0xE2, 0xF2, 0xF4};
    const Ended end = expect_same_run(kCode, 1000);
    EXPECT_EQ(end.state.gpr[kRdx] & 0xFFFF, 210u);
    EXPECT_EQ(end.statistics.declined_mode, 0u);
}

TEST(SixteenBitTest, LoopsCountInCx) {
    // mov ecx,10003h / l: inc ax / loop l / mov ecx,20000h / jcxz m / hlt / m: inc bx / 67h jecxz e / inc bx / e: hlt
    constexpr u8 kCode[] = {0x66, 0xB9, 3, 0,    1, 0,    0x40, 0xE2, 0xFD, 0x66, 0xB9, 0,
                            0,    2,    0, 0xE3, 1, 0xF4, 0x43, 0x67, 0xE3, 1,    0x43, 0xF4};
    const CpuState s = expect_same_run(kCode, 1000).state;
    EXPECT_EQ(s.gpr[kRax], 3u);
    EXPECT_EQ(s.gpr[kRbx], 2u);
}

TEST(SixteenBitTest, ASegmentBelow64KiBStaysWithTheInterpreter) {
    SixteenBitBoard board(true);
    board.start(SixteenBitMode::real, kSegment);
    board.poke(kBase + kStart, kLoop);
    board.set_segment(kCs, kBase, 0xFFFE, 0x9B);
    board.cpu().update_mode();
    board.state().rip() = kStart;
    EXPECT_EQ(board.run(100'000), EngineExit::halted);
    EXPECT_EQ(board.statistics().translations, 0u);
    EXPECT_GT(board.statistics().declined_mode, 0u);
}

}  // namespace
}  // namespace bantam::jit
