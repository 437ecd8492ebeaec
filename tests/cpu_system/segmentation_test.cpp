// Loading segment registers and accesses through them.
#include "cpu/system/segmentation.h"

#include "cpu_fixture.h"

namespace bantam {
namespace {

class Segmentation : public CpuFixture {
protected:
    void SetUp() override {
        enter_protected();
        s().gpr[kRax] = kFree;
    }
    Raised load_ds() { return run({0x8E, 0xD8}); }  // MOV DS, AX
    Raised load_ss() { return run({0x8E, 0xD0}); }  // MOV SS, AX
};

// A data segment load gives base, limit and rights, and sets the accessed bit in memory. SDM vol. 3, 3.4.3 and 3.4.5.1.
TEST_F(Segmentation, LoadSetsHiddenPartAndAccessedBit) {
    gdt(kFree, descriptor(0x12345678, 0xFFF, 0x92, 0x4));
    ASSERT_TRUE(load_ds().none());
    EXPECT_EQ(s().segment[kDs].base, 0x12345678u);
    EXPECT_EQ(s().segment[kDs].limit, 0xFFFu);
    EXPECT_EQ(peek(kGdt + kFree + 5, 1), 0x93u);
}

// G = 1 scales the limit by 4096 and fills the low bits with ones. SDM vol. 3, 3.4.5.
TEST_F(Segmentation, GranularityScalesTheLimit) {
    gdt(kFree, descriptor(0, 1, 0x93, 0xC));
    ASSERT_TRUE(load_ds().none());
    EXPECT_EQ(s().segment[kDs].limit, 0x1FFFu);
}

// A selector beyond the GDT limit is #GP(selector), RPL dropped. SDM vol. 2, MOV.
TEST_F(Segmentation, SelectorOutsideTable) {
    s().gpr[kRax] = 0x103;
    EXPECT_TRUE(load_ds().is(Vector::general_protection, 0x100));
    EXPECT_EQ(s().segment[kDs].selector, kData0);
}

// A selector into an absent LDT is #GP with TI in the error code. SDM vol. 3, 6.13.
TEST_F(Segmentation, SelectorIntoMissingLdt) {
    s().ldtr = {};
    s().gpr[kRax] = 0x0F;
    EXPECT_TRUE(load_ds().is(Vector::general_protection, 0x0C));
}

// A not-present data segment is #NP(selector); a not-present stack segment #SS(selector). SDM vol. 2, MOV.
TEST_F(Segmentation, NotPresent) {
    gdt(kFree, descriptor(0, 0xFFF, 0x12, 0x4));
    EXPECT_TRUE(load_ds().is(Vector::segment_not_present, kFree));
    EXPECT_TRUE(load_ss().is(Vector::stack_fault, kFree));
}

// Execute-only code and system descriptors do not load into DS: #GP(selector). SDM vol. 3, 5.5 and table 5-1.
TEST_F(Segmentation, TypeChecks) {
    gdt(kFree, descriptor(0, 0xFFF, 0x98, 0x4));
    EXPECT_TRUE(load_ds().is(Vector::general_protection, kFree));
    gdt(kFree, descriptor(0, 0xFFF, 0x89, 0x4));
    EXPECT_TRUE(load_ds().is(Vector::general_protection, kFree));
    gdt(kFree, descriptor(0, 0xFFF, 0x90, 0x4));  // read-only data: fine for DS, not for SS
    EXPECT_TRUE(load_ds().none());
    EXPECT_TRUE(load_ss().is(Vector::general_protection, kFree));
}

// DPL below CPL or RPL is #GP for data; conforming code loads at any level. SDM vol. 3, 5.6.
TEST_F(Segmentation, PrivilegeChecks) {
    set_cpl3();
    gdt(kFree, descriptor(0, 0xFFF, 0x92, 0x4));
    EXPECT_TRUE(load_ds().is(Vector::general_protection, kFree));
    gdt(kFree, descriptor(0, 0xFFF, 0x9E, 0x4));
    EXPECT_TRUE(load_ds().none());
}

// SS needs RPL = DPL = CPL and a non-null selector. SDM vol. 3, 5.7.
TEST_F(Segmentation, StackSegmentPrivilege) {
    s().gpr[kRax] = 0;
    EXPECT_TRUE(load_ss().is(Vector::general_protection, 0));
    s().gpr[kRax] = kData0 | 1;
    EXPECT_TRUE(load_ss().is(Vector::general_protection, kData0));
    s().gpr[kRax] = kData3 & 0xFFFC;
    EXPECT_TRUE(load_ss().is(Vector::general_protection, kData3 & 0xFFFCu));
}

// A null selector loads into DS; using it is #GP(0). SDM vol. 3, 3.4.2.
TEST_F(Segmentation, NullSelectorFaultsOnUse) {
    s().gpr[kRax] = 3;
    ASSERT_TRUE(load_ds().none());
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, 0)); }).is(Vector::general_protection, 0));
}

