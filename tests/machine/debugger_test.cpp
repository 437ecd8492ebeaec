// Debugger on a CPU of its own, with both engines: where exactly it stops, and that the guest is none the wiser.
#include "machine/debugger/debugger.h"

#include <gtest/gtest.h>

#include <sstream>
#include <tuple>

#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/interpreter.h"
#include "jit/translator.h"
#include "tests/empty_environment.h"

namespace bantam {
namespace {

using Cause = Debugger::Cause;
using Access = Debugger::Access;

constexpr u64 kCode = 0x1000, kHandler = 0x1800, kData = 0x2010, kIdt = 0x3000, kGdt = 0x4000, kStack = 0x8000;
constexpr u8 kVector = 0x20;
using interpreter::kElementsPerTurn;

class Environment final : public EmptyEnvironment {
public:
    Cpu* cpu = nullptr;
    u8 acknowledge_interrupt() override {
        cpu->set_intr(false);
        return kVector;
    }
};

/// 32-bit code at CPL 0; vector 20h counts in EBX, #DB in EDI.
class DebuggerTest : public testing::TestWithParam<bool> {
protected:
    DebuggerTest() {
        environment_.cpu = cpu_.get();
        constexpr std::array<u8, 24> kDescriptors{0, 0,    0,    0, 0,    0,    0, 0, 0xFF, 0xFF, 0,    0,
                                                  0, 0x9B, 0xCF, 0, 0xFF, 0xFF, 0, 0, 0,    0x93, 0xCF, 0};
        memory_->copy_in({kGdt}, kDescriptors);
        constexpr std::array<u8, 6> kHandlers{0x43, 0xCF, 0x90, 0x90, 0x47, 0xCF};  // inc ebx / iretd; inc edi / iretd
        memory_->copy_in({kHandler}, kHandlers);
        set_gate(kVector, kHandler);
        set_gate(1, kHandler + 4);
        set_gate(6, kHandler);
        cpu_->state.cr0 |= 1;
        cpu_->state.gdtr = {kGdt, 23};
        cpu_->state.idtr = {kIdt, 0x7FF};
        cpu_->set_segment(kCs, 8, 0, ~u32{0}, 0xC09B);
        for (const unsigned segment : {kDs, kEs, kSs}) cpu_->set_segment(segment, 16, 0, ~u32{0}, 0xC093);
        cpu_->update_mode();
        cpu_->state.gpr = {};
        cpu_->state.gpr[kRsp] = kStack;
        cpu_->state.instructions = 0;
        if (GetParam()) {
            engine_->set_block_runner(std::move(jit::Translator::create(*cpu_, {.threshold = 0}).value()));
        }
        attach();
    }
    void attach() {
        debugger_.emplace(*cpu_, *engine_, [this](const Debugger::Stop& stop) {
            stop_ = stop;
            cpu_->request_attention(kAttentionStop);  // as the run loop does
        });
    }
    void set_gate(unsigned vector, u64 handler) {
        const u64 gate = (handler & 0xFFFF) | 8u << 16 | u64{0x8E00} << 32;
        memory_->write({kIdt + u64{8} * vector}, 8, gate);
    }
    void load(std::initializer_list<u8> code) {
        memory_->copy_in({kCode}, std::vector<u8>(code));
        cpu_->state.rip() = kCode;
    }
    /// Runs until the debugger stops, or to what else ends the run.
    EngineExit run(u64 instructions = 100'000) {
        stop_.reset();
        cpu_->state.deadline = cpu_->state.instructions + instructions;
        EngineExit exit = engine_->run();
        while (exit == EngineExit::stopped && !stop_) exit = engine_->run();
        return exit;
    }
    /// Why and where it stops, as text.
    std::string run_on() {
        debugger_->resume();
        return told(run());
    }
    std::string step() {
        debugger_->step();
        return told(run());
    }
    std::string told(EngineExit exit) const {
        if (exit != EngineExit::stopped) return exit == EngineExit::halted ? "halted" : "not stopped";
        constexpr std::array<const char*, 5> kNames{"breakpoint", "watchpoint", "step", "exception", "shutdown"};
        std::ostringstream text;
        text << kNames.at(static_cast<std::size_t>(stop_->cause)) << " at " << std::hex << cpu_->state.rip();
        return text.str();
    }
    u32 reg(Gpr gpr) const { return static_cast<u32>(cpu_->state.gpr[gpr]); }
    void break_at(u64 address) { ASSERT_TRUE(debugger_->add_breakpoint({address})); }
    void watch(u64 address, u64 size, Access access) {
        ASSERT_TRUE(debugger_->add_watchpoint({address}, size, access));
    }

