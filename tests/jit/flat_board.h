// A flat 32-bit machine on one engine, and the comparison of two that should be in the same state.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <span>

#include "tests/jit/engine_board.h"

namespace bantam::jit {

inline constexpr u64 kCodeAt = 0x8000, kDataAt = 0x20000, kStackTop = 0x7000;
inline constexpr u64 kPageDirectory = 0x1000, kPageTable = 0x2000, kGdt = 0x3000, kIdt = 0x4000;

/// Time passes by PAUSE and by interrupts.
class StallingEnvironment final : public EmptyEnvironment {
public:
    std::function<void()> stall;
    void pause() override { stall(); }
    std::function<void()> acknowledged = [] {};
    u8 acknowledge_interrupt() override {
        acknowledged();
        return 0x20;
    }
};

/// A flat 32-bit machine at CPL 0 with `code` at kCodeAt.
class FlatBoard : public EngineBoard<StallingEnvironment> {
public:
    FlatBoard(bool translated, std::span<const u8> code, Optimisations optimisations = {})
        : EngineBoard(u64{1} << 20, translated, {.threshold = 0, .optimisations = optimisations}) {
        environment().stall = [this] {
            CpuState& s = state();
            s.deadline = std::max(cpu().retired(), s.deadline - std::min(s.deadline, kStall));
            cpu().deadline_moved();
        };
        poke(kCodeAt, code);
        CpuState& s = state();
        s.cr0 |= 1;
        s.cr4 |= 0x600;  // OSFXSR, OSXMMEXCPT
        cpu().set_segment(kCs, 8, 0, 0xFFFFFFFF, 0xC09B);
        for (const unsigned data : {kEs, kSs, kDs, kFs, kGs}) cpu().set_segment(data, 16, 0, 0xFFFFFFFF, 0xC093);
        cpu().update_mode();
        s.rip() = kCodeAt;
        s.gpr[kRsp] = kStackTop;
        s.gpr[kRsi] = kDataAt;
    }

    /// Vector 20h goes to `handler`.
    void set_gate(u64 handler) {
        const u64 gate = (handler & 0xFFFF) | 8u << 16 | u64{0x8E00} << 32 | handler >> 16 << 48;
        poke(kIdt + 8u * 0x20, std::span(reinterpret_cast<const u8*>(&gate), 8));
        constexpr std::array<u64, 2> kCodeAndData{0x00CF9B000000FFFF, 0x00CF93000000FFFF};
        poke(kGdt + 8, std::span(reinterpret_cast<const u8*>(kCodeAndData.data()), 16));
        state().gdtr = {kGdt, 23};
        state().idtr = {kIdt, 0x7FF};
    }
    /// The processor takes an interrupt to `handler`; its delivery makes the deadline due.
    void interrupt(u64 handler) {
        set_gate(handler);
        cpu().write_flags(kFlagInterrupt, kFlagInterrupt);
        cpu().set_intr(true);
        environment().acknowledged = [this] {
            cpu().set_intr(false);
            state().deadline = state().instructions;
            cpu().deadline_moved();
        };
    }
    /// Pages 0 to 63 are where they are, but 10000h, which is at `at`.
    void map_one_elsewhere(u64 at) {
        poke32(kPageDirectory, kPageTable | 3);
        for (u32 page = 0; page < 64; ++page) poke32(kPageTable + 4 * page, page << 12 | 3);
        poke32(kPageTable + 4 * 16, static_cast<u32>(at) | 3);
        state().cr3 = kPageDirectory;
        state().cr0 |= 0x80000000;
        cpu().update_mode();
    }
    /// Instructions by which a PAUSE brings the deadline nearer.
    static constexpr u64 kStall = 5;

    [[nodiscard]] u64 invalidated() { return engine().statistics().blocks_invalidated; }
};

inline void expect_same(FlatBoard& one, FlatBoard& other) {
    const CpuState& a = one.state();
    const CpuState& b = other.state();
    EXPECT_EQ(a.instructions, b.instructions);
    EXPECT_EQ(a.rip(), b.rip());
    EXPECT_EQ(a.eflags(), b.eflags());
    for (unsigned reg = 0; reg < 8; ++reg) EXPECT_EQ(a.gpr[reg], b.gpr[reg]) << "register " << reg;
    for (unsigned reg = 0; reg < 16; ++reg) EXPECT_EQ(a.vector[reg].bytes, b.vector[reg].bytes) << "XMM" << reg;
    EXPECT_EQ(a.mxcsr, b.mxcsr);
    EXPECT_EQ(a.x87, b.x87);
    EXPECT_EQ(a.x87_instruction_pointer, b.x87_instruction_pointer);
    EXPECT_EQ(a.x87_last_opcode, b.x87_last_opcode);
}

}  // namespace bantam::jit
