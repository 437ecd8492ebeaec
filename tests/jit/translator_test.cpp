// The translator beside the interpreter: the same programs, stopped at the same counts, must leave the same state. The
// oracle (tests/oracle) compares results of single instructions; here it is control flow, counting and invalidation.
#include <gtest/gtest.h>

#include <array>

#include "tests/jit/flat_board.h"

namespace bantam::jit {
namespace {

using Board = FlatBoard;

/// Runs `code` on both engines in slices of `slice` instructions until HLT.
void expect_same_run(std::span<const u8> code, u64 slice) {
    Board interpreted(false, code);
    Board translated(true, code);
    for (int turn = 0; turn < 10'000; ++turn) {
        const EngineExit exit = interpreted.run(slice);
        EXPECT_EQ(translated.run(slice), exit);
        expect_same(interpreted, translated);
        if (exit == EngineExit::halted || ::testing::Test::HasFailure()) break;
    }
    EXPECT_GT(translated.statistics().translations, 0u);
}

// A loop with a conditional, a call by register, memory, a push and a handed-over instruction:
//   mov ecx,50 / mov ebx,f / l: test cl,3 / jz s / add [esi],ecx / s: call ebx / dec ecx / jnz l / hlt
//   f: push eax / lea eax,[eax+ecx*2+7] / adc edx,eax / aaa / pop edi / ret
constexpr u8 kLoop[] = {0xB9, 50,   0,    0,    0,                 // 8000 mov ecx, 50
                        0xBB, 0x19, 0x80, 0,    0,                 // 8005 mov ebx, 8019h
                        0xF6, 0xC1, 3,                             // 800A test cl, 3
                        0x74, 2,                                   // 800D jz 8011
                        0x01, 0x0E,                                // 800F add [esi], ecx
                        0xFF, 0xD3,                                // 8011 call ebx
                        0x49,                                      // 8013 dec ecx
                        0x75, 0xF4,                                // 8014 jnz 800A
                        0xF4, 0x90, 0x90,                          // 8016 hlt
                        0x50, 0x8D, 0x44, 0x48, 0x07, 0x11, 0xC2,  // 8019 push eax; lea eax,[eax+ecx*2+7]; adc edx,eax
                        0x37, 0x5F, 0xC3};                         // 8020 aaa; pop edi; ret

TEST(TranslatorTest, StopsWhereTheInterpreterStops) {
    for (const u64 slice : {1, 2, 3, 5, 7, 11, 64, 1000}) expect_same_run(kLoop, slice);
}

TEST(TranslatorTest, StopsWhereTheInterpreterStopsWhenTheDeadlineComesNearer) {
    // mov ecx,30 / l: pause / inc eax / pause / dec ecx / jnz l / hlt
    constexpr u8 kWaiting[] = {0xB9, 30, 0, 0, 0, 0xF3, 0x90, 0x40, 0xF3, 0x90, 0x49, 0x75, 0xF8, 0xF4};
    for (const u64 slice : {1, 2, 3, 7, 13, 64, 1000}) expect_same_run(kWaiting, slice);
    Board board(true, kWaiting);
    EXPECT_EQ(board.run(1000), EngineExit::halted);
    EXPECT_LT(board.statistics().runs, 10u);  // a deadline still far away is no reason to leave
    EXPECT_EQ(board.state().instructions, 152u);
    EXPECT_EQ(board.state().deadline, 1000 - 60 * Board::kStall);
}

TEST(TranslatorTest, ADeadlineThatADeliveryMakesDueComesAfterOneInstruction) {
    constexpr u8 kAdding[] = {0x40, 0x40, 0x40, 0x40, 0xF4};  // inc eax, four times / hlt
    for (const bool translated : {false, true}) {
        Board board(translated, kAdding);
        board.interrupt(kCodeAt);
        EXPECT_EQ(board.run(1000), EngineExit::deadline);
        EXPECT_EQ(board.state().gpr[kRax], 1u);
        EXPECT_EQ(board.state().rip(), kCodeAt + 1);
    }
}

TEST(TranslatorTest, LinksAndCountsWhatItRuns) {
    Board interpreted(false, kLoop);
    Board board(true, kLoop);
    EXPECT_EQ(interpreted.run(100'000), EngineExit::halted);
    EXPECT_EQ(board.run(100'000), EngineExit::halted);
    expect_same(interpreted, board);
    EXPECT_GT(board.statistics().links, 0u);
    // Entered from C++ a few times a block, not once a round.
    EXPECT_LT(board.statistics().runs, 40u);
}

TEST(TranslatorTest, EachOptimisationCanBeSwitchedOff) {
    Board reference(true, kLoop);
    EXPECT_EQ(reference.run(100'000), EngineExit::halted);
    for (std::size_t k = 0; k < kOptimisationNames.size(); ++k) {
        Optimisations optimisations;
        EXPECT_TRUE(optimisations.disable(kOptimisationNames[k]));
        Board board(true, kLoop, optimisations);
        EXPECT_EQ(board.run(100'000), EngineExit::halted);
        expect_same(reference, board);
        const Statistics& with = reference.statistics();
        const Statistics& without = board.statistics();
        switch (static_cast<Optimisation>(k)) {
            case Optimisation::links:
                EXPECT_EQ(without.links, 0u);
                EXPECT_GT(without.runs, with.runs);
                break;
            case Optimisation::indirect_table:
                EXPECT_GT(without.runs, with.runs);
                break;
            case Optimisation::native_integer:
            case Optimisation::native_stack:
            case Optimisation::native_branches:
                EXPECT_GT(without.handed_over, with.handed_over + 50);
                break;
            default:  // the loop has no instruction of theirs
                EXPECT_EQ(without.handed_over, with.handed_over);
                break;
        }
    }
    EXPECT_FALSE(Optimisations().disable("speed"));
}

TEST(TranslatorTest, GoesOnAfterInstructionsThatGoElsewhere) {
    // mov ecx,100 / l: int 20h / dec ecx / jnz l / hlt / handler: inc eax / push ds / pop ss / iretd
    constexpr u8 kInterrupts[] = {0xB9, 100, 0, 0, 0, 0xCD, 0x20, 0x49, 0x75, 0xFB, 0xF4, 0x40, 0x1E, 0x17, 0xCF};
    constexpr u64 kHandler = kCodeAt + 11;
    for (const bool going_on : {true, false}) {
        Optimisations optimisations;
        if (!going_on) optimisations.disable(Optimisation::going_on);
        for (const u64 slice : {1, 7, 1000}) {
            Board interpreted(false, kInterrupts), translated(true, kInterrupts, optimisations);
            for (Board* board : {&interpreted, &translated}) board->set_gate(kHandler);
            EngineExit exit = EngineExit::deadline;
            while (exit == EngineExit::deadline && !::testing::Test::HasFailure()) {
                exit = interpreted.run(slice);
                EXPECT_EQ(translated.run(slice), exit);
                expect_same(interpreted, translated);
            }
            EXPECT_EQ(translated.state().gpr[kRax], 100u);
            // INT does. POP SS keeps interrupts away, so it leaves and IRET is interpreted.
            EXPECT_EQ(translated.statistics().gone_on > 50, going_on);
        }
    }
}

TEST(TranslatorTest, InterruptsComeAfterTheShadowOfStiAndMovSs) {
    // mov ecx,1000 / mov ebx,ss / l: cli / inc eax / sti / inc eax / mov ss,bx / sti / nop / dec ecx / jnz l / hlt
    // handler: add [esi],eax / mov edx,[esp] / iretd
    constexpr u8 kShadows[] = {0xB9, 0xE8, 3,    0,    0,    0x8C, 0xD3, 0xFA, 0x40, 0xFB, 0x40, 0x8E, 0xD3,
                               0xFB, 0x90, 0x49, 0x75, 0xF5, 0xF4, 0x01, 0x06, 0x8B, 0x14, 0x24, 0xCF};
    constexpr u64 kHandler = kCodeAt + 19;
    Board interpreted(false, kShadows), translated(true, kShadows);
    for (Board* board : {&interpreted, &translated}) board->set_gate(kHandler);
    bool interrupt = false;
    for (u64 slice = 1;; slice = slice % 23 + 1) {
        for (Board* board : {&interpreted, &translated}) board->cpu().set_intr(interrupt);
        interrupt = !interrupt;
        const EngineExit exit = interpreted.run(slice);
        EXPECT_EQ(translated.run(slice), exit);
        expect_same(interpreted, translated);
        EXPECT_EQ(interpreted.state().attention, translated.state().attention);
        EXPECT_EQ(interpreted.state().gpr[kRdx], translated.state().gpr[kRdx]);
        if (exit != EngineExit::deadline || ::testing::Test::HasFailure()) break;
    }
    EXPECT_EQ(translated.state().gpr[kRax], 2000u);
    EXPECT_EQ(translated.peek32(kDataAt), interpreted.peek32(kDataAt));
    EXPECT_NE(translated.peek32(kDataAt), 0u);
}

TEST(TranslatorTest, CountsWhyTranslatedCodeIsLeft) {
    Board board(true, kLoop);
    EXPECT_EQ(board.run(100'000), EngineExit::halted);
    const Statistics& n = board.statistics();
    const auto departures = [&n](Departure reason) { return n.departures[static_cast<std::size_t>(reason)]; };
    u64 all = 0;
    for (const u64 count : n.departures) all += count;
    EXPECT_EQ(all, n.runs);
    EXPECT_GE(departures(Departure::handler), 1u);  // HLT, and calls whose stack misses the TLB
    EXPECT_GT(departures(Departure::link), 0u);
    EXPECT_GT(departures(Departure::indirect_miss), 0u);
    EXPECT_EQ(n.retired, board.state().instructions);
    // AAA, 50 times; ADD [ESI] and PUSH miss the TLB once each.
    EXPECT_EQ(n.handed_over_by[static_cast<std::size_t>(isa::Mnemonic::Aaa)], 50u);
    EXPECT_EQ(n.slow_paths, n.handed_over - 51);
    EXPECT_GT(n.slow_paths, 0u);
    const std::string text = to_text(n);
    EXPECT_NE(text.find("aaa 50"), text.npos) << text;
}

TEST(TranslatorTest, StringInstructionsMoveBothWays) {
    // mov eax,12345678h / mov edi,20010h / mov ecx,20
    // l: movsb / movsw / movsd / lodsb / lodsd / stosb / stosw / stosd / dec ecx / jnz l
    // std / mov ecx,10 / m: movsd / lodsw / stosb / es lodsb / dec ecx / jnz m / hlt
    constexpr u8 kStrings[] = {0xB8, 0x78, 0x56, 0x34, 0x12, 0xBF, 0x10, 0,    2,    0,    0xB9, 20,   0,    0,    0,
                               0xA4, 0x66, 0xA5, 0xA5, 0xAC, 0xAD, 0xAA, 0x66, 0xAB, 0xAB, 0x49, 0x75, 0xF3, 0xFD, 0xB9,
                               10,   0,    0,    0,    0xA5, 0x66, 0xAD, 0xAA, 0x26, 0xAC, 0x49, 0x75, 0xF7, 0xF4};
    for (const u64 slice : {1, 3, 7, 1000}) expect_same_run(kStrings, slice);
    Board interpreted(false, kStrings), translated(true, kStrings);
    for (Board* board : {&interpreted, &translated}) EXPECT_EQ(board->run(1000), EngineExit::halted);
    for (u64 at = 0; at < 0x200; at += 4) EXPECT_EQ(interpreted.peek32(kDataAt + at), translated.peek32(kDataAt + at));
    EXPECT_EQ(translated.statistics().handed_over, translated.statistics().slow_paths + 1);  // HLT alone
}

TEST(TranslatorTest, SeesThatItsOwnCodeChanges) {
    // l: mov eax, 0 (patched by the next) / inc dword [8001h] / cmp eax, 20 / jb l / hlt
    constexpr u8 kPatching[] = {0xB8, 0, 0, 0, 0, 0xFF, 0x05, 0x01, 0x80, 0, 0, 0x83, 0xF8, 20, 0x72, 0xF0, 0xF4};
    for (const u64 slice : {1, 4, 1000}) expect_same_run(kPatching, slice);
    // The next instruction of the same block: mov byte [8008h], 7 / mov al, 1 / hlt
    constexpr u8 kNext[] = {0xC6, 0x05, 0x08, 0x80, 0, 0, 7, 0xB0, 1, 0xF4};
    Board board(true, kNext);
    EXPECT_EQ(board.run(100), EngineExit::halted);
    EXPECT_EQ(board.state().gpr[kRax], 7u);
}

TEST(TranslatorTest, StoresBesideCodeLeaveItAlone) {
    // mov ecx,1000 / l: inc dword [800Fh] / dec ecx / jnz l / hlt, and the counter
    constexpr u8 kCounting[] = {0xB9, 0xE8, 3, 0, 0, 0xFF, 0x05, 0x0F, 0x80, 0, 0, 0x49, 0x75, 0xF7, 0xF4};
    for (const bool translated : {false, true}) {
        Board board(translated, kCounting);
        EXPECT_EQ(board.run(100'000), EngineExit::halted);
        EXPECT_EQ(board.peek32(0x800F), 1000u);
        EXPECT_EQ(board.invalidated(), 0u);
    }
}

TEST(TranslatorTest, FlagsArePushed) {
    // mov ecx,60 / l: imul eax,eax,12345679h / add eax,ecx / pushfd / pop edx / add ebx,edx / std / sti / pushfd / cld
    // / cli / pop edx / xor ebx,edx / rol ebx,3 / pushfw / pop dx / add ebx,edx / dec ecx / jnz l / hlt
    constexpr u8 kPushing[] = {0xB9, 60,   0,    0,    0,    0x69, 0xC0, 0x79, 0x56, 0x34, 0x12, 0x01, 0xC8,
                               0x9C, 0x5A, 0x01, 0xD3, 0xFD, 0xFB, 0x9C, 0xFC, 0xFA, 0x5A, 0x31, 0xD3, 0xC1,
                               0xC3, 3,    0x66, 0x9C, 0x66, 0x5A, 0x01, 0xD3, 0x49, 0x75, 0xE0, 0xF4};
    for (const u64 slice : {1, 7, 10'000}) expect_same_run(kPushing, slice);
    Board board(true, kPushing);
    board.state().gpr[kRax] = 1;
    EXPECT_EQ(board.run(10'000), EngineExit::halted);
    EXPECT_LT(board.statistics().handed_over, 200u) << "HLT and PUSHFW alone";
}

TEST(TranslatorTest, AnInterruptThatWaitsComesBehindTheInstructionAfterSti) {
    // cli / mov eax,1 / sti / inc eax / inc eax / cli / hlt; the handler: mov edx,eax / iret
    constexpr u8 kWaiting[] = {0xFA, 0xB8, 1, 0, 0, 0, 0xFB, 0x40, 0x40, 0xFA, 0xF4};
    constexpr u8 kHandler[] = {0x89, 0xC2, 0xCF};
    for (const bool translated : {false, true}) {
        Board board(translated, kWaiting);
        board.poke(0x9000, kHandler);
        board.set_gate(0x9000);
        board.cpu().set_intr(true);
        board.environment().acknowledged = [&board] { board.cpu().set_intr(false); };
        EXPECT_EQ(board.run(100), EngineExit::halted);
        EXPECT_EQ(board.state().gpr[kRdx], 2u);
        EXPECT_EQ(board.state().gpr[kRax], 3u);
    }
}

TEST(TranslatorTest, BlocksThatShareBytesAreEachForgotten) {
    constexpr u8 kMoves[] = {0xB0, 1, 0xB3, 2, 0xF4};  // mov al,1 / mov bl,2 / hlt
    Board board(false, kMoves);
    const auto run_at = [&board](u64 rip) {
        board.state().rip() = rip;
        EXPECT_EQ(board.run(1), EngineExit::deadline);
    };
    run_at(0x8000);
    run_at(0x8002);
    const u8 to_cl[] = {0xB1}, to_dl[] = {0xB2};
    board.poke(0x8000, to_cl);
    EXPECT_EQ(board.invalidated(), 1u);
    board.poke(0x8002, to_dl);
    EXPECT_EQ(board.invalidated(), 2u);
    run_at(0x8000);
    run_at(0x8002);
    EXPECT_EQ(board.state().gpr[kRcx] & 0xFF, 1u);
    EXPECT_EQ(board.state().gpr[kRdx] & 0xFF, 2u);
}

TEST(TranslatorTest, InvalidCodeIsForgottenWithEachByteThatMadeItInvalid) {
    constexpr u8 kInvalid[] = {0xFF, 0xF8};  // FF /7
    Board board(false, kInvalid);
    EXPECT_EQ(board.run(10), EngineExit::shutdown);  // there is no IDT
    const u8 inc_eax[] = {0xFF, 0xC0};
    board.poke(kCodeAt, inc_eax);
    EXPECT_EQ(board.invalidated(), 1u);
}

TEST(TranslatorTest, FollowsPageTables) {
    // Two pages of code take turns at linear 10000h: call there, remap (mov cr3), call again.
    //   mov eax, 10000h / call eax / mov [2040h], 0x0000A003 / mov ecx, cr3 / mov cr3, ecx / mov eax, 10000h / call eax
    //   / hlt
    constexpr u8 kRemap[] = {0xB8, 0,    0,    1,    0,    0xFF, 0xD0, 0xC7, 0x05, 0x40, 0x20, 0, 0,    0x03, 0xA0, 0,
                             0,    0x0F, 0x20, 0xD9, 0x0F, 0x22, 0xD9, 0xB8, 0,    0,    1,    0, 0xFF, 0xD0, 0xF4};
    constexpr u8 kAddOne[] = {0x43, 0xC3};              // inc ebx; ret
    constexpr u8 kAddTen[] = {0x83, 0xC3, 0x0A, 0xC3};  // add ebx, 10; ret
    for (const bool translated : {false, true}) {
        Board board(translated, kRemap);
        board.poke(0x9000, kAddOne);
        board.poke(0xA000, kAddTen);
        board.map_one_elsewhere(0x9000);
        EXPECT_EQ(board.run(100), EngineExit::halted);
        EXPECT_EQ(board.state().gpr[kRbx], 11u);
    }
}

TEST(TranslatorTest, OutlastsChangesOfThePhysicalMapElsewhere) {
    // l: inc ebx / jmp l; in the other memory: l: dec ebx / jmp l
    constexpr u8 kEndless[] = {0x43, 0xEB, 0xFD};
    alignas(kPageSize) std::array<u8, kPageSize> other{0x4B, 0xEB, 0xFD};
    Board board(true, kEndless);
    const auto change = [&board] {
        const u64 before = board.state().gpr[kRbx];
        EXPECT_EQ(board.run(1000), EngineExit::deadline);
        return static_cast<i32>(board.state().gpr[kRbx] - before);
    };
    EXPECT_EQ(change(), 500);
    const u64 translations = board.statistics().translations;
    board.memory().map_memory("elsewhere", {0xE0000000}, other);
    EXPECT_EQ(change(), 500);
    board.memory().unmap("elsewhere");
    EXPECT_EQ(change(), 500);
    EXPECT_EQ(board.statistics().translations, translations);
    board.memory().map_memory("over it", {kCodeAt}, other);
    EXPECT_EQ(change(), -500);
    board.memory().unmap("over it");
    EXPECT_EQ(change(), 500);
}

TEST(TranslatorTest, TakesLinksToAnotherPageBackWhenItMoves) {
    // mov edi,3 / o: mov edx,3 / i: call 10000h / dec edx / jnz i / xor dword [2040h],3000h / mov ecx,cr3 / mov cr3,ecx
    // dec edi / jnz o / hlt: page 10000h takes turns, there and back.
    constexpr u8 kTurns[] = {0xBF, 3, 0,    0,    0,    0xBA, 3,    0,    0,    0,    0xE8, 0xF1, 0x7F,
                             0,    0, 0x4A, 0x75, 0xF8, 0x81, 0x35, 0x40, 0x20, 0,    0,    0,    0x30,
                             0,    0, 0x0F, 0x20, 0xD9, 0x0F, 0x22, 0xD9, 0x4F, 0x75, 0xE0, 0xF4};
    constexpr u8 kAddOne[] = {0x43, 0xC3};              // inc ebx; ret
    constexpr u8 kAddTen[] = {0x83, 0xC3, 0x0A, 0xC3};  // add ebx, 10; ret
    Board interpreted(false, kTurns), translated(true, kTurns);
    for (Board* board : {&interpreted, &translated}) {
        board->poke(0x9000, kAddOne);
        board->poke(0xA000, kAddTen);
        board->map_one_elsewhere(0x9000);
        EXPECT_EQ(board->run(1000), EngineExit::halted);
    }
    expect_same(interpreted, translated);
    EXPECT_EQ(translated.state().gpr[kRbx], 3u + 30 + 3);
    EXPECT_LT(translated.statistics().handed_over_by[static_cast<std::size_t>(isa::Mnemonic::Call)], 2u);
}

TEST(TranslatorTest, EmptiesAFullCache) {
    // Every set of segment facts is a key of its own; there is room for the tables of 32.
    Board board(true, kLoop);
    Board interpreted(false, kLoop);
    EXPECT_EQ(interpreted.run(100'000), EngineExit::halted);
    const std::array<u64, 18> start = Board(false, kLoop).state().gpr;
    u64 before = 0;
    for (unsigned facts = 0; facts < 64; ++facts) {
        for (unsigned k = 0; k < 3; ++k) {
            constexpr std::array kSegments{kEs, kFs, kGs};
            const u64 base = k == 0 && (facts & 1) != 0 ? 16 : 0;
            const bool writable = (facts >> (1 + k) & 1) != 0;
            const bool readable = (facts >> (3 + k) & 1) != 0 || k == 0;
            const u16 attributes = !readable ? 0xC099 : writable ? 0xC093 : 0xC091;
            board.cpu().set_segment(kSegments[k], 16, base, 0xFFFFFFFF, attributes);
        }
        board.cpu().update_mode();
        board.poke32(kDataAt, 0);
        board.state().gpr = start;
        board.state().set_eflags(kFlagReserved1);
        board.state().attention = 0;
        EXPECT_EQ(board.run(100'000), EngineExit::halted);
        EXPECT_EQ(board.state().instructions - before, interpreted.state().instructions);
        EXPECT_EQ(board.state().gpr, interpreted.state().gpr);
        before = board.state().instructions;
    }
    EXPECT_GT(board.statistics().flushes, 0u);
}

TEST(TranslatorTest, AReturnIsOfTheModeItIsExecutedIn) {
    // Every second turn 16-bit code returns to where 32-bit code was to return to. What is there is code of both.
    std::array<u8, 0x60> code{};
    const auto put = [&code](std::size_t at, std::initializer_list<u8> bytes) {
        std::copy(bytes.begin(), bytes.end(), code.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(0x00, {0xB9, 40, 0, 0, 0});                      // mov ecx, 40
    put(0x05, {0xE8, 0x26, 0, 0, 0});                    // l: call f
    put(0x0A, {0xB8, 0x34, 0x12, 0, 0, 0x49, 0x74, 8});  // mov eax, 1234h (or mov ax; add [bx+si], al) / dec ecx / jz e
    put(0x12, {0xEB, 0x2C});                             // jmp k
    put(0x1A, {0xF4});                                   // e: hlt
    put(0x30, {0xF6, 0xC1, 1, 0x75, 1, 0xC3});           // f: test cl, 1 / jnz s / ret
    put(0x36, {0x83, 0xC4, 4, 0xEA, 0x50, 0x80, 0, 0, 0x18, 0});  // s: add esp, 4 / jmp 18h:m
    put(0x40, {0x8C, 0xC8, 0x3C, 8, 0x74, 5});                    // k: mov eax, cs / cmp al, 8 / je t
    put(0x46, {0xEA, 0x05, 0x80, 8, 0, 0xEB, 0xB8});              // jmp 8:l, of 16-bit code / t: jmp l
    put(0x50, {0x66, 0x68, 0x0A, 0x80, 0, 0, 0x66, 0xC3});        // m: push dword 800Ah / ret dword
    Board interpreted(false, code), translated(true, code);
    for (Board* board : {&interpreted, &translated}) {
        board->set_gate(0x9000);
        board->poke32(kGdt + 0x18, 0x0000FFFF);
        board->poke32(kGdt + 0x1C, 0x00009B00);
        board->state().gdtr.limit = 0x1F;
        board->state().gpr[kRbx] = 0x5000;
        EXPECT_EQ(board->run(10'000), EngineExit::halted);
    }
    expect_same(interpreted, translated);
    EXPECT_EQ(interpreted.peek16(0x5000), translated.peek16(0x5000));
    EXPECT_NE(interpreted.peek16(0x5000), 0u);
    EXPECT_GT(translated.statistics().gone_on, 0u);
}

TEST(TranslatorTest, EndsWithTheCodeSegmentAtFourGigabytes) {
    // Two NOPs at FFFFFFFEh: what follows is beyond the limit of CS, #GP, and without an IDT a shutdown.
    constexpr u8 kGo[] = {0xB8, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xE0};  // mov eax, FFFFFFFEh; jmp eax
    constexpr u8 kNops[] = {0x90, 0x90};
    std::array<u64, 2> counts{};
    for (const bool translated : {false, true}) {
        Board board(translated, kGo);
        board.poke(0x9FFE, kNops);
        board.poke32(kPageDirectory, kPageTable | 3);
        board.poke32(kPageDirectory + 4 * 1023, kPageTable | 3);
        for (u32 page = 0; page < 64; ++page) board.poke32(kPageTable + 4 * page, page << 12 | 3);
        board.poke32(kPageTable + 4 * 1023, 0x9003);
        board.state().idtr = {0, 0};
        board.state().cr3 = kPageDirectory;
        board.state().cr0 |= 0x80000000;
        board.cpu().update_mode();
        EXPECT_EQ(board.run(100), EngineExit::shutdown);
        counts[translated] = board.state().instructions;
    }
    EXPECT_EQ(counts[0], counts[1]);
}

TEST(TranslatorTest, RefusesAProcessorOutsideLowMemory) {
    const Model model = std::move(Model::find("default").value());
    const auto memory = std::move(PhysicalMemory::create(u64{1} << 20).value());
    EmptyEnvironment environment;
    std::vector<u8> high(sizeof(Cpu) + alignof(Cpu));
    void* at = high.data();
    std::size_t room = high.size();
    Cpu* const cpu = ::new (std::align(alignof(Cpu), sizeof(Cpu), at, room)) Cpu(model, *memory, environment);
    const auto made = Translator::create(*cpu, {});
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().status, ExitStatus::host_resource);
    EXPECT_NE(made.error().message.find("--engine interpreter"), std::string::npos);
    cpu->~Cpu();
}

// mov ecx,30 / l: movd xmm0,ecx / pshufd xmm1,xmm0,0 / paddd xmm2,xmm1 / cvtdq2ps xmm3,xmm1 / addps xmm4,xmm3 /
// movups [esi],xmm4 / fild dword [esi] / fadd st0,st0 / fstp dword [esi+16] / aaa / loop l / hlt
constexpr u8 kVectors[] = {0xB9, 30,   0,    0,    0,    0x66, 0x0F, 0x6E, 0xC1, 0x66, 0x0F, 0x70, 0xC8,
                           0,    0x66, 0x0F, 0xFE, 0xD1, 0x0F, 0x5B, 0xD9, 0x0F, 0x58, 0xE3, 0x0F, 0x11,
                           0x26, 0xDB, 0x06, 0xD8, 0xC0, 0xD9, 0x5E, 0x10, 0x37, 0xE2, 0xE0, 0xF4};

TEST(TranslatorTest, VectorsAndX87AreWhereTheInterpreterHasThem) {
    for (const u64 slice : {1, 3, 7, 1000}) expect_same_run(kVectors, slice);
}

TEST(TranslatorTest, UnmaskedExceptionsAreRaised) {
    // fninit / fldcw [esi] (all unmasked) / fld1 / fldz / fdivp st1,st0 / fwait / hlt; no IDT: it ends in a shutdown
    constexpr u8 kDivision[] = {0xDB, 0xE3, 0xD9, 0x2E, 0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9, 0x9B, 0xF4};
    Board interpreted(false, kDivision), translated(true, kDivision);
    for (Board* board : {&interpreted, &translated}) {
        board->state().cr0 |= 0x20;  // NE
        board->cpu().update_mode();
        board->poke32(kDataAt, 0x340);
        EXPECT_EQ(board->run(1000), EngineExit::shutdown);
    }
    expect_same(interpreted, translated);
}

TEST(TranslatorTest, InstructionsAcrossPagesAreTranslated) {
    // 8000: mov ecx,50 / jmp 8FFBh; 8FFB: add eax,12345678h in all of the next page but its first three bytes / loop
    // 8FFBh
    constexpr u8 kStart[] = {0xB9, 50, 0, 0, 0, 0xE9, 0xF1, 0x0F, 0, 0};
    constexpr u8 kAcross[] = {0x81, 0xC0, 0x78, 0x56, 0x34, 0x12, 0xE2, 0xF8, 0xF4};
    Board interpreted(false, kStart), translated(true, kStart);
    for (Board* board : {&interpreted, &translated}) {
        board->poke(0x8FFB, kAcross);
        EXPECT_EQ(board->run(1000), EngineExit::halted);
    }
    expect_same(interpreted, translated);
    EXPECT_LT(translated.statistics().runs, 20u);
}

TEST(TranslatorTest, DivisionsRaiseDivideErrors) {
    // mov eax,77 / xor edx,edx / mov ecx,5 / div ecx / mov ebx,eax / l: dec ecx / idiv ecx / jmp l; no IDT
    constexpr u8 kDivision[] = {0xB8, 77,   0,    0,    0,    0x31, 0xD2, 0xB9, 5,    0,    0,
                                0,    0xF7, 0xF1, 0x89, 0xC3, 0x49, 0xF7, 0xF9, 0xEB, 0xFB, 0x90};
    Board interpreted(false, kDivision), translated(true, kDivision);
    for (Board* board : {&interpreted, &translated}) EXPECT_EQ(board->run(1000), EngineExit::shutdown);
    expect_same(interpreted, translated);
    EXPECT_EQ(translated.state().gpr[kRcx], 4u);  // the quotient is too large
    EXPECT_GT(translated.statistics().host_faults, 0u);
}

TEST(TranslatorTest, CallsWithoutReturnsAndReturnsWithoutCalls) {
    // mov ecx,100000 / l: call n / n: pop eax / dec ecx / jnz l / hlt: more than the ReturnStack holds
    constexpr u8 kCalls[] = {0xB9, 0xA0, 0x86, 1, 0, 0xE8, 0, 0, 0, 0, 0x58, 0x49, 0x75, 0xF7, 0xF4};
    expect_same_run(kCalls, 100'000);
    // mov ecx,50 / l: push 800Bh / ret / 800B: dec ecx / jnz l / hlt
    constexpr u8 kReturns[] = {0xB9, 50, 0, 0, 0, 0x68, 0x0B, 0x80, 0, 0, 0xC3, 0x49, 0x75, 0xF7, 0xF4};
    for (const u64 slice : {1, 5, 1000}) expect_same_run(kReturns, slice);
}

TEST(TranslatorTest, HotCodeGoesThroughWindows) {
    // mov ecx,2000000 / l: add [esi],ecx / mov eax,[esi+4096] / inc dword [esi+4096] / dec ecx / jnz l / hlt
    constexpr u8 kHot[] = {0xB9, 0x80, 0x84, 0x1E, 0,    0x01, 0x0E, 0x8B, 0x86, 0,    0x10, 0,
                           0,    0xFF, 0x86, 0,    0x10, 0,    0,    0x49, 0x75, 0xEF, 0xF4};
    Board interpreted(false, kHot), translated(true, kHot);
    for (Board* board : {&interpreted, &translated}) {
        while (board->run(1'000'000) == EngineExit::deadline) continue;
    }
    expect_same(interpreted, translated);
    for (const u64 offset : {0x0000, 0x1000})
        EXPECT_EQ(interpreted.peek32(kDataAt + offset), translated.peek32(kDataAt + offset));
    EXPECT_GT(translated.statistics().host_faults, 0u);
    EXPECT_EQ(translated.statistics().kept_from_windows, 0u);
}

TEST(TranslatorTest, DataBesideCodeStaysOutOfWindows) {
    // mov ecx,2000000 / l: inc dword [8100h] / dec ecx / jnz l / hlt
    constexpr u8 kBeside[] = {0xB9, 0x80, 0x84, 0x1E, 0, 0xFF, 0x05, 0, 0x81, 0, 0, 0x49, 0x75, 0xF7, 0xF4};
    Board board(true, kBeside);
    while (board.run(1'000'000) == EngineExit::deadline) continue;
    EXPECT_EQ(board.peek32(0x8100), 2'000'000u);
    EXPECT_GT(board.statistics().kept_from_windows, 0u);
    EXPECT_LT(board.statistics().host_faults, 1000u);
}

TEST(TranslatorTest, ARepeatedStoreOverOtherCodeCountsTheSame) {
    // A function at 8100h is called, then filled over by one REP STOS, which must not count each of its blocks:
    // call 8100h / mov edi,80F0h / mov ecx,32 / rep stosb / hlt
    constexpr u8 kFill[] = {0xE8, 0xFB, 0, 0, 0, 0xBF, 0xF0, 0x80, 0, 0, 0xB9, 32, 0, 0, 0, 0xF3, 0xAA, 0xF4};
    constexpr u8 kFunction[] = {0x90, 0x74, 0x00, 0x90, 0x74, 0x00, 0xC3};
    Board interpreted(false, kFill), translated(true, kFill);
    for (Board* board : {&interpreted, &translated}) {
        board->poke(0x8100, kFunction);
        EXPECT_EQ(board->run(1000), EngineExit::halted);
    }
    expect_same(interpreted, translated);
    EXPECT_EQ(interpreted.state().instructions, 10u);
}

}  // namespace
}  // namespace bantam::jit