    Model model_ = std::move(Model::find("default").value());
    Environment environment_;
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(u64{1} << 20).value());
    std::unique_ptr<Cpu> cpu_ = std::make_unique<Cpu>(model_, *memory_, environment_);
    std::unique_ptr<Interpreter> engine_ = std::move(Interpreter::create(*cpu_).value());
    std::optional<Debugger> debugger_;
    std::optional<Debugger::Stop> stop_;
};

TEST_P(DebuggerTest, BreakpointInALoopStopsEachTimeRound) {
    load({0x40, 0x41, 0x42, 0xEB, 0xFB});  // inc eax / inc ecx / inc edx / jmp back
    EXPECT_EQ(run(10'000), EngineExit::deadline) << "translated by now";
    const u32 before = reg(kRax);
    cpu_->state.rip() = kCode;
    break_at(kCode + 1);
    for (u32 round = 1; round <= 3; ++round) {
        EXPECT_EQ(run_on(), "breakpoint at 1001");
        EXPECT_EQ(reg(kRax), before + round);
    }
    debugger_->remove_breakpoint({kCode + 1});
    EXPECT_EQ(run_on(), "not stopped");
}

TEST_P(DebuggerTest, BreakpointWhereACallReturns) {
    load({0xE8, 0x03, 0, 0, 0, 0x41, 0xEB, 0xF8, 0x40, 0xC3});  // call f / inc ecx / jmp back / f: inc eax / ret
    EXPECT_EQ(run(10'000), EngineExit::deadline);
    cpu_->state.rip() = kCode;
    cpu_->state.gpr[kRsp] = kStack;
    const u32 before = reg(kRcx);
    break_at(kCode + 5);
    EXPECT_EQ(run_on(), "breakpoint at 1005");
    EXPECT_EQ(reg(kRcx), before);
    EXPECT_EQ(run_on(), "breakpoint at 1005");
    EXPECT_EQ(reg(kRcx), before + 1);
}

TEST_P(DebuggerTest, BreakpointAtALinearAddressWhateverTheBaseOfCs) {
    cpu_->state.cr0 &= ~u64{1};
    cpu_->set_segment(kCs, 0x100, 0x1000, 0xFFFF, 0x9B);
    cpu_->update_mode();
    load({0x40, 0x41, 0xEB, 0xFC});
    cpu_->state.rip() = 0;
    break_at(kCode + 1);
    EXPECT_EQ(run_on(), "breakpoint at 1");
    EXPECT_EQ(step(), "step at 2");
}

TEST_P(DebuggerTest, StepsFromOntoAndOverBreakpoints) {
    load({0x40, 0x41, 0x42, 0xEB, 0xFB});
    break_at(kCode + 1);
    break_at(kCode + 2);
    EXPECT_EQ(run_on(), "breakpoint at 1001");
    EXPECT_EQ(step(), "step at 1002") << "one stop where a step ends at a breakpoint";
    EXPECT_EQ(step(), "step at 1003");
    EXPECT_EQ(cpu_->state.instructions, 3u);
    EXPECT_EQ(run_on(), "breakpoint at 1001");
    EXPECT_EQ(run_on(), "breakpoint at 1002");
}

TEST_P(DebuggerTest, WatchpointsKnowReadsFromWrites) {
    // mov [2010h], al / mov cl, [2011h] / add [2012h], al / nop
    load({0xA2, 0x10, 0x20, 0, 0, 0x8A, 0x0D, 0x11, 0x20, 0, 0, 0x00, 0x05, 0x12, 0x20, 0, 0, 0x90, 0xF4});
    const auto stops = [this](Access access) {
        watch(kData, 4, access);
        cpu_->state.rip() = kCode;
        cpu_->state.attention &= ~u32{kAttentionHalted};
        std::string text;
        for (std::string more; (more = run_on()) != "halted"; text += more + " ") {
            EXPECT_EQ(stop_->access, access);
            EXPECT_EQ(stop_->address, kData);
        }
        debugger_->remove_watchpoint({kData}, 4, access);
        return text;
    };
    EXPECT_EQ(stops(Access::write), "watchpoint at 1005 watchpoint at 1011 ");
    EXPECT_EQ(stops(Access::read), "watchpoint at 100b watchpoint at 1011 ");
    EXPECT_EQ(stops(Access::any), "watchpoint at 1005 watchpoint at 100b watchpoint at 1011 ");
}

TEST_P(DebuggerTest, AWatchpointIsSetOnceHoweverOftenItIsAdded) {
    load({0xA2, 0x10, 0x20, 0, 0, 0xF4});
    watch(kData, 1, Access::write);
    watch(kData, 1, Access::write);
    debugger_->remove_watchpoint({kData}, 1, Access::write);
    EXPECT_EQ(run_on(), "halted");
}

TEST_P(DebuggerTest, WatchedIsWhatOverlaps) {
    load({0x66, 0xA3, 0x0F, 0x20, 0, 0, 0xF4});  // mov [200Fh], ax
    watch(kData, 1, Access::write);
    EXPECT_EQ(run_on(), "watchpoint at 1006");
    debugger_->remove_watchpoint({kData}, 1, Access::write);
    watch(kData + 1, 1, Access::write);
    cpu_->state.rip() = kCode;
    EXPECT_EQ(run_on(), "halted");
}

TEST_P(DebuggerTest, NoMoreThanItCanBear) {
    EXPECT_FALSE(debugger_->add_watchpoint({kData}, 0, Access::any));
    EXPECT_FALSE(debugger_->add_watchpoint({kData}, ~u64{0}, Access::any));
    for (u64 i = 0; i < Debugger::kMostWatchpoints; ++i) watch(kData + i, 1, Access::any);
    EXPECT_FALSE(debugger_->add_watchpoint({kData + 0x100}, 1, Access::any));
    for (u64 i = 0; i < Debugger::kMostBreakpoints; ++i) break_at(0x10000 + i);
    EXPECT_FALSE(debugger_->add_breakpoint({kCode}));
    EXPECT_TRUE(debugger_->add_breakpoint({0x10000})) << "it is there";
    debugger_->remove_breakpoint({0x10000});
    EXPECT_TRUE(debugger_->add_breakpoint({kCode}));
}

TEST_P(DebuggerTest, AWatchAcrossTheEndOfAddressesIsTwoPages) {
    EXPECT_TRUE(debugger_->add_watchpoint({~u64{0}}, 2, Access::any));
    EXPECT_EQ(debugger_->pages().size(), 2u);
}

TEST_P(DebuggerTest, RepIsOneInstruction) {
    load({0xF3, 0xAA, 0xF4});  // rep stosb / hlt
    constexpr u64 kCount = 4 * kElementsPerTurn + 100;
    cpu_->state.gpr[kRcx] = kCount;
    cpu_->state.gpr[kRdi] = 0x10000;
    break_at(kCode);
    break_at(kCode + 2);
    EXPECT_EQ(run(), EngineExit::stopped) << "before it";
    EXPECT_EQ(reg(kRcx), kCount);
    EXPECT_EQ(run_on(), "breakpoint at 1002") << "not at each turn of the repetition";
    EXPECT_EQ(reg(kRcx), 0u);
}

/// Repeats an instruction at kCode, which HLT follows, with watches on bytes of its data and without; the state at each
/// stop, and that the end is the same.
class DebuggerRepTest : public DebuggerTest {
protected:
    static constexpr u64 kFrom = 0x20000, kTo = 0x10000, kCount = kElementsPerTurn + 5904;
    struct End {
        std::array<u64, 16> gpr;
        u32 flags;
        u64 instructions;
        std::vector<u8> written;
        bool operator==(const End&) const = default;
    };
    std::string repeat(std::initializer_list<u8> code, End& end) {
        load(code);
        cpu_->state.gpr[kRcx] = kCount;
        cpu_->state.gpr[kRdi] = kTo;
        cpu_->state.gpr[kRsi] = kFrom;
        cpu_->state.set_eflags(0);
        cpu_->update_mode();
        cpu_->state.attention &= ~u32{kAttentionHalted};
        memory_->copy_in({kTo}, std::vector<u8>(kCount));
        const u64 before = cpu_->state.instructions;
        std::string stops, more;
        while ((more = run_on()) != "halted") stops += more + ", " + std::to_string(reg(kRcx)) + " to come; ";
        end = {{}, cpu_->state.eflags(), cpu_->state.instructions - before, std::vector<u8>(kCount)};
        std::copy(cpu_->state.gpr.begin(), cpu_->state.gpr.begin() + 16, end.gpr.begin());
        memory_->copy_out({kTo}, end.written);
        return stops;
    }
    void same_with(u64 watched, Access access, std::initializer_list<u8> code, const std::string& stops) {
        End free, seen;
        EXPECT_EQ(repeat(code, free), "");
        watch(watched, 2, access);
        EXPECT_EQ(repeat(code, seen), stops);
        EXPECT_TRUE(seen == free) << seen.instructions << " and " << free.instructions;
        debugger_->remove_watchpoint({watched}, 2, access);
    }
};

TEST_P(DebuggerRepTest, StopsAfterTheElementThatMadeTheAccess) {
    const std::string each = "watchpoint at 1000, 4999 to come; watchpoint at 1000, 4998 to come; ";
    same_with(kTo + kCount - 5000, Access::write, {0xF3, 0xAA, 0xF4}, each);  // rep stosb
    same_with(kTo + kCount - 5000, Access::write, {0xF3, 0xA4, 0xF4}, each);  // rep movsb
    same_with(kFrom + kCount - 5000, Access::read, {0xF3, 0xA4, 0xF4}, each);
    same_with(kFrom + kCount - 5000, Access::any, {0xF3, 0xAC, 0xF4}, each);   // rep lodsb
    same_with(kTo + kCount - 5000, Access::any, {0xF3, 0xAE, 0xF4}, each);     // repe scasb
    same_with(kTo + kCount - 5000, Access::read, {0xF3, 0xA6, 0xF4}, each);    // repe cmpsb
    same_with(kTo + kCount - 5000, Access::write, {0xF3, 0x6C, 0xF4}, each);   // rep insb
    same_with(kFrom + kCount - 5000, Access::read, {0xF3, 0x6E, 0xF4}, each);  // rep outsb
}

TEST_P(DebuggerRepTest, AtTheEndsOfTurnsAndOfTheRepetition) {
    same_with(kTo + kElementsPerTurn - 2, Access::write, {0xF3, 0xAA, 0xF4},
              "watchpoint at 1000, 5905 to come; watchpoint at 1000, 5904 to come; ");
    same_with(kTo + kElementsPerTurn - 1, Access::write, {0xF3, 0xAA, 0xF4},
              "watchpoint at 1000, 5904 to come; watchpoint at 1000, 5903 to come; ");
    same_with(kTo + kCount - 2, Access::write, {0xF3, 0xAA, 0xF4},
              "watchpoint at 1000, 1 to come; watchpoint at 1002, 0 to come; ");
}

TEST_P(DebuggerRepTest, WhatIsLeftOfATurnIsForThatInstructionAlone) {
    watch(kTo + 10, 1, Access::write);
    load({0xF3, 0xAA, 0xF4, 0xF3, 0xAA, 0xF4});  // rep stosb / hlt, twice
    cpu_->state.gpr[kRcx] = kCount;
    cpu_->state.gpr[kRdi] = kTo;
    EXPECT_EQ(run_on(), "watchpoint at 1000");
    EXPECT_EQ(reg(kRcx), kCount - 11);
    EXPECT_EQ(cpu_->state.instructions, 0u) << "not retired";
    cpu_->state.rip() = kCode + 3;  // whoever debugs goes elsewhere
    cpu_->state.gpr[kRcx] = kElementsPerTurn;
    EXPECT_EQ(run_on(), "halted");
    EXPECT_EQ(cpu_->state.instructions, 2u) << "a whole turn, and HLT";
}

TEST_P(DebuggerRepTest, AStepEndsTheTurn) {
    watch(kTo + 10, 1, Access::write);
    load({0xF3, 0xAA, 0xF4});
    cpu_->state.gpr[kRcx] = kCount;
    cpu_->state.gpr[kRdi] = kTo;
    break_at(kCode);
    EXPECT_EQ(told(run()), "breakpoint at 1000");
    EXPECT_EQ(step(), "watchpoint at 1000");
    EXPECT_EQ(reg(kRcx), kCount - 11);
    EXPECT_EQ(step(), "step at 1000");
    EXPECT_EQ(reg(kRcx), kCount - kElementsPerTurn);
    EXPECT_EQ(step(), "step at 1002");
}

TEST_P(DebuggerTest, StopsDoNotBreakInterruptShadows) {
    load({0xFB, 0x40, 0x41, 0xF4});  // sti / inc eax / inc ecx / hlt
    cpu_->set_intr(true);
    break_at(kCode + 1);
    EXPECT_EQ(run_on(), "breakpoint at 1001");
    EXPECT_EQ(step(), "step at 1002") << "still in the shadow of STI";
    EXPECT_EQ(reg(kRbx), 0u);
    EXPECT_EQ(step(), "step at 1800") << "the interrupt";
    EXPECT_EQ(reg(kRcx), 0u);

    load({0x8E, 0xD0, 0x40, 0x41, 0xF4});  // mov ss, ax / inc eax / inc ecx / hlt
    cpu_->state.gpr[kRax] = 16;
    cpu_->state.gpr[kRsp] = kStack;
    cpu_->write_flags(kFlagInterrupt, kFlagInterrupt);
    break_at(kCode + 2);
    EXPECT_EQ(step(), "step at 1002");
    cpu_->set_intr(true);
    EXPECT_EQ(step(), "step at 1003");
    EXPECT_EQ(step(), "step at 1800");
}

TEST_P(DebuggerTest, AnInterruptThatIsDueComesBeforeTheBreakpoint) {
    load({0x40, 0x41, 0xF4});
    cpu_->write_flags(kFlagInterrupt, kFlagInterrupt);
    break_at(kCode + 1);
    EXPECT_EQ(step(), "step at 1001");
    cpu_->state.rip() = kCode;
    EXPECT_EQ(step(), "step at 1001");
    cpu_->state.rip() = kCode;
    debugger_->resume();
    cpu_->set_intr(true);
    EXPECT_EQ(told(run()), "breakpoint at 1001");
    EXPECT_EQ(reg(kRbx), 1u) << "served before the instruction, which executes once";
    EXPECT_EQ(run_on(), "halted");

    load({0xFB, 0x40, 0x41, 0xF4});  // sti / inc eax / inc ecx / hlt: due after the shadow of STI
    cpu_->write_flags(0, kFlagInterrupt);
    cpu_->state.attention &= ~u32{kAttentionHalted};
    cpu_->set_intr(true);
    debugger_->remove_breakpoint({kCode + 1});
    break_at(kCode + 2);
    EXPECT_EQ(run_on(), "breakpoint at 1002");
    EXPECT_EQ(reg(kRbx), 2u);
    EXPECT_EQ(run_on(), "halted");
}

TEST_P(DebuggerTest, ABreakpointBehindHltWaitsForTheWaking) {
    load({0xF4, 0x41, 0xF4});
    cpu_->write_flags(kFlagInterrupt, kFlagInterrupt);
    break_at(kCode + 1);
    EXPECT_EQ(run_on(), "halted");
    cpu_->set_intr(true);
    EXPECT_EQ(run_on(), "breakpoint at 1001");
    EXPECT_EQ(reg(kRbx), 1u);
    EXPECT_EQ(run_on(), "halted");
    EXPECT_EQ(reg(kRcx), 1u);
}

TEST_P(DebuggerTest, InterruptsAreSteppedInto) {
    load({0x40, 0x40, 0x40});
    cpu_->write_flags(kFlagInterrupt, kFlagInterrupt);
    EXPECT_EQ(step(), "step at 1001");
    cpu_->set_intr(true);
    EXPECT_EQ(step(), "step at 1800");
    EXPECT_EQ(step(), "step at 1801");
    EXPECT_EQ(step(), "step at 1001");
    break_at(kHandler);
    cpu_->set_intr(true);
    EXPECT_EQ(run_on(), "breakpoint at 1800");
}

TEST_P(DebuggerTest, AWatchedStackIsWrittenByInterrupts) {
    load({0x40, 0xEB, 0xFD});
    cpu_->write_flags(kFlagInterrupt, kFlagInterrupt);
    watch(kStack - 12, 4, Access::write);
    cpu_->set_intr(true);
    EXPECT_EQ(run_on(), "watchpoint at 1800");
    EXPECT_EQ(reg(kRbx), 0u) << "before the handler's first instruction";
}

TEST_P(DebuggerTest, CaughtExceptionsAreDeliveredAfterwards) {
    load({0x0F, 0x0B});
    debugger_->catch_exceptions(1u << 6);
    EXPECT_EQ(run_on(), "exception at 1000");
    EXPECT_EQ(stop_->vector, Vector::invalid_opcode);
    EXPECT_EQ(reg(kRbx), 0u);
    EXPECT_EQ(run_on(), "exception at 1000") << "the handler returns to UD2, which raises it anew";
    EXPECT_EQ(reg(kRbx), 1u);
    EXPECT_EQ(step(), "step at 1800");
}

TEST_P(DebuggerTest, CaughtInstructionsThatRaiseTraps) {
    load({0xCC, 0xF4});  // int3 / hlt
    set_gate(3, kHandler);
    debugger_->catch_exceptions(1u << 3);
    EXPECT_EQ(run_on(), "exception at 1000");
    EXPECT_EQ(stop_->vector, Vector::breakpoint);
    EXPECT_EQ(reg(kRsp), kStack) << "not delivered";
    EXPECT_EQ(cpu_->state.instructions, 0u);
    EXPECT_EQ(step(), "step at 1800");
    EXPECT_EQ(run_on(), "halted");
    EXPECT_EQ(reg(kRbx), 1u);

    load({0xCE, 0xF4});  // into / hlt
    set_gate(4, kHandler);
    cpu_->state.attention &= ~u32{kAttentionHalted};
    debugger_->catch_exceptions(1u << 4);
    EXPECT_EQ(run_on(), "halted") << "no overflow";
    cpu_->state.rip() = kCode;
    cpu_->state.attention &= ~u32{kAttentionHalted};
    cpu_->state.set_eflags(kFlagOverflow);
    EXPECT_EQ(run_on(), "exception at 1000");
    EXPECT_EQ(run_on(), "halted");
    EXPECT_EQ(reg(kRbx), 2u);
}

TEST_P(DebuggerTest, CaughtDebugExceptionsOfTheGuests) {
    debugger_->catch_exceptions(1u << 1);
    load({0x40, 0x41, 0xF4});  // inc eax / inc ecx / hlt
    cpu_->write_flags(kFlagTrap, kFlagTrap);
    EXPECT_EQ(run_on(), "exception at 1001") << "TF: behind the instruction";
    EXPECT_EQ(stop_->vector, Vector::debug);
    EXPECT_EQ(reg(kRdi), 0u);
    EXPECT_EQ(run_on(), "exception at 1002") << "and the handler has returned";
    EXPECT_EQ(reg(kRdi), 1u);
    cpu_->write_flags(0, kFlagTrap);
    EXPECT_EQ(run_on(), "halted");
    EXPECT_EQ(reg(kRdi), 2u);

    load({0xF1, 0xA2, 0x10, 0x20, 0, 0, 0x41, 0xF4});  // int1 / mov [2010h], al / inc ecx / hlt
    cpu_->state.attention &= ~u32{kAttentionHalted};
    EXPECT_EQ(run_on(), "exception at 1000");
    cpu_->state.dr[0] = kData;
    cpu_->state.dr[1] = kCode + 6;
    cpu_->state.dr[7] = 0x10405;  // a write for DR0, execution for DR1
    update_debug_watch(*cpu_);
    cpu_->update_attention();
    EXPECT_EQ(run_on(), "exception at 1006") << "the data breakpoint";
    EXPECT_EQ(cpu_->state.dr[6] & 0xF, 0u) << "not delivered";
    EXPECT_EQ(run_on(), "exception at 1006") << "the other";
    EXPECT_EQ(cpu_->state.dr[6] & 0xF, 1u);
    EXPECT_EQ(run_on(), "exception at 1006") << "again: this handler does not set RF in its frame";
    EXPECT_EQ(cpu_->state.dr[6] & 0xF, 3u);
    cpu_->state.dr[7] = 0x400;
    cpu_->update_attention();
    EXPECT_EQ(run_on(), "halted");
}

TEST_P(DebuggerTest, ShutdownIsToldOnce) {
    load({0x0F, 0x0B});
    cpu_->state.idtr = {0, 0};
    EXPECT_EQ(run_on(), "shutdown at 1000");
    debugger_->resume();
    EXPECT_EQ(run(), EngineExit::shutdown);
}

/// What a guest does that steps through itself (TF) while interrupts come in is the same, stepped through or not.
TEST_P(DebuggerTest, TheGuestIsNoneTheWiser) {
    const auto execute = [this](bool stepped) {
        cpu_->state.gpr = {};
        // pushfd / or byte [esp+1], 1 / popfd / inc eax / mov [2010h], eax / rep stosb / sti / inc ecx / inc ecx /
        // pushfd / and byte [esp+1], FEh / popfd / hlt
        load({0x9C, 0x80, 0x4C, 0x24, 0x01, 0x01, 0x9D, 0x40, 0xA3, 0x10, 0x20, 0,    0,
              0xF3, 0xAA, 0xFB, 0x41, 0x41, 0x9C, 0x80, 0x64, 0x24, 0x01, 0xFE, 0x9D, 0xF4});
        cpu_->state.gpr[kRsp] = kStack;
        cpu_->state.gpr[kRcx] = 9;
        cpu_->state.gpr[kRdi] = 0x10000;
        cpu_->state.set_eflags(0);
        cpu_->state.attention &= ~u32{kAttentionHalted};
        cpu_->state.dr[6] = 0xFFFF0FF0;
        cpu_->update_mode();
        cpu_->set_intr(true);
        const u64 before = cpu_->state.instructions;
        unsigned stops = 0;
        while ((stepped ? step() : run_on()) != "halted" && stops < 1000) ++stops;
        EXPECT_LT(stops, 1000u);
        return std::tuple(cpu_->state.gpr, cpu_->state.eflags(), cpu_->state.dr[6], cpu_->state.instructions - before,
                          memory_->read({kData}, 4));
    };
    const auto free = execute(false);
    EXPECT_EQ(std::get<0>(free)[kRbx], 1u) << "the interrupt";
    EXPECT_EQ(std::get<0>(free)[kRdi], 0x10000u + 9 + 17) << "the single steps";
    EXPECT_EQ(execute(true), free);
    for (u64 offset = 0; offset < 26; ++offset) break_at(kCode + offset);
    watch(kData, 4, Access::any);
    EXPECT_EQ(execute(false), free);
    debugger_.reset();
    stop_.reset();
    attach();
    EXPECT_EQ(execute(false), free);
}

std::string engine_name(const testing::TestParamInfo<bool>& test) { return test.param ? "Translator" : "Interpreter"; }
INSTANTIATE_TEST_SUITE_P(Engines, DebuggerTest, testing::Bool(), engine_name);
INSTANTIATE_TEST_SUITE_P(Engines, DebuggerRepTest, testing::Bool(), engine_name);

}  // namespace
}  // namespace bantam