// Offsets up to the limit are readable, an operand that ends beyond it is #GP(0), in SS #SS(0). SDM vol. 3, 5.3.
TEST_F(Segmentation, LimitChecks) {
    gdt(kFree, descriptor(0, 0xFFF, 0x93, 0x4));
    ASSERT_TRUE(load_ds().none());
    ASSERT_TRUE(load_ss().none());
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u32>(kDs, 0xFFC)); }).none());
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u32>(kDs, 0xFFD)); }).is(Vector::general_protection, 0));
    EXPECT_TRUE(guarded([&] { cpu->write<u16>(kSs, 0xFFF, 0); }).is(Vector::stack_fault, 0));
}

// Expand-down: valid offsets lie above the limit, up to FFFFh or (B = 1) FFFFFFFFh. SDM vol. 3, 5.3.
TEST_F(Segmentation, ExpandDown) {
    gdt(kFree, descriptor(0, 0xFFF, 0x97, 0x0));
    ASSERT_TRUE(load_ds().none());
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, 0xFFF)); }).is(Vector::general_protection, 0));
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, 0x1000)); }).none());
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u16>(kDs, 0xFFFF)); }).is(Vector::general_protection, 0));
    gdt(kFree, descriptor(0, 0xFFF, 0x97, 0x4));
    ASSERT_TRUE(load_ds().none());
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u16>(kDs, 0xFFFF)); }).none());
}

// Writing a read-only data segment or a code segment is #GP(0). SDM vol. 3, 5.5.
TEST_F(Segmentation, WriteProtection) {
    gdt(kFree, descriptor(0, 0xFFFFF, 0x91, 0xC));
    ASSERT_TRUE(load_ds().none());
    EXPECT_TRUE(guarded([&] { cpu->write<u8>(kDs, 0, 1); }).is(Vector::general_protection, 0));
    EXPECT_TRUE(guarded([&] { cpu->write<u8>(kCs, 0, 1); }).is(Vector::general_protection, 0));
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kCs, 0)); }).none());
}

// In real-address mode a load changes the base only: the limit of protected mode stays ("unreal" mode). SDM vol.
// 3, 21.1.4.
TEST_F(Segmentation, UnrealModeKeepsLimits) {
    s().cr0 &= ~u64{1};
    cpu->update_mode();
    s().gpr[kRax] = 0x1234;
    ASSERT_TRUE(load_ds().none());
    EXPECT_EQ(s().segment[kDs].base, 0x12340u);
    EXPECT_EQ(s().segment[kDs].limit, 0xFFFFFFFFu);
}

// The shadow of MOV SS holds interrupts back for one instruction. SDM vol. 3, 6.8.3.
TEST_F(Segmentation, MovSsShadow) {
    s().gpr[kRax] = kData0;
    ASSERT_TRUE(load_ss().none());
    EXPECT_NE(s().attention & kAttentionShadow, 0u);
    EXPECT_TRUE(s().mov_ss_shadow);
}

// LDS loads offset and selector; when the selector faults, neither changes. SDM vol. 2, LDS.
TEST_F(Segmentation, LoadFarPointerCommitsLast) {
    poke32(0x9000, 0x11223344);
    poke16(0x9004, 0x103);
    s().gpr[kRbx] = 0x9000;
    EXPECT_TRUE(run({0xC5, 0x03}).is(Vector::general_protection, 0x100));
    EXPECT_EQ(s().gpr[kRax], kFree);
    poke16(0x9004, kData0);
    ASSERT_TRUE(run({0xC5, 0x03}).none());
    EXPECT_EQ(s().gpr[kRax], 0x11223344u);
}

// 64-bit mode ignores base and limit of DS but keeps them for a return to compatibility mode. SDM vol. 3, 3.2.4.
TEST_F(Segmentation, LongModeIgnoresDataSegments) {
    enter_long();
    gdt(kFree, descriptor(0x5000, 0xFFF, 0x93, 0x4));
    ASSERT_TRUE(load_ds().none());
    EXPECT_EQ(s().segment[kDs].base, 0u);
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, 0x8000)); }).none());
    cpu->set_segment(kCs, kCode0, 0, 0xFFFFFFFF, 0xC09B);
    cpu->update_segments();
    EXPECT_EQ(s().segment[kDs].base, 0x5000u);
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, 0x1000)); }).is(Vector::general_protection, 0));
}

