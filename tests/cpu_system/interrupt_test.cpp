// Delivery through the IVT and the IDT, error codes, stack switches, double and triple faults.
#include "cpu/system/interrupt.h"

#include "cpu_fixture.h"

namespace bantam {
namespace {

class Interrupt : public CpuFixture {
protected:
    u32 stack32(unsigned n) { return static_cast<u32>(peek(s().gpr[kRsp] + 4 * n, 4)); }
    u64 stack64(unsigned n) { return peek(s().gpr[kRsp] + 8 * n, 8); }
};

// Real-address mode: FLAGS, CS, IP pushed, IF and TF cleared, CS:IP from 4*vector. SDM vol. 2, INT n.
TEST_F(Interrupt, RealMode) {
    cpu->set_segment(kCs, 0, 0, 0xFFFF, 0x93);
    cpu->update_mode();
    s().idtr = {0, 0x3FF};
    s().rip() = kCode;
    s().gpr[kRsp] = 0x7000;
    poke32(0x21 * 4, 0x12340010);
    cpu->write_flags(kFlagInterrupt | kFlagCarry, kFlagInterrupt | kFlagCarry);
    ASSERT_TRUE(run({0xCD, 0x21}).none());
    EXPECT_EQ(s().segment[kCs].selector, 0x1234);
    EXPECT_EQ(s().rip(), 0x10u);
    EXPECT_EQ(s().gpr[kRsp], 0x6FFAu);
    EXPECT_EQ(peek(0x6FFA, 2), kCode + 2u);
    EXPECT_EQ(peek(0x6FFE, 2), 0x203u);
    EXPECT_EQ(s().eflags() & kFlagInterrupt, 0u);
}

// 32-bit interrupt gate at the same level: EFLAGS, CS, EIP; IF cleared. A trap gate leaves IF. SDM vol. 3, 6.12.1.
TEST_F(Interrupt, SameLevelGates) {
    enter_protected();
    gate(0x30, kCode0, 0x9000, 0x8E);
    gate(0x31, kCode0, 0x9000, 0x8F);
    cpu->write_flags(kFlagInterrupt, kFlagInterrupt);
    ASSERT_TRUE(run({0xCD, 0x31}).none());
    EXPECT_NE(s().eflags() & kFlagInterrupt, 0u);
    s().rip() = kCode;
    ASSERT_TRUE(run({0xCD, 0x30}).none());
    EXPECT_EQ(s().eflags() & kFlagInterrupt, 0u);
    EXPECT_EQ(s().rip(), 0x9000u);
    EXPECT_EQ(stack32(0), kCode + 2u);
    EXPECT_EQ(stack32(1), kCode0);
}

// Gate DPL below CPL: INT n is #GP(vector*8+2), EXT = 0. SDM vol. 3, 6.12.1.1 and 6.13.
TEST_F(Interrupt, GatePrivilege) {
    enter_protected();
    gate(0x30, kCode0, 0x9000, 0x8E);
    set_cpl3();
    EXPECT_TRUE(run({0xCD, 0x30}).is(Vector::general_protection, 0x30 * 8 + 2));
}

// A not-present gate is #NP(vector*8+2); an entry beyond the IDT limit #GP. SDM vol. 3, 6.13.
TEST_F(Interrupt, GatePresence) {
    enter_protected();
    gate(0x30, kCode0, 0x9000, 0x0E);
    EXPECT_TRUE(run({0xCD, 0x30}).is(Vector::segment_not_present, 0x30 * 8 + 2));
    s().idtr.limit = 0x30 * 8 + 6;
    EXPECT_TRUE(run({0xCD, 0x30}).is(Vector::general_protection, 0x30 * 8 + 2));
}

// From CPL 3: the stack comes from the TSS, old SS:ESP is pushed first. SDM vol. 3, 6.12.1.
TEST_F(Interrupt, InnerLevelSwitchesStack) {
    enter_protected();
    gate(0x30, kCode0, 0x9000, 0xEE);
    set_cpl3();
    ASSERT_TRUE(run({0xCD, 0x30}).none());
    EXPECT_EQ(s().cpl, 0);
    EXPECT_EQ(s().segment[kSs].selector, kData0);
    EXPECT_EQ(s().gpr[kRsp], kStack0 - 20u);
    EXPECT_EQ(stack32(1), kCode3);
    EXPECT_EQ(stack32(3), kStack3);
    EXPECT_EQ(stack32(4), kData3);
}

// A wrong SS in the TSS is #TS(SS), and nothing has changed. SDM vol. 3, 6.15 (interrupt 10).
TEST_F(Interrupt, InvalidTssStack) {
    enter_protected();
    gate(0x30, kCode0, 0x9000, 0xEE);
    set_cpl3();
    poke16(kTss + 8, kData3);
    EXPECT_TRUE(run({0xCD, 0x30}).is(Vector::invalid_tss, kData3 & 0xFFFC));
    EXPECT_EQ(s().cpl, 3);
    EXPECT_EQ(s().gpr[kRsp], kStack3);
}

// A page fault pushes its error code and sets CR2; faults push RF = 1. SDM vol. 3, 6.15 (14) and 18.3.1.1.
TEST_F(Interrupt, PageFaultFrame) {
    enter_protected();
    gate(14, kCode0, 0x9000, 0x8E);
    deliver_exception(*cpu, {Vector::page_fault, true, 6, 0xDEADB000});
    EXPECT_EQ(s().cr2, 0xDEADB000u);
    EXPECT_EQ(stack32(0), 6u);
    EXPECT_EQ(stack32(1), kCode);
    EXPECT_NE(stack32(3) & kFlagResume, 0u);
}

// #GP whose gate is absent becomes #NP: two contributory exceptions make #DF(0). SDM vol. 3, table 6-5.
TEST_F(Interrupt, DoubleFault) {
    enter_protected();
    gate(13, kCode0, 0x9000, 0x0E);
    gate(8, kCode0, 0xA000, 0x8E);
    deliver_exception(*cpu, {Vector::general_protection, true, 0x50, 0});
    EXPECT_EQ(s().rip(), 0xA000u);
    EXPECT_EQ(stack32(0), 0u);
    EXPECT_FALSE(s().shutdown);
}

// A benign exception followed by a contributory one is handled serially, with EXT in its error code. Table 6-5, 6.13.
TEST_F(Interrupt, BenignThenContributory) {
    enter_protected();
    gate(6, kCode0, 0x9000, 0x0E);
    gate(11, kCode0, 0xA000, 0x8E);
    deliver_exception(*cpu, {Vector::invalid_opcode, false, 0, 0});
    EXPECT_EQ(s().rip(), 0xA000u);
    EXPECT_EQ(stack32(0), 6u * 8 + 3);
}

// A fault while #DF is delivered is shutdown; NMI leaves it. SDM vol. 3, 6.15 (interrupt 8).
TEST_F(Interrupt, TripleFault) {
    enter_protected();
    gate(2, kCode0, 0xB000, 0x8E);
    deliver_exception(*cpu, {Vector::general_protection, true, 0, 0});
    EXPECT_TRUE(s().shutdown);
    EXPECT_EQ(board.shutdowns, 1);
    EXPECT_EQ(service_attention(*cpu), Readiness::shutdown);
    cpu->pulse_nmi();
    EXPECT_EQ(service_attention(*cpu), Readiness::run);
    EXPECT_EQ(s().rip(), 0xB000u);
}

// INTR is taken only with IF = 1, and the instruction after STI runs first. SDM vol. 3, 6.8.1; vol. 2, STI.
TEST_F(Interrupt, MaskingAndStiShadow) {
    enter_protected();
    gate(0x20, kCode0, 0x9000, 0x8E);
    cpu->set_intr(true);
    EXPECT_EQ(s().attention, 0u);
    ASSERT_TRUE(run({0xFB}).none());  // STI
    EXPECT_EQ(service_attention(*cpu), Readiness::run_one);
    EXPECT_EQ(s().rip(), kCode + 1u);
    service_attention(*cpu);
    EXPECT_EQ(s().rip(), 0x9000u);
}

// HLT waits; an interrupt ends the wait and returns after the HLT. SDM vol. 2, HLT.
TEST_F(Interrupt, Halt) {
    enter_protected();
    gate(0x20, kCode0, 0x9000, 0x8E);
    cpu->write_flags(kFlagInterrupt, kFlagInterrupt);
    ASSERT_TRUE(run({0xF4}).none());
    EXPECT_EQ(service_attention(*cpu), Readiness::halted);
    cpu->set_intr(true);
    EXPECT_NE(service_attention(*cpu), Readiness::halted);
    EXPECT_EQ(stack32(0), kCode + 1u);
    EXPECT_EQ(s().rip(), 0x9000u);
}

// NMI is taken once and blocked until IRET. SDM vol. 3, 6.7.1.
TEST_F(Interrupt, NmiBlocking) {
    enter_protected();
    gate(2, kCode0, 0x9000, 0x8E);
    cpu->pulse_nmi();
    service_attention(*cpu);
    EXPECT_EQ(s().rip(), 0x9000u);
    cpu->pulse_nmi();
    EXPECT_EQ(s().attention & kAttentionNmi, 0u);
    ASSERT_TRUE(run({0xCF}).none());
    EXPECT_NE(s().attention & kAttentionNmi, 0u);
}

// 64-bit gate: SS:RSP always pushed, RSP aligned to 16, error code below. SDM vol. 3, 6.14.2.
TEST_F(Interrupt, LongModeFrame) {
    enter_long();
    gate64(13, 0x40, 0x9000, 0x8E);
    s().gpr[kRsp] = kStack0 - 3;
    deliver_exception(*cpu, {Vector::general_protection, true, 0x18, 0});
    EXPECT_EQ(s().gpr[kRsp], kStack0 - 16u - 48u);
    EXPECT_EQ(stack64(0), 0x18u);
    EXPECT_EQ(stack64(4), kStack0 - 3u);
    EXPECT_EQ(stack64(5), kData0);
}

// An IST gate takes its stack from the TSS at any CPL; from CPL 3 SS becomes null. SDM vol. 3, 6.14.4 and 6.14.5.
TEST_F(Interrupt, InterruptStackTable) {
    enter_long();
    gate64(14, 0x40, 0x9000, 0x8E, 2);
    poke64(kTss + 36 + 8, 0x5800);
    set_cpl3();
    deliver_exception(*cpu, {Vector::page_fault, true, 4, 0x1000});
    EXPECT_EQ(s().gpr[kRsp], 0x5800u - 48u);
    EXPECT_EQ(s().cpl, 0);
    EXPECT_EQ(s().segment[kSs].selector, 0);
}

// A 64-bit gate to a code segment without L is #GP(selector). SDM vol. 3, 6.14.1.
TEST_F(Interrupt, LongModeNeedsLongCode) {
    enter_long();
    gate64(0x30, kCode0, 0x9000, 0x8E);
    EXPECT_TRUE(run({0xCD, 0x30}).is(Vector::general_protection, kCode0));
}

// INT3 and INTO are traps: the pushed EIP is that of the next instruction; INTO without OF does nothing. SDM vol.
// 3, 6.5.
TEST_F(Interrupt, BreakpointAndOverflow) {
    enter_protected();
    gate(3, kCode0, 0x9000, 0x8E);
    gate(4, kCode0, 0x9100, 0x8E);
    ASSERT_TRUE(run({0xCE}).none());
    EXPECT_EQ(s().rip(), kCode + 1u);
    ASSERT_TRUE(run({0xCC}).none());
    EXPECT_EQ(stack32(0), kCode + 2u);
    cpu->write_flags(kFlagOverflow, kFlagOverflow);
    ASSERT_TRUE(run({0xCE}).none());
    EXPECT_EQ(s().rip(), 0x9100u);
}

// BOUND: inside the bounds nothing, outside #BR. SDM vol. 2, BOUND.
TEST_F(Interrupt, Bound) {
    enter_protected();
    poke32(0x9000, 0xFFFFFFFE);
    poke32(0x9004, 5);
    s().gpr[kRbx] = 0x9000;
    s().gpr[kRax] = 0xFFFFFFFF;
    EXPECT_TRUE(run({0x62, 0x03}).none());
    s().gpr[kRax] = 6;
    EXPECT_TRUE(run({0x62, 0x03}).is(Vector::bound_range));
}

// An index below the first bound is #BR before the second bound is read (as measured); the second beyond the limit is
// #GP(0) otherwise.
TEST_F(Interrupt, BoundBelowTheFirst) {
    enter_protected();
    gdt(kFree, descriptor(0, 0x9003, 0x93, 4));
    s().gpr[kRax] = kFree;
    ASSERT_TRUE(run({0x8E, 0xD8}).none());  // MOV DS, AX
    poke32(0x9000, 10);
    s().gpr[kRbx] = 0x9000;
    s().gpr[kRax] = 9;
    EXPECT_TRUE(run({0x62, 0x03}).is(Vector::bound_range));
    s().gpr[kRax] = 10;
    EXPECT_TRUE(run({0x62, 0x03}).is(Vector::general_protection, 0));
}

}  // namespace
}  // namespace bantam
