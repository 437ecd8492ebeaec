// Random 16-bit programs on interpreter and translator, stopped at the same random counts: equal registers after each
// slice, equal memory at the end. --gtest_shuffle --gtest_repeat=N makes other programs each time.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/jit/sixteen_bit_board.h"

namespace bantam::jit {
namespace {

constexpr u16 kSegment = 0x2000;
constexpr unsigned kProgramBytes = 160;
constexpr std::array<u16, 5> kStarts{0x0000, 0x0FC0, 0x7F80, 0xF000,
                                     0xFFA0};  // two run into the end of a page, one of CS

class Generator {
public:
    explicit Generator(u64 seed) : engine_(seed) {}
    unsigned below(unsigned bound) { return static_cast<unsigned>(engine_() % bound); }
    u8 byte() { return static_cast<u8>(engine_()); }

    /// An offset near where something happens, mostly.
    u32 offset() {
        constexpr std::array<u32, 8> kPlaces{0x0000, 0x0FFE, 0x1FFF, 0x7FFE, 0x8000, 0xFFFC, 0x10000, 0xFFFFFFFE};
        const u32 place = below(3) == 0 ? static_cast<u32>(engine_()) & 0xFFFF : kPlaces[below(8)];
        return place + below(6) - 2;
    }

    std::vector<u8> program() {
        code_.clear();
        while (code_.size() < kProgramBytes) instruction();
        return code_;
    }

private:
    void put(std::initializer_list<unsigned> bytes) {
        for (const unsigned b : bytes) code_.push_back(static_cast<u8>(b));
    }
    void put16(unsigned value) { put({value & 0xFF, value >> 8 & 0xFF}); }

