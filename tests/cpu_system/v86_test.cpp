// Virtual-8086 mode, VME, PVI, IOPL-sensitive instructions, I/O permission.
#include "cpu/system/interrupt.h"
#include "cpu_fixture.h"

namespace bantam {
namespace {

class Virtual8086 : public CpuFixture {
protected:
    void SetUp() override { enter_protected(); }
    u16 stack16(unsigned n) { return static_cast<u16>(peek(s().segment[kSs].base + s().gpr[kRsp] + 2 * n, 2)); }
    void push16(u16 value) {
        s().gpr[kRsp] -= 2;
        poke16(s().segment[kSs].base + s().gpr[kRsp], value);
    }
};

// CLI, STI, PUSHF, POPF, INT n and IRET are #GP(0) with IOPL < 3 and VME off. SDM vol. 3, 20.2.7.
TEST_F(Virtual8086, SensitiveInstructions) {
    enter_v86(0);
    EXPECT_TRUE(run({0xFA}).is(Vector::general_protection, 0));
    EXPECT_TRUE(run({0xFB}).is(Vector::general_protection, 0));
    EXPECT_TRUE(run({0x9C}).is(Vector::general_protection, 0));
    EXPECT_TRUE(run({0x9D}).is(Vector::general_protection, 0));
    EXPECT_TRUE(run({0xCD, 0x21}).is(Vector::general_protection, 0));
    EXPECT_TRUE(run({0xCF}).is(Vector::general_protection, 0));
    EXPECT_TRUE(run({0xF4}).is(Vector::general_protection, 0));
}

// With IOPL = 3 they work on IF directly; IOPL and VM cannot be changed. SDM vol. 3, 20.2.7.
TEST_F(Virtual8086, Iopl3) {
    enter_v86(3);
    ASSERT_TRUE(run({0xFB}).none());
    EXPECT_NE(s().eflags() & kFlagInterrupt, 0u);
    push16(0x0002);
    ASSERT_TRUE(run({0x9D}).none());
    EXPECT_EQ(s().eflags(), kFlagVm | kFlagIopl | 2u);
}

// INT n through a 32-bit gate leaves virtual-8086 mode: GS FS DS ES SS ESP EFLAGS CS EIP, data segments null. 20.3.1.1.
TEST_F(Virtual8086, ProtectedModeHandler) {
    gate(0x21, kCode0, 0x9000, 0xEE);
    enter_v86(3);
    ASSERT_TRUE(run({0xCD, 0x21}).none());
    EXPECT_FALSE(cpu->v86());
    EXPECT_EQ(s().cpl, 0);
    EXPECT_EQ(s().gpr[kRsp], kStack0 - 36u);
    EXPECT_EQ(peek(kStack0 - 36, 4), 2u);
    EXPECT_EQ(peek(kStack0 - 32, 4), 0x800u);
    EXPECT_NE(peek(kStack0 - 28, 4) & kFlagVm, 0u);
    EXPECT_EQ(peek(kStack0 - 24, 4), 0x1000u);
    EXPECT_EQ(peek(kStack0 - 4, 4), 0x600u);
    EXPECT_EQ(s().segment[kDs].selector, 0);
    EXPECT_FALSE(s().segment[kDs].readable);
    EXPECT_EQ(cpu->code_size(), isa::CodeSize::bits32);
}

// The handler's segment must have DPL 0: otherwise #GP(selector). SDM vol. 2, INT n.
TEST_F(Virtual8086, HandlerMustBeLevel0) {
    gate(0x21, kCode3, 0x9000, 0xEE);
    enter_v86(3);
    EXPECT_TRUE(run({0xCD, 0x21}).is(Vector::general_protection, kCode3 & 0xFFFC));
}

// VME: INT n whose bit in the redirection map is 0 goes to the 8086 program's own handler. SDM vol. 3, 20.3.3.4-5.
TEST_F(Virtual8086, RedirectedInterrupt) {
    s().cr4 |= 1;
    s().tr.limit = 0x200;
    poke16(kTss + 102, 0x88 + 0x20);
    poke32(0x21 * 4, 0x02340010);
    enter_v86(0);
    s().flags |= kFlagVif;
    ASSERT_TRUE(run({0xCD, 0x21}).none());
    EXPECT_TRUE(cpu->v86());
    EXPECT_EQ(s().segment[kCs].selector, 0x234);
    EXPECT_EQ(s().rip(), 0x10u);
    EXPECT_EQ(stack16(2), 0x3202);  // IOPL 3 and IF = VIF in the image
    EXPECT_EQ(s().flags & kFlagVif, 0u);
    poke8(kTss + 0x88 + 0x21 / 8, 1 << (0x21 % 8));
    EXPECT_TRUE(run({0xCD, 0x21}).is(Vector::general_protection, 0));
}

// VME: CLI and STI change VIF; STI with VIP pending is #GP(0); PUSHF and POPF map IF to VIF. SDM vol. 3, table 20-2.
TEST_F(Virtual8086, VirtualInterruptFlag) {
    s().cr4 |= 1;
    enter_v86(0);
    ASSERT_TRUE(run({0xFB}).none());
    EXPECT_NE(s().flags & kFlagVif, 0u);
    ASSERT_TRUE(run({0x9C}).none());
    EXPECT_EQ(stack16(0), 0x3202);
    ASSERT_TRUE(run({0xFA}).none());
    EXPECT_EQ(s().flags & kFlagVif, 0u);
    ASSERT_TRUE(run({0x9D}).none());
    EXPECT_NE(s().flags & kFlagVif, 0u);
    EXPECT_EQ(s().flags & kFlagInterrupt, 0u);
    s().flags = (s().flags & ~u32{kFlagVif}) | kFlagVip;
    EXPECT_TRUE(run({0xFB}).is(Vector::general_protection, 0));
}

// VME: a 16-bit IRET moves IF of the image to VIF and keeps IF and IOPL. SDM vol. 2, IRET.
TEST_F(Virtual8086, VirtualInterruptReturn) {
    s().cr4 |= 1;
    enter_v86(0);
    push16(0x0202);
    push16(0x0900);
    push16(0x0044);
    ASSERT_TRUE(run({0xCF}).none());
    EXPECT_EQ(s().segment[kCs].base, 0x9000u);
    EXPECT_EQ(s().rip(), 0x44u);
    EXPECT_NE(s().flags & kFlagVif, 0u);
    EXPECT_EQ(s().flags & (kFlagInterrupt | kFlagIopl), 0u);
}

// PVI: at CPL 3 with IOPL < 3, CLI and STI change VIF instead of faulting. SDM vol. 3, 20.4.
TEST_F(Virtual8086, ProtectedModeVirtualInterrupts) {
    set_cpl3();
    EXPECT_TRUE(run({0xFB}).is(Vector::general_protection, 0));
    s().cr4 |= 2;
    ASSERT_TRUE(run({0xFB}).none());
    EXPECT_NE(s().flags & kFlagVif, 0u);
    ASSERT_TRUE(run({0xFA}).none());
    EXPECT_EQ(s().flags & kFlagVif, 0u);
}

// POPF at CPL 3, IOPL 0 silently keeps IF and IOPL. SDM vol. 2, POPF.
TEST_F(Virtual8086, PopfPrivilege) {
    set_cpl3();
    s().gpr[kRsp] -= 4;
    poke32(s().gpr[kRsp], kFlagInterrupt | kFlagIopl | kFlagCarry | kFlagAlignmentCheck);
    ASSERT_TRUE(run({0x9D}).none());
    EXPECT_EQ(s().eflags(), kFlagCarry | kFlagAlignmentCheck | 2u);
}

// I/O with CPL > IOPL asks the bit map of the TSS: every port of the access must be clear. SDM vol. 1, 19.5.2.
TEST_F(Virtual8086, IoPermissionBitMap) {
    set_cpl3();
    s().gpr[kRdx] = 0x107;
    EXPECT_TRUE(run({0xEC}).is(Vector::general_protection, 0));  // no map within the limit
    s().tr.limit = 0x68 + 0x30;
    poke16(kTss + 102, 0x68);
    ASSERT_TRUE(run({0xEC}).none());
    EXPECT_EQ(board.reads.size(), 1u);
    EXPECT_EQ(s().gpr[kRax], 0xA5u);
    poke8(kTss + 0x68 + 0x21, 0x01);  // port 108h
    EXPECT_TRUE(run({0xEC}).none());
    EXPECT_TRUE(run({0x66, 0xED}).is(Vector::general_protection, 0));
    s().gpr[kRdx] = 0x300;
    EXPECT_TRUE(run({0xEC}).is(Vector::general_protection, 0));  // beyond the limit
}

// REP INSW moves CX items, checks the destination before it reads the port, and commits per item. SDM vol. 2, INS.
TEST_F(Virtual8086, RepeatedInput) {
    s().gpr[kRcx] = 3;
    s().gpr[kRdi] = 0x9000;
    s().gpr[kRdx] = 0x1F0;
    ASSERT_TRUE(run({0xF3, 0x66, 0x6D}).none());
    EXPECT_EQ(s().gpr[kRcx], 0u);
    EXPECT_EQ(s().gpr[kRdi], 0x9006u);
    EXPECT_EQ(peek(0x9004, 2), 0xA5A5u);
    cpu->set_segment(kEs, kData0, 0, 0x9009, 0x4093);
    s().gpr[kRcx] = 8;
    board.reads.clear();
    EXPECT_TRUE(run({0xF3, 0x66, 0x6D}).is(Vector::general_protection, 0));
    EXPECT_EQ(s().gpr[kRcx], 6u);
    EXPECT_EQ(board.reads.size(), 2u);
    EXPECT_EQ(s().rip(), s().instruction_rip);
}

}  // namespace
}  // namespace bantam
