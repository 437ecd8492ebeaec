// Far transfers: direct, call gates, returns, IRET in all modes, task switches.
#include "cpu/system/interrupt.h"
#include "cpu/system/segmentation.h"
#include "cpu_fixture.h"

namespace bantam {
namespace {

class Transfer : public CpuFixture {
protected:
    void SetUp() override { enter_protected(); }
    static u64 call_gate(u16 selector, u32 offset, u8 access, u8 parameters = 0) {
        return u64{offset & 0xFFFF} | u64{selector} << 16 | u64{parameters} << 32 | u64{access} << 40 |
               u64{offset >> 16} << 48;
    }
    Raised call(u16 selector) {
        return run({0x9A, 0x00, 0x90, 0x00, 0x00, static_cast<u8>(selector), static_cast<u8>(selector >> 8)});
    }
    Raised jump(u16 selector) {
        return run({0xEA, 0x00, 0x90, 0x00, 0x00, static_cast<u8>(selector), static_cast<u8>(selector >> 8)});
    }
    u32 stack32(unsigned n) { return static_cast<u32>(peek(s().gpr[kRsp] + 4 * n, 4)); }
    void push32(u32 value) {
        s().gpr[kRsp] -= 4;
        poke32(s().gpr[kRsp], value);
    }
    void push64(u64 value) {
        s().gpr[kRsp] -= 8;
        poke64(s().gpr[kRsp], value);
    }
};

// Direct far JMP: nonconforming code needs DPL = CPL and RPL <= CPL. SDM vol. 3, 5.8.1.
TEST_F(Transfer, DirectJump) {
    ASSERT_TRUE(jump(kCode0).none());
    EXPECT_EQ(s().rip(), 0x9000u);
    EXPECT_TRUE(jump(kCode0 | 1).is(Vector::general_protection, kCode0));
    EXPECT_TRUE(jump(kCode3).is(Vector::general_protection, kCode3 & 0xFFFC));
    EXPECT_TRUE(jump(0).is(Vector::general_protection, 0));
    EXPECT_TRUE(jump(kData0).is(Vector::general_protection, kData0));
}

// Conforming code may be entered from a lower privilege; CPL stays. SDM vol. 3, 5.8.1.2.
TEST_F(Transfer, ConformingCode) {
    gdt(kFree, descriptor(0, 0xFFFFF, 0x9E, 0xC));
    set_cpl3();
    ASSERT_TRUE(jump(kFree).none());
    EXPECT_EQ(s().cpl, 3);
    EXPECT_EQ(s().segment[kCs].selector, kFree | 3);
}

// A target beyond the limit of its code segment is #GP(0); an absent one #NP(selector). SDM vol. 2, JMP.
TEST_F(Transfer, TargetLimitAndPresence) {
    gdt(kFree, descriptor(0, 0x8FFF, 0x9A, 0x4));
    EXPECT_TRUE(jump(kFree).is(Vector::general_protection, 0));
    gdt(kFree, descriptor(0, 0xFFFF, 0x1A, 0x4));
    EXPECT_TRUE(jump(kFree).is(Vector::segment_not_present, kFree));
}

// Far CALL and RET at the same level push and pop CS:EIP; RET n releases n bytes more. SDM vol. 2.
TEST_F(Transfer, CallAndReturn) {
    push32(0);
    ASSERT_TRUE(call(kCode0).none());
    EXPECT_EQ(stack32(0), kCode + 7u);
    EXPECT_EQ(stack32(1), kCode0);
    ASSERT_TRUE(run({0xCA, 0x04, 0x00}).none());
    EXPECT_EQ(s().rip(), kCode + 7u);
    EXPECT_EQ(s().gpr[kRsp], kStack0);
}

// Call gate to an inner level: stack from the TSS, two parameters copied. The return drops them. SDM vol.
// 3, 5.8.4, 5.8.6.
TEST_F(Transfer, CallGateWithParameters) {
    gdt(kFree, call_gate(kCode0, 0xA000, 0xEC, 2));
    set_cpl3();
    push32(0x22222222);
    push32(0x11111111);
    ASSERT_TRUE(call(kFree).none());
    EXPECT_EQ(s().cpl, 0);
    EXPECT_EQ(s().rip(), 0xA000u);
    EXPECT_EQ(stack32(1), kCode3);
    EXPECT_EQ(stack32(2), 0x11111111u);
    EXPECT_EQ(stack32(3), 0x22222222u);
    EXPECT_EQ(stack32(4), kStack3 - 8u);
    EXPECT_EQ(stack32(5), kData3);
    cpu->set_segment(kDs, kData0, 0, 0xFFFFFFFF, 0xC093);
    ASSERT_TRUE(run({0xCA, 0x08, 0x00}).none());
    EXPECT_EQ(s().cpl, 3);
    EXPECT_EQ(s().gpr[kRsp], kStack3);
    EXPECT_EQ(s().segment[kDs].selector, 0);  // inner data segment dropped
    EXPECT_EQ(s().segment[kEs].selector, kData3);
}

// A call gate whose DPL is below CPL or RPL is #GP(gate); an absent one #NP(gate). JMP may not raise privilege. 5.8.3.
TEST_F(Transfer, CallGateChecks) {
    gdt(kFree, call_gate(kCode0, 0xA000, 0x8C));
    set_cpl3();
    EXPECT_TRUE(call(kFree).is(Vector::general_protection, kFree));
    gdt(kFree, call_gate(kCode0, 0xA000, 0x6C));
    EXPECT_TRUE(call(kFree).is(Vector::segment_not_present, kFree));
    gdt(kFree, call_gate(kCode0, 0xA000, 0xEC));
    EXPECT_TRUE(jump(kFree).is(Vector::general_protection, kCode0));
}

// 16-bit call gates push 16-bit values and use the low half of the offset. SDM vol. 3, 5.8.3.
TEST_F(Transfer, CallGate16) {
    gdt(kFree, call_gate(kCode0, 0x1A000, 0x84));
    ASSERT_TRUE(call(kFree).none());
    EXPECT_EQ(s().rip(), 0xA000u);
    EXPECT_EQ(s().gpr[kRsp], kStack0 - 4u);
}

// IRET at the same level and to an outer level. SDM vol. 2, IRET.
TEST_F(Transfer, InterruptReturn) {
    push32(kFlagInterrupt | kFlagCarry | 2);
    push32(kCode0);
    push32(0x9000);
    ASSERT_TRUE(run({0xCF}).none());
    EXPECT_EQ(s().rip(), 0x9000u);
    EXPECT_EQ(s().eflags(), kFlagInterrupt | kFlagCarry | 2u);
    push32(kData3);
    push32(kStack3);
    push32(2);
    push32(kCode3);
    push32(0xA000);
    ASSERT_TRUE(run({0xCF}).none());
    EXPECT_EQ(s().cpl, 3);
    EXPECT_EQ(s().gpr[kRsp], kStack3);
}

// At CPL 3 with IOPL 0, IRET changes neither IF nor IOPL; a return inwards is #GP. SDM vol. 2, IRET.
TEST_F(Transfer, InterruptReturnPrivilege) {
    set_cpl3();
    push32(kFlagInterrupt | kFlagIopl | 2);
    push32(kCode3);
    push32(0x9000);
    ASSERT_TRUE(run({0xCF}).none());
    EXPECT_EQ(s().eflags(), 2u);
    push32(2);
    push32(kCode0);
    push32(0x9000);
    EXPECT_TRUE(run({0xCF}).is(Vector::general_protection, kCode0));
}

// IRET at CPL 0 with VM in the image enters virtual-8086 mode with all six segments. SDM vol. 3, 20.2.5.
TEST_F(Transfer, ReturnToVirtual8086) {
    for (const u32 v : {0x500u, 0x400u, 0x300u, 0x200u, 0x100u, 0x7000u, u32{kFlagVm} | 2u, 0x800u, 0x20u}) push32(v);
    ASSERT_TRUE(run({0xCF}).none());
    EXPECT_TRUE(cpu->v86());
    EXPECT_EQ(s().cpl, 3);
    EXPECT_EQ(s().segment[kCs].base, 0x8000u);
    EXPECT_EQ(s().segment[kSs].selector, 0x100);
    EXPECT_EQ(s().segment[kEs].selector, 0x200);
    EXPECT_EQ(s().segment[kDs].selector, 0x300);
    EXPECT_EQ(s().segment[kGs].selector, 0x500);
    EXPECT_EQ(s().rip(), 0x20u);
    EXPECT_EQ(cpu->code_size(), isa::CodeSize::bits16);
}

// IRETQ pops SS:RSP at the same level too, and may load a null SS below CPL 3. SDM vol. 3, 6.14.3.
TEST_F(Transfer, LongModeReturn) {
    enter_long();
    push64(0);
    push64(0x5000);
    push64(2);
    push64(0x40);
    push64(0x9000);
    ASSERT_TRUE(run({0x48, 0xCF}).none());
    EXPECT_EQ(s().gpr[kRsp], 0x5000u);
    EXPECT_EQ(s().segment[kSs].selector, 0);
    s().gpr[kRsp] = kStack0;
    push64(kData3);
    push64(0x5000);
    push64(2);
    push64(0x4B);
    push64(0x0000900000000000);
    EXPECT_TRUE(run({0x48, 0xCF}).is(Vector::general_protection, 0));  // not canonical
    EXPECT_EQ(s().cpl, 0);
}

// To compatibility mode RSP, too, arrives without its upper half. SDM vol. 1, 3.4.1.1.
TEST_F(Transfer, LongModeReturnToCompatibilityMode) {
    enter_long();
    s().gpr[kRbp] = 0x1234567800001000;
    push64(kData3);
    push64(0x1234567800005000);
    push64(2);
    push64(kCode3);
    push64(0x9000);
    ASSERT_TRUE(run({0x48, 0xCF}).none());
    EXPECT_EQ(cpu->code_size(), isa::CodeSize::bits32);
    EXPECT_EQ(s().gpr[kRsp], 0x5000u);
    EXPECT_EQ(s().gpr[kRbp], 0x1000u);
}

// NT set in IA-32e mode: IRET is #GP(0). SDM vol. 3, 8.7.
TEST_F(Transfer, NestedTaskInLongMode) {
    enter_long();
    cpu->write_flags(kFlagNestedTask, kFlagNestedTask);
    EXPECT_TRUE(run({0x48, 0xCF}).is(Vector::general_protection, 0));
}

class TaskSwitch : public Transfer {
protected:
    void SetUp() override {
        Transfer::SetUp();
        gdt(kFree, descriptor(kTss2, 0x67, 0x89, 0));
        poke32(kTss2 + 32, 0xB000);
        poke32(kTss2 + 36, 2);
        for (unsigned n = 0; n < 8; ++n) poke32(kTss2 + 40 + 4 * n, 0x100 + n);
        poke32(kTss2 + 56, 0x5000);
        for (unsigned n = 0; n < 6; ++n) poke16(kTss2 + 72 + 4 * n, n == kCs ? kCode0 : kData0);
    }
    u8 access_of(u16 selector) { return static_cast<u8>(peek(kGdt + selector + 5, 1)); }
};

// CALL to a TSS: old state saved, new loaded, back link and NT set, both busy, CR0.TS set. SDM vol. 3, 8.3, 8.4.
TEST_F(TaskSwitch, CallNestsAndIretReturns) {
    s().gpr[kRbx] = 0xABCD;
    ASSERT_TRUE(call(kFree).none());
    EXPECT_EQ(s().rip(), 0xB000u);
    EXPECT_EQ(s().gpr[kRax], 0x100u);
    EXPECT_EQ(s().gpr[kRsp], 0x5000u);
    EXPECT_NE(s().eflags() & kFlagNestedTask, 0u);
    EXPECT_NE(s().cr0 & 8, 0u);
    EXPECT_EQ(peek(kTss2, 2), kTssSelector);
    EXPECT_EQ(access_of(kFree), 0x8B);
    EXPECT_EQ(access_of(kTssSelector), 0x8B);
    EXPECT_EQ(peek(kTss + 32, 4), kCode + 7u);
    EXPECT_EQ(peek(kTss + 52, 4), 0xABCDu);
    ASSERT_TRUE(run({0xCF}).none());
    EXPECT_EQ(s().rip(), kCode + 7u);
    EXPECT_EQ(s().gpr[kRbx], 0xABCDu);
    EXPECT_EQ(s().tr.selector, kTssSelector);
    EXPECT_EQ(access_of(kFree), 0x89);
    EXPECT_EQ(peek(kTss2 + 36, 4) & kFlagNestedTask, 0u);
}

// JMP to a TSS frees the old one and does not nest. SDM vol. 3, table 8-2.
TEST_F(TaskSwitch, JumpDoesNotNest) {
    ASSERT_TRUE(jump(kFree).none());
    EXPECT_EQ(access_of(kTssSelector), 0x89);
    EXPECT_EQ(s().eflags() & kFlagNestedTask, 0u);
}

// A busy TSS is #GP, one that is too short #TS, an absent one #NP. SDM vol. 3, 8.3.
TEST_F(TaskSwitch, DescriptorChecks) {
    gdt(kFree, descriptor(kTss2, 0x67, 0x8B, 0));
    EXPECT_TRUE(call(kFree).is(Vector::general_protection, kFree));
    gdt(kFree, descriptor(kTss2, 0x66, 0x89, 0));
    EXPECT_TRUE(call(kFree).is(Vector::invalid_tss, kFree));
    gdt(kFree, descriptor(kTss2, 0x67, 0x09, 0));
    EXPECT_TRUE(call(kFree).is(Vector::segment_not_present, kFree));
    EXPECT_EQ(s().tr.selector, kTssSelector);
}

// A bad segment in the new TSS is #TS in the new task's context. SDM vol. 3, table 8-1.
TEST_F(TaskSwitch, NewSegmentFaultsInNewTask) {
    poke16(kTss2 + 80, kData3);
    EXPECT_TRUE(call(kFree).is(Vector::invalid_tss, kData3 & 0xFFFC));
    EXPECT_EQ(s().tr.selector, kFree);
    EXPECT_EQ(s().instruction_rip, 0xB000u);
}

// The T flag of the new TSS raises #DB with DR6.BT before its first instruction. SDM vol. 3, 18.3.1.5.
TEST_F(TaskSwitch, DebugTrap) {
    poke16(kTss2 + 100, 1);
    gate(1, kCode0, 0xC000, 0x8E);
    ASSERT_TRUE(call(kFree).none());
    service_attention(*cpu);
    EXPECT_EQ(s().rip(), 0xC000u);
    EXPECT_NE(s().dr[6] & 0x8000, 0u);
    EXPECT_EQ(stack32(0), 0xB000u);
}

// An exception through a task gate: error code on the new task's stack, back link set. SDM vol. 3, 6.12.2.
TEST_F(TaskSwitch, InterruptThroughTaskGate) {
    gate(13, kFree, 0, 0x85);
    deliver_exception(*cpu, {Vector::general_protection, true, 0x77, 0});
    EXPECT_EQ(s().tr.selector, kFree);
    EXPECT_EQ(stack32(0), 0x77u);
    EXPECT_EQ(peek(kTss + 32, 4), kCode);
}

// A 16-bit TSS saves and loads 16-bit registers. SDM vol. 3, 8.6.
TEST_F(TaskSwitch, Tss16) {
    gdt(kFree, descriptor(kTss2, 0x2B, 0x81, 0));
    for (unsigned n = 0; n < 22; ++n) poke16(kTss2 + 2 * n, 0);
    poke16(kTss2 + 14, 0xB100);
    poke16(kTss2 + 16, 2);
    poke16(kTss2 + 18, 0x1234);
    poke16(kTss2 + 36, kCode0);
    poke16(kTss2 + 38, kData0);
    ASSERT_TRUE(call(kFree).none());
    EXPECT_EQ(s().rip(), 0xB100u);
    EXPECT_EQ(s().gpr[kRax] & 0xFFFF, 0x1234u);
    EXPECT_EQ(s().segment[kDs].selector, 0);
}

}  // namespace
}  // namespace bantam
