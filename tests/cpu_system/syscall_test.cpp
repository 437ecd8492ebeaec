// SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS, FSGSBASE.
#include "cpu_fixture.h"

namespace bantam {
namespace {

class SystemCall : public CpuFixture {
protected:
    void SetUp() override {
        enter_long();
        s().efer |= 1;
        s().star = u64{0x0023'0010} << 32;
        s().lstar = 0xFFFF800000001000;
        s().syscall_mask = kFlagInterrupt | kFlagTrap;
        s().sysenter_cs = 0x10;
        s().sysenter_esp = 0xFFFF800000002000;
        s().sysenter_eip = 0xFFFF800000003000;
    }
};

// SYSCALL: RCX = RIP, R11 = RFLAGS, RIP = LSTAR, flags masked by FMASK, CS and SS from STAR. SDM vol. 2, SYSCALL.
TEST_F(SystemCall, Syscall) {
    set_cpl3();
    cpu->write_flags(kFlagInterrupt | kFlagCarry, kFlagInterrupt | kFlagCarry);
    ASSERT_TRUE(run({0x0F, 0x05}).none());
    EXPECT_EQ(s().gpr[kRcx], kCode + 2u);
    EXPECT_EQ(s().gpr[kR11], kFlagInterrupt | kFlagCarry | 2u);
    EXPECT_EQ(s().rip(), 0xFFFF800000001000u);
    EXPECT_EQ(s().eflags(), kFlagCarry | 2u);
    EXPECT_EQ(s().cpl, 0);
    EXPECT_EQ(s().segment[kCs].selector, 0x10);
    EXPECT_EQ(s().segment[kSs].selector, 0x18);
    EXPECT_TRUE(cpu->code64());
}

// SYSCALL without EFER.SCE is #UD. SDM vol. 2, SYSCALL.
TEST_F(SystemCall, SyscallDisabled) {
    s().efer &= ~u64{1};
    EXPECT_TRUE(run({0x0F, 0x05}).is(Vector::invalid_opcode));
}

// SYSRET with REX.W returns to 64-bit code, without to compatibility code; CPL 3 either way. SDM vol. 2, SYSRET.
TEST_F(SystemCall, Sysret) {
    s().gpr[kRcx] = 0x9000;
    s().gpr[kR11] = kFlagInterrupt | kFlagVm | kFlagResume;
    ASSERT_TRUE(run({0x48, 0x0F, 0x07}).none());
    EXPECT_EQ(s().segment[kCs].selector, 0x33);
    EXPECT_EQ(s().segment[kSs].selector, 0x2B);
    EXPECT_EQ(s().cpl, 3);
    EXPECT_TRUE(cpu->code64());
    EXPECT_EQ(s().eflags(), kFlagInterrupt | 2u);
    EXPECT_TRUE(run({0x48, 0x0F, 0x07}).is(Vector::general_protection, 0));  // CPL 3
    enter_long();
    s().efer |= 1;
    s().gpr[kRcx] = 0x9000;
    s().gpr[kRbx] = s().gpr[kR8] = 0x1234567890;
    ASSERT_TRUE(run({0x0F, 0x07}).none());
    EXPECT_EQ(s().segment[kCs].selector, 0x23);
    EXPECT_EQ(cpu->code_size(), isa::CodeSize::bits32);
    EXPECT_EQ(s().gpr[kRbx], 0x34567890u) << "upper halves are not kept: SDM vol. 1, 3.4.1.1";
    EXPECT_EQ(s().gpr[kR8], 0x1234567890u);
}

// SYSRET to a non-canonical RCX is #GP(0) at CPL 0. SDM vol. 2, SYSRET.
TEST_F(SystemCall, SysretCanonical) {
    s().gpr[kRcx] = 0x0000800000000000;
    EXPECT_TRUE(run({0x48, 0x0F, 0x07}).is(Vector::general_protection, 0));
    EXPECT_EQ(s().cpl, 0);
}

// SYSENTER: flat CS and SS from IA32_SYSENTER_CS, 64-bit ESP and EIP in IA-32e mode, IF cleared. SDM vol. 2.
TEST_F(SystemCall, SysenterAndSysexit) {
    set_cpl3();
    cpu->write_flags(kFlagInterrupt, kFlagInterrupt);
    ASSERT_TRUE(run({0x0F, 0x34}).none());
    EXPECT_EQ(s().rip(), 0xFFFF800000003000u);
    EXPECT_EQ(s().gpr[kRsp], 0xFFFF800000002000u);
    EXPECT_EQ(s().segment[kCs].selector, 0x10);
    EXPECT_EQ(s().segment[kSs].selector, 0x18);
    EXPECT_EQ(s().eflags(), 2u);
    s().rip() = kCode;
    s().gpr[kRcx] = 0x7000;
    s().gpr[kRdx] = 0x9000;
    ASSERT_TRUE(run({0x0F, 0x35}).none());
    EXPECT_EQ(s().segment[kCs].selector, 0x23);
    EXPECT_EQ(s().segment[kSs].selector, 0x2B);
    EXPECT_EQ(s().gpr[kRsp], 0x7000u);
    EXPECT_EQ(s().cpl, 3);
}

// A null IA32_SYSENTER_CS is #GP(0). SDM vol. 2, SYSENTER.
TEST_F(SystemCall, SysenterUnset) {
    s().sysenter_cs = 3;
    EXPECT_TRUE(run({0x0F, 0x34}).is(Vector::general_protection, 0));
}

// SWAPGS exchanges GS base and KERNEL_GS_BASE at CPL 0 only. SDM vol. 2, SWAPGS.
TEST_F(SystemCall, Swapgs) {
    s().kernel_gs_base = 0xFFFF888800000000;
    cpu->set_segment(kGs, 0, 0x1234, 0, 0);
    ASSERT_TRUE(run({0x0F, 0x01, 0xF8}).none());
    EXPECT_EQ(s().segment[kGs].base, 0xFFFF888800000000u);
    EXPECT_EQ(s().kernel_gs_base, 0x1234u);
    set_cpl3();
    EXPECT_TRUE(run({0x0F, 0x01, 0xF8}).is(Vector::general_protection, 0));
}

// WRFSBASE needs CR4.FSGSBASE (#UD) and a canonical value (#GP). SDM vol. 2, WRFSBASE.
TEST_F(SystemCall, FsGsBase) {
    s().gpr[kRax] = 0x123456789000;
    EXPECT_TRUE(run({0xF3, 0x48, 0x0F, 0xAE, 0xD0}).is(Vector::invalid_opcode));
    s().cr4 |= 1u << 16;
    ASSERT_TRUE(run({0xF3, 0x48, 0x0F, 0xAE, 0xD0}).none());
    EXPECT_EQ(s().segment[kFs].base, 0x123456789000u);
    ASSERT_TRUE(run({0xF3, 0x0F, 0xAE, 0xC3}).none());  // RDFSBASE EBX
    EXPECT_EQ(s().gpr[kRbx], 0x56789000u);
    s().gpr[kRax] = 0x0000800000000000;
    EXPECT_TRUE(run({0xF3, 0x48, 0x0F, 0xAE, 0xD0}).is(Vector::general_protection, 0));
}

}  // namespace
}  // namespace bantam
