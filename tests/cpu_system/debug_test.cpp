// Debug registers, breakpoints, single-step, RF.
#include "cpu/system/debug.h"

#include "cpu/system/interrupt.h"
#include "cpu_fixture.h"

namespace bantam {
namespace {

class Debug : public CpuFixture {
protected:
    void SetUp() override {
        enter_protected();
        gate(1, kCode0, 0x9000, 0x8E);
    }
    Raised mov_dr(unsigned number, u64 value) {
        s().gpr[kRax] = value;
        return run({0x0F, 0x23, static_cast<u8>(0xC0 | number << 3)});
    }
    u32 stack32(unsigned n) { return static_cast<u32>(peek(s().gpr[kRsp] + 4 * n, 4)); }
};

// DR6 and DR7 keep their fixed bits. SDM vol. 3, 18.2.3 and 18.2.4.
TEST_F(Debug, FixedBits) {
    ASSERT_TRUE(mov_dr(6, 0).none());
    EXPECT_EQ(s().dr[6], 0xFFFF0FF0u);
    ASSERT_TRUE(mov_dr(7, 0xFFFFDFFF).none());
    EXPECT_EQ(s().dr[7], 0xFFFF07FFu);
}

// DR4 and DR5 alias DR6 and DR7 while CR4.DE = 0, else #UD. SDM vol. 3, 18.2.2.
TEST_F(Debug, Aliases) {
    ASSERT_TRUE(mov_dr(5, 0x401).none());
    EXPECT_EQ(s().dr[7], 0x401u);
    s().cr4 |= 8;
    EXPECT_TRUE(mov_dr(5, 0x400).is(Vector::invalid_opcode));
}

// DR7.GD: any MOV DR raises #DB with BD before it executes. SDM vol. 3, 18.3.1.3.
TEST_F(Debug, GeneralDetect) {
    ASSERT_TRUE(mov_dr(7, 0x2400).none());
    EXPECT_TRUE(mov_dr(0, 1).is(Vector::debug));
    EXPECT_NE(s().dr[6] & kDr6Bd, 0u);
    EXPECT_EQ(s().dr[0], 0u);
    EXPECT_TRUE(mov_dr(0, 1).none());  // GD was cleared
}

// An instruction breakpoint faults before the instruction, with RF = 0 in the image; RF = 1 passes it once. 18.3.1.1.
TEST_F(Debug, InstructionBreakpoint) {
    ASSERT_TRUE(mov_dr(0, kCode + 0x10).none());
    ASSERT_TRUE(mov_dr(7, 0x401).none());
    s().rip() = kCode + 0x10;
    service_attention(*cpu);
    EXPECT_EQ(s().rip(), 0x9000u);
    EXPECT_EQ(stack32(0), kCode + 0x10u);
    EXPECT_EQ(stack32(2) & kFlagResume, 0u);
    EXPECT_EQ(s().dr[6] & 0xF, 1u);
    s().rip() = kCode + 0x10;
    cpu->write_flags(kFlagResume, kFlagResume);
    EXPECT_EQ(service_attention(*cpu), Readiness::run_one);
    EXPECT_EQ(s().rip(), kCode + 0x10u);
    s().instruction_rip = kCode + 0x10;
    s().rip() = kCode + 0x11;
    service_attention(*cpu);
    EXPECT_EQ(s().eflags() & kFlagResume, 0u);
}

// TF: #DB with BS after the instruction, TF pushed and then clear. SDM vol. 3, 18.3.1.4.
TEST_F(Debug, SingleStep) {
    cpu->write_flags(kFlagTrap, kFlagTrap);
    EXPECT_EQ(service_attention(*cpu), Readiness::run_one);
    ASSERT_TRUE(run({0xFA}).none());
    service_attention(*cpu);
    EXPECT_EQ(s().rip(), 0x9000u);
    EXPECT_EQ(stack32(0), kCode + 1u);
    EXPECT_NE(stack32(2) & kFlagTrap, 0u);
    EXPECT_EQ(s().eflags() & kFlagTrap, 0u);
    EXPECT_NE(s().dr[6] & kDr6Bs, 0u);
}

// POPF that sets TF: the trap comes after the instruction that follows it. SDM vol. 3, 18.3.1.4.
TEST_F(Debug, SingleStepStartsAfterPopf) {
    s().gpr[kRsp] -= 4;
    poke32(s().gpr[kRsp], kFlagTrap | 2);
    ASSERT_TRUE(run({0x9D}).none());
    EXPECT_EQ(service_attention(*cpu), Readiness::run_one);
    EXPECT_EQ(s().rip(), kCode + 1u);
    ASSERT_TRUE(run({0xFA}).none());
    service_attention(*cpu);
    EXPECT_EQ(stack32(0), kCode + 2u);
}

// MOV SS holds the single-step trap back until the next instruction is done. SDM vol. 3, 6.8.3.
TEST_F(Debug, StackSegmentLoadDelaysTrap) {
    cpu->write_flags(kFlagTrap, kFlagTrap);
    service_attention(*cpu);
    s().gpr[kRax] = kData0;
    ASSERT_TRUE(run({0x8E, 0xD0}).none());
    EXPECT_EQ(service_attention(*cpu), Readiness::run_one);
    EXPECT_EQ(s().rip(), kCode + 2u);
    ASSERT_TRUE(run({0xFA}).none());
    service_attention(*cpu);
    EXPECT_EQ(stack32(0), kCode + 3u);
}

// INT n with TF set: the handler is not trapped, TF is in the image. SDM vol. 3, 18.3.1.4.
TEST_F(Debug, InterruptClearsPendingStep) {
    gate(0x30, kCode0, 0xA000, 0x8E);
    cpu->write_flags(kFlagTrap, kFlagTrap);
    service_attention(*cpu);
    ASSERT_TRUE(run({0xCD, 0x30}).none());
    if (s().attention != 0) service_attention(*cpu);
    EXPECT_EQ(s().rip(), 0xA000u);
    EXPECT_NE(stack32(2) & kFlagTrap, 0u);
}

// Data breakpoints trap after the access; write-only ones ignore reads; overlap counts, not equality. 18.2.4
// and 18.2.5.
TEST_F(Debug, DataBreakpoints) {
    ASSERT_TRUE(mov_dr(1, 0xA004).none());
    ASSERT_TRUE(mov_dr(7, 0x00D00404).none());  // DR1: write, 4 bytes, local
    ASSERT_TRUE(guarded([&] { static_cast<void>(cpu->read<u32>(kDs, 0xA004)); }).none());
    EXPECT_EQ(s().pending_debug, 0u);
    ASSERT_TRUE(guarded([&] { cpu->write<u8>(kDs, 0xA008, 1); }).none());
    EXPECT_EQ(s().pending_debug, 0u);
    ASSERT_TRUE(guarded([&] { cpu->write<u32>(kDs, 0xA001, 1); }).none());
    EXPECT_EQ(s().pending_debug, 2u);
    service_attention(*cpu);
    EXPECT_EQ(s().rip(), 0x9000u);
    EXPECT_EQ(s().dr[6] & 0xF, 2u);
}

// I/O breakpoints exist with CR4.DE = 1 only. SDM vol. 3, 18.2.4.
TEST_F(Debug, IoBreakpoint) {
    ASSERT_TRUE(mov_dr(0, 0x60).none());
    ASSERT_TRUE(mov_dr(7, 0x00020401).none());
    ASSERT_TRUE(run({0xE4, 0x60}).none());
    EXPECT_EQ(s().pending_debug, 0u);
    s().cr4 |= 8;
    ASSERT_TRUE(run({0xE4, 0x60}).none());
    EXPECT_EQ(s().pending_debug, 1u);
}

}  // namespace
}  // namespace bantam