// Non-canonical addresses raise #GP(0), through SS #SS(0). SDM vol. 1, 3.3.7.1.
TEST_F(Segmentation, CanonicalAddresses) {
    enter_long();
    const u64 bad = 0x0000800000000000;
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, bad)); }).is(Vector::general_protection, 0));
    EXPECT_TRUE(guarded([&] { cpu->write<u64>(kSs, bad - 4, 0); }).is(Vector::stack_fault, 0));
}

// #AC: misaligned user access with CR0.AM and EFLAGS.AC; not at CPL 0. SDM vol. 3, 6.15 (interrupt 17).
TEST_F(Segmentation, AlignmentCheck) {
    s().cr0 |= 1u << 18;
    cpu->write_flags(kFlagAlignmentCheck, kFlagAlignmentCheck);
    cpu->update_mode();
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u32>(kDs, 0x9001)); }).none());
    set_cpl3();
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u32>(kDs, 0x9001)); }).is(Vector::alignment_check, 0));
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u32>(kDs, 0x9004)); }).none());
}

// LAR, LSL, VERR, VERW answer by ZF and never fault on the selector. SDM vol. 2; vol. 3, 5.10.
TEST_F(Segmentation, SelectorQuestions) {
    gdt(kFree, descriptor(0, 0x12345, 0x91, 0x4));
    ASSERT_TRUE(run({0x0F, 0x02, 0xD8}).none());  // LAR EBX, EAX
    EXPECT_EQ(s().gpr[kRbx], 0x00419100u);
    EXPECT_NE(s().eflags() & kFlagZero, 0u);
    ASSERT_TRUE(run({0x0F, 0x03, 0xD8}).none());  // LSL EBX, EAX
    EXPECT_EQ(s().gpr[kRbx], 0x12345u);
    ASSERT_TRUE(run({0x0F, 0x00, 0xE0}).none());  // VERR AX
    EXPECT_NE(s().eflags() & kFlagZero, 0u);
    ASSERT_TRUE(run({0x0F, 0x00, 0xE8}).none());  // VERW AX
    EXPECT_EQ(s().eflags() & kFlagZero, 0u);
    s().gpr[kRax] = 0x300;
    ASSERT_TRUE(run({0x0F, 0x02, 0xD8}).none());
    EXPECT_EQ(s().eflags() & kFlagZero, 0u);
    EXPECT_EQ(s().gpr[kRbx], 0x12345u);
}

// LLDT and LTR check table, type and presence; LTR marks the TSS busy. SDM vol. 2.
TEST_F(Segmentation, SystemSegmentLoads) {
    EXPECT_TRUE(run({0x0F, 0x00, 0xD0}).is(Vector::general_protection, kFree));  // LLDT AX: slot is empty
    gdt(kFree, descriptor(kLdt, 0xFF, 0x02, 0));
    EXPECT_TRUE(run({0x0F, 0x00, 0xD0}).is(Vector::segment_not_present, kFree));
    gdt(kFree, descriptor(kLdt, 0xFF, 0x82, 0));
    ASSERT_TRUE(run({0x0F, 0x00, 0xD0}).none());
    EXPECT_EQ(s().ldtr.base, kLdt);
    gdt(kFree, descriptor(kTss2, 0x67, 0x89, 0));
    ASSERT_TRUE(run({0x0F, 0x00, 0xD8}).none());  // LTR AX
    EXPECT_EQ(peek(kGdt + kFree + 5, 1), 0x8Bu);
    EXPECT_TRUE(run({0x0F, 0x00, 0xD8}).is(Vector::general_protection, kFree));  // busy now
}

// UMIP: SGDT, SIDT, SLDT, STR and SMSW are #GP(0) above CPL 0. SDM vol. 3, 2.5.
TEST_F(Segmentation, UserModeInstructionPrevention) {
    s().cr4 |= 1u << 11;
    set_cpl3();
    s().gpr[kRbx] = 0x9000;
    EXPECT_TRUE(run({0x0F, 0x01, 0x03}).is(Vector::general_protection, 0));
    EXPECT_TRUE(run({0x0F, 0x00, 0xC8}).is(Vector::general_protection, 0));
    EXPECT_TRUE(run({0x0F, 0x01, 0xE0}).is(Vector::general_protection, 0));
    s().cr4 = 0;
    EXPECT_TRUE(run({0x0F, 0x01, 0xE0}).none());
    EXPECT_EQ(s().gpr[kRax] & 0xFFFF, s().cr0 & 0xFFFF);
}

}  // namespace
}  // namespace bantam