    void prefixes() {
        constexpr std::array<u8, 6> kSegments{0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
        if (below(5) == 0) put({0x66});
        if (below(6) == 0) put({0x67});
        if (below(6) == 0) put({kSegments[below(6)]});
    }
    /// Any ModRM; what follows it is whatever the next random bytes say.
    void operand() {
        put({byte()});
        for (unsigned k = below(4); k > 0; --k) put({byte()});
    }
    /// A ModRM of an operand in memory, 16-bit form, at a chosen displacement.
    void memory(unsigned reg) {
        if (below(2) == 0) {
            put({0x06u | reg << 3});
            put16(offset());
        } else {
            put({0x40u | reg << 3 | below(8), byte()});
        }
    }

    void instruction() {
        constexpr std::array<u8, 16> kPlain{0x98, 0x99, 0x9F, 0x9E, 0xF8, 0xF9, 0xF5, 0xFC,
                                            0xFD, 0x37, 0xD7, 0x9C, 0x9D, 0x60, 0x61, 0xC9};
        constexpr std::array<u8, 8> kStrings{0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAE};
        switch (below(24)) {
            case 0:
            case 1:
            case 2:
                prefixes();
                put({(byte() & 0x38u) | below(4)});
                return below(2) == 0 ? memory(below(8)) : operand();
            case 3:
                prefixes();
                put({0x88u + below(4)});
                return memory(below(8));
            case 4:
                put({0xB8u + below(8)});
                return put16(offset());
            case 5:  // PUSH and POP
                if (below(5) == 0) put({0x66});
                return put({0x50u + below(16)});
            case 6:  // of segment registers
                if (below(5) == 0) put({0x66});
                return put({std::array<unsigned, 6>{0x06, 0x0E, 0x16, 0x1E, 0x07, 0x1F}[below(6)]});
            case 7:  // MOV from and to segment registers
                prefixes();
                put({below(3) == 0 ? 0x8Eu : 0x8Cu});
                return below(2) == 0 ? put({0xC0u | byte()}) : memory(std::array<unsigned, 4>{0, 3, 4, 5}[below(4)]);
            case 8:
                prefixes();
                put({0xC4u + below(2)});
                return memory(below(8));
            case 9:
                prefixes();
                put({0x8D});
                return memory(below(8));
            case 10:
            case 11:  // Jcc
                return put({0x70u + below(16), below(0x30) - 0x10});
            case 12:  // LOOP, JCXZ
                prefixes();
                return put({0xE0u + below(4), below(0x30) - 0x18});
            case 13:  // CALL, JMP
                if (below(4) == 0) {
                    put({0x66, 0xE8u + below(2)});
                    return put({below(0x30) - 0x10, below(20) == 0 ? 1u : 0u, below(20) == 0 ? 1u : 0u, 0});
                }
                put({0xE8u + below(2)});
                return put16(below(0x30) - 0x10);
            case 14:  // RET
                if (below(4) == 0) put({0x66});
                if (below(2) == 0) return put({0xC3});
                put({0xC2});
                return put16(below(6));
            case 15:  // near indirect JMP and CALL
                prefixes();
                put({0xFF});
                return below(2) == 0 ? put({0xD0u | below(2) << 4 | below(8)}) : memory(2 + 2 * below(2));
            case 16:  // far JMP and CALL to other names of this place
                put({below(2) == 0 ? 0xEAu : 0x9Au});
                if (below(2) == 0) {
                    put16(start_ + below(kProgramBytes));
                    return put16(kSegment);
                }
                put16(start_ + 0x100 + below(kProgramBytes));
                return put16(kSegment - 0x10);
            case 17:
                return put({std::array<unsigned, 4>{0xCB, 0xCF, 0xCC, 0xCE}[below(4)]});
            case 18:
                if (below(2) == 0) put({0xF2u + below(2)});
                prefixes();
                return put({kStrings[below(8)]});
            case 19:
                if (below(5) == 0) put({0x66});
                return put({kPlain[below(16)]});
            case 20:  // MOV r32, PUSH imm, groups of one operand
                switch (below(4)) {
                    case 0:
                        put({0x66, 0xB8u + below(8)});
                        put16(offset());
                        return put16(below(4) == 0 ? below(3) : 0);
                    case 1:
                        if (below(4) == 0) put({0x66});
                        put({0x6A, byte()});
                        return;
                    case 2:
                        prefixes();
                        put({0xF6u + below(2)});
                        return memory(below(8));
                    default:
                        prefixes();
                        put({0xFEu + below(2)});
                        return memory(below(2) + 6 * below(2));
                }
            case 21:  // two-byte opcodes that are not privileged
                prefixes();
                put({0x0F,
                     std::array<unsigned, 10>{0x40, 0x94, 0xA3, 0xA4, 0xAF, 0xB6, 0xBE, 0xC1, 0xBA, 0xB4}[below(10)]});
                return below(2) == 0 ? memory(4 + below(4)) : operand();
            case 22:  // SSE and x87
                if (below(2) == 0) {
                    put({0x0F, std::array<unsigned, 6>{0x10, 0x11, 0x28, 0x58, 0x57, 0x6F}[below(6)]});
                } else {
                    put({0xD8u + below(8)});
                }
                return below(2) == 0 ? memory(below(8)) : operand();
            default:
                for (unsigned k = below(6); k > 0; --k) put({byte()});
                return;
        }
    }

    std::mt19937_64 engine_;
    std::vector<u8> code_;

public:
    u16 start_ = 0;
};

class Pair {
public:
    void run_program(u64 seed) {
        Generator random(seed);
        const SixteenBitMode mode = kSixteenBitModes[random.below(static_cast<unsigned>(kSixteenBitModes.size()))];
        random.start_ = kStarts[random.below(static_cast<unsigned>(kStarts.size()))];
        const std::vector<u8> program = random.program();
        std::array<u32, 8> registers{};
        for (u32& value : registers) value = random.offset();
        registers[kRsp] = random.below(2) == 0 ? 0x8000 + random.below(4) : random.offset();
        for (SixteenBitBoard* board : {&interpreted_, &translated_}) {
            board->start(mode, kSegment);
            board->poke(u64{kSegment} * 16 + random.start_, program);
            for (unsigned reg = 0; reg < 8; ++reg) board->state().gpr[reg] = registers[reg];
            board->state().rip() = random.start_;
        }
        const std::string name =
            fmt::format("seed {} mode {} at {:x}", seed, static_cast<unsigned>(mode), random.start_);
        for (unsigned slice = 0; slice < 24; ++slice) {
            const unsigned length = random.below(3) == 0 ? 1 + random.below(60) : 1 + random.below(8);
            const EngineExit exit = interpreted_.run(length);
            ASSERT_EQ(translated_.run(length), exit) << name << " slice " << slice;
            ASSERT_EQ(differences(interpreted_, translated_, false), "") << name << " slice " << slice;
            if (exit == EngineExit::shutdown) break;
            const u16 entry = static_cast<u16>(random.start_ + random.below(kProgramBytes));
            const u16 stack = static_cast<u16>(random.offset());
            if (exit == EngineExit::halted) resume(mode, entry, stack);
        }
        ASSERT_EQ(differences(interpreted_, translated_, true), "") << name;
    }
    [[nodiscard]] const Translator::Statistics& statistics() const { return translated_.statistics(); }

private:
    /// After a fault whose handler was HLT: somewhere in the program again.
    void resume(SixteenBitMode mode, u16 entry, u16 stack) {
        for (SixteenBitBoard* board : {&interpreted_, &translated_}) {
            CpuState& s = board->state();
            s.attention = 0;
            s.flags &= ~(kFlagTrap | kFlagInterrupt);
            s.gpr[kRsp] = stack;
            const u16 rights = mode == SixteenBitMode::v86 ? 0xF3 : mode < SixteenBitMode::protected_low ? 0x93 : 0x9B;
            board->set_segment(kCs, u64{kSegment} * 16, 0xFFFF, rights);
            s.rip() = entry;
            board->cpu().update_mode();
        }
    }

    SixteenBitBoard interpreted_{false};
    SixteenBitBoard translated_{true};
};

TEST(RandomSixteenBitTest, ProgramsRunTheSameOnBothEngines) {
    constexpr u64 kPrograms = 3000;
    const u64 first = static_cast<u64>(::testing::UnitTest::GetInstance()->random_seed()) * kPrograms;
    Pair pair;
    for (u64 k = 0; k < kPrograms && !HasFatalFailure(); ++k) pair.run_program(first + k);
    EXPECT_GT(pair.statistics().retired, kPrograms * 20);
    EXPECT_GT(pair.statistics().slow_paths, kPrograms);
}

}  // namespace
}  // namespace bantam::jit
