// Control registers, EFER, MSRs, CPUID, counters, SMM.
#include "cpu/system/control.h"

#include "cpu/system/cpuid.h"
#include "cpu/system/interrupt.h"
#include "cpu/system/msr.h"
#include "cpu_fixture.h"

namespace bantam {
namespace {

class Control : public CpuFixture {
protected:
    void SetUp() override { enter_protected(); }
    Raised mov_cr0(u64 value) {
        s().gpr[kRax] = value;
        return run({0x0F, 0x22, 0xC0});
    }
    Raised mov_cr4(u64 value) {
        s().gpr[kRax] = value;
        return run({0x0F, 0x22, 0xE0});
    }
    Raised wrmsr(u32 index, u64 value) {
        s().gpr[kRcx] = index;
        s().gpr[kRax] = value & 0xFFFFFFFF;
        s().gpr[kRdx] = value >> 32;
        return run({0x0F, 0x30});
    }
    Raised rdmsr(u32 index) {
        s().gpr[kRcx] = index;
        return run({0x0F, 0x32});
    }
    u64 edx_eax() { return s().gpr[kRdx] << 32 | s().gpr[kRax]; }
};

// PG without PE, NW without CD: #GP(0). ET stays 1. SDM vol. 2, MOV CR.
TEST_F(Control, Cr0Consistency) {
    EXPECT_TRUE(mov_cr0(0x80000000).is(Vector::general_protection, 0));
    EXPECT_TRUE(mov_cr0(0x20000001).is(Vector::general_protection, 0));
    ASSERT_TRUE(mov_cr0(1).none());
    EXPECT_EQ(s().cr0, 0x11u);
}

// MOV CR is #GP(0) above CPL 0, and CR1, CR5-CR7 are #UD. SDM vol. 2, MOV CR.
TEST_F(Control, MovCrPrivilegeAndExistence) {
    EXPECT_TRUE(run({0x0F, 0x20, 0xC8}).is(Vector::invalid_opcode));
    EXPECT_TRUE(run({0x0F, 0x20, 0xE8}).is(Vector::invalid_opcode));
    set_cpl3();
    EXPECT_TRUE(run({0x0F, 0x20, 0xC0}).is(Vector::general_protection, 0));
}

// CR4 bits the model lacks are #GP(0). SDM vol. 3, 2.5.
TEST_F(Control, Cr4Reserved) {
    EXPECT_TRUE(mov_cr4(1u << 13).is(Vector::general_protection, 0));
    EXPECT_TRUE(mov_cr4(1u << 17).is(Vector::general_protection, 0));  // PCIDE outside IA-32e mode
    ASSERT_TRUE(mov_cr4(0x6F0).none());
}

// Enabling paging with EFER.LME needs CR4.PAE, sets LMA; LME cannot change while PG = 1. SDM vol. 3, 10.8.5.
TEST_F(Control, LongModeActivation) {
    poke64(0x10000, 0x11007);
    poke64(0x11000, 0x12007);
    poke64(0x12000, 0x87);
    s().cr3 = 0x10000;
    ASSERT_TRUE(wrmsr(0xC0000080, 0x100).none());
    EXPECT_TRUE(mov_cr0(0x80000011).is(Vector::general_protection, 0));
    ASSERT_TRUE(mov_cr4(0x20).none());
    ASSERT_TRUE(mov_cr0(0x80000011).none());
    EXPECT_TRUE(cpu->long_mode());
    EXPECT_EQ(cpu->code_size(), isa::CodeSize::bits32);
    EXPECT_TRUE(wrmsr(0xC0000080, 0).is(Vector::general_protection, 0));
    EXPECT_TRUE(mov_cr4(0).is(Vector::general_protection, 0));
    ASSERT_TRUE(mov_cr0(0x11).none());
    EXPECT_FALSE(cpu->long_mode());
}

// PAE: MOV to CR3 loads the PDPTEs and is #GP(0) when one has a reserved bit. SDM vol. 3, 4.4.1.
TEST_F(Control, PaePdpteLoad) {
    poke64(0x10000, 0x11001);
    poke64(0x11000, 0x83);
    s().cr3 = 0x10000;
    ASSERT_TRUE(mov_cr4(0x20).none());
    ASSERT_TRUE(mov_cr0(0x80000011).none());
    EXPECT_EQ(s().pdpte[0], 0x11001u);
    poke64(0x10020, 0x11003);  // bit 1 is reserved
    s().gpr[kRax] = 0x10020;
    EXPECT_TRUE(run({0x0F, 0x22, 0xD8}).is(Vector::general_protection, 0));
    EXPECT_EQ(s().cr3, 0x10000u);
}

// LMSW can set PE but not clear it; CLTS clears TS. SDM vol. 2.
TEST_F(Control, LmswAndClts) {
    s().gpr[kRax] = 0x8;
    ASSERT_TRUE(run({0x0F, 0x01, 0xF0}).none());
    EXPECT_EQ(s().cr0 & 0xF, 9u);
    ASSERT_TRUE(run({0x0F, 0x06}).none());
    EXPECT_EQ(s().cr0 & 8, 0u);
}

// CR8 is the task priority; values over 15 are #GP(0). SDM vol. 3, 11.8.6.
TEST_F(Control, Cr8) {
    enter_long();
    s().gpr[kRax] = 9;
    ASSERT_TRUE(run({0x44, 0x0F, 0x22, 0xC0}).none());
    EXPECT_EQ(board.task_priority, 9);
    s().gpr[kRax] = 16;
    EXPECT_TRUE(run({0x44, 0x0F, 0x22, 0xC0}).is(Vector::general_protection, 0));
    ASSERT_TRUE(run({0x44, 0x0F, 0x20, 0xC3}).none());
    EXPECT_EQ(s().gpr[kRbx], 9u);
}

// XSETBV: bit 0 must be set, AVX needs SSE, unknown bits are #GP(0); without OSXSAVE #UD. SDM vol. 2, XSETBV.
TEST_F(Control, Xcr0) {
    // XCR0 is the model's, not the host's: no AVX instruction executes here.
    model.features.add(isa::Feature::xsave);
    model.features.add(isa::Feature::avx);
    cpu = std::make_unique<Cpu>(model, *memory, board);
    enter_protected();
    s().gpr[kRcx] = s().gpr[kRdx] = 0;
    s().gpr[kRax] = 7;
    EXPECT_TRUE(run({0x0F, 0x01, 0xD1}).is(Vector::invalid_opcode));
    ASSERT_TRUE(mov_cr4(1u << 18).none());
    s().gpr[kRax] = 7;
    ASSERT_TRUE(run({0x0F, 0x01, 0xD1}).none());
    EXPECT_EQ(s().xcr0, 7u);
    for (const u64 bad : {u64{6}, u64{5}, u64{0xF}}) {
        s().gpr[kRax] = bad;
        EXPECT_TRUE(run({0x0F, 0x01, 0xD1}).is(Vector::general_protection, 0)) << bad;
    }
    EXPECT_EQ(cpuid_leaf(*cpu, 0xD, 0).ebx, 832u);
}

// FDP_EXCPTN_ONLY (bit 6) and "FCS and FDS deprecated" (bit 13) are announced by the models whose x87 unit behaves so.
// SDM vol. 2, CPUID leaf 7.
TEST_F(Control, CpuidSaysHowX87PointersBehave) {
    constexpr u32 kBits = 1u << 6 | 1u << 13;
    EXPECT_EQ(cpuid_leaf(*cpu, 7, 0).ebx & kBits, kBits);
    model.features.remove(isa::Feature::x87_pointers);
    EXPECT_EQ(cpuid_leaf(*cpu, 7, 0).ebx & kBits, 0u);
}

// Unknown MSRs are #GP(0) for reads and writes; RDMSR needs CPL 0. SDM vol. 2, RDMSR.
TEST_F(Control, MsrFaults) {
    EXPECT_TRUE(rdmsr(0x12345).is(Vector::general_protection, 0));
    EXPECT_TRUE(wrmsr(0x12345, 0).is(Vector::general_protection, 0));
    EXPECT_TRUE(wrmsr(0xFE, 0).is(Vector::general_protection, 0));  // MTRRCAP is read-only
    set_cpl3();
    EXPECT_TRUE(rdmsr(0x10).is(Vector::general_protection, 0));
}

// MSRs that hold addresses take canonical values only. SDM vol. 4, table 2-2.
TEST_F(Control, MsrCanonical) {
    for (const u32 index : {0x175u, 0x176u, 0xC0000082u, 0xC0000083u, 0xC0000100u, 0xC0000101u, 0xC0000102u}) {
        EXPECT_TRUE(wrmsr(index, 0x0000800000000000).is(Vector::general_protection, 0)) << std::hex << index;
        ASSERT_TRUE(wrmsr(index, 0xFFFF800000000000).none()) << std::hex << index;
        ASSERT_TRUE(rdmsr(index).none());
        EXPECT_EQ(edx_eax(), 0xFFFF800000000000u) << std::hex << index;
    }
}

// PAT and MTRRs refuse memory types that do not exist. SDM vol. 3, 12.11 and 12.12.
TEST_F(Control, MemoryTypes) {
    EXPECT_TRUE(wrmsr(0x277, 2).is(Vector::general_protection, 0));
    ASSERT_TRUE(wrmsr(0x277, 0x0007050600070106).none());
    EXPECT_TRUE(wrmsr(0x250, 3).is(Vector::general_protection, 0));
    ASSERT_TRUE(wrmsr(0x26F, 0x0606060606060606).none());
    ASSERT_TRUE(rdmsr(0x26F).none());
    EXPECT_EQ(edx_eax(), 0x0606060606060606u);
    EXPECT_TRUE(wrmsr(0x200, 0x102).is(Vector::general_protection, 0));
    EXPECT_TRUE(wrmsr(0x201, u64{1} << 45).is(Vector::general_protection, 0));
    ASSERT_TRUE(wrmsr(0x2FF, 0xC06).none());
}

// IA32_APIC_BASE: disable and enable again reaches the board and CPUID; x2APIC only from xAPIC. SDM vol.
// 3, 11.4.3, 11.12.
TEST_F(Control, ApicBase) {
    ASSERT_TRUE(wrmsr(0x1B, 0xFEE00100).none());
    EXPECT_EQ(cpuid_leaf(*cpu, 1, 0).edx & 0x200, 0u);
    EXPECT_TRUE(wrmsr(0x1B, 0xFEE00D00).is(Vector::general_protection, 0));
    ASSERT_TRUE(wrmsr(0x1B, 0xFEE00900).none());
    EXPECT_EQ(board.apic_base, 0xFEE00900u);
    EXPECT_TRUE(rdmsr(0x802).is(Vector::general_protection, 0));
    ASSERT_TRUE(wrmsr(0x1B, 0xFEE00D00).none());
    ASSERT_TRUE(rdmsr(0x802).none());
    EXPECT_TRUE(wrmsr(0x1B, 0xFEE00900).is(Vector::general_protection, 0));
}

// The TSC counts virtual time at the model's rate; WRMSR moves it; CR4.TSD makes RDTSC privileged. SDM vol. 3, 18.17.
TEST_F(Control, TimeStampCounter) {
    board.now = 1'000'000;
    ASSERT_TRUE(run({0x0F, 0x31}).none());
    EXPECT_EQ(edx_eax(), model.tsc_hz / 1000);
    ASSERT_TRUE(wrmsr(0x10, 5).none());
    board.now = 2'000'000;
    ASSERT_TRUE(run({0x0F, 0x31}).none());
    EXPECT_EQ(edx_eax(), model.tsc_hz / 1000 + 5);
    s().cr4 |= 4;
    set_cpl3();
    EXPECT_TRUE(run({0x0F, 0x31}).is(Vector::general_protection, 0));
}

// RDRAND sets CF, clears the other status flags, and repeats exactly after RESET. SDM vol. 2, RDRAND.
TEST_F(Control, DeterministicRandom) {
    ASSERT_TRUE(run({0x0F, 0xC7, 0xF0}).none());
    const u64 first = s().gpr[kRax];
    EXPECT_EQ(s().eflags() & kStatusFlags, u32{kFlagCarry});
    ASSERT_TRUE(run({0x0F, 0xC7, 0xF0}).none());
    EXPECT_NE(s().gpr[kRax], first);
    cpu->reset();
    enter_protected();
    ASSERT_TRUE(run({0x0F, 0xC7, 0xF0}).none());
    EXPECT_EQ(s().gpr[kRax], first);
}

// Every model: leaf 0 vendor, features agree between CPUID and CR4, leaf 15h gives tsc_hz exactly. SDM vol. 2, CPUID.
TEST(Models, CpuidIsConsistent) {
    for (const std::string& name : Model::names()) {
        Result<Model> found = Model::find(name);
        if (!found.ok()) continue;  // this host cannot run it
        auto memory = std::move(PhysicalMemory::create(1 << 20).value());
        FakeBoard board;
        Cpu cpu(found.value(), *memory, board);
        const Model& m = cpu.model;
        const CpuidResult v = cpuid_leaf(cpu, 0, 0);
        EXPECT_EQ(v.ebx, 0x756E6547u) << name;
        EXPECT_EQ(cpuid_leaf(cpu, 1, 0).eax, m.signature) << name;
        EXPECT_EQ(cpuid_leaf(cpu, 1, 0).ecx >> 31, 0u) << name;
        const bool paging_features = bit(cpuid_leaf(cpu, 1, 0).edx, 6);
        EXPECT_EQ(paging_features, bit(control_allowed_cr4(m), 5)) << name;
        if (v.eax >= 0x15) {
            const CpuidResult t = cpuid_leaf(cpu, 0x15, 0);
            EXPECT_EQ(u64{t.ecx} * t.ebx / t.eax, m.tsc_hz) << name;
        }
        if (m.has(isa::Feature::long_mode)) {
            EXPECT_EQ(cpuid_leaf(cpu, 0x80000008, 0).eax, m.physical_bits | 48u << 8) << name;
        }
        EXPECT_EQ(cpu.state.gpr[kRdx], m.signature) << name;  // RESET leaves it in EDX
        EXPECT_EQ(cpu.state.rip(), 0xFFF0u) << name;
        EXPECT_EQ(cpu.state.segment[kCs].base, 0xFFFF0000u) << name;
    }
    EXPECT_EQ(Model::find("z80").error().status, ExitStatus::usage);
}

// SMI saves the state, starts at SMBASE:8000h in a flat real mode; RSM restores it, and can move SMBASE. SDM vol.
// 3, 31.
TEST_F(Control, SystemManagementMode) {
    enter_long();
    s().smbase = 0x30000;
    s().gpr[kR10] = 0x1122334455667788;
    cpu->write_flags(kFlagInterrupt, kFlagInterrupt);
    const u64 cr0 = s().cr0;
    cpu->pulse_smi();
    service_attention(*cpu);
    EXPECT_TRUE(s().in_smm);
    EXPECT_EQ(s().segment[kCs].base, 0x30000u);
    EXPECT_EQ(s().rip(), 0x8000u);
    EXPECT_FALSE(cpu->protected_mode());
    EXPECT_EQ(peek(0x3FEFC, 4), 0x20064u);
    poke32(0x3FF00, 0xA0000);
    s().gpr[kR10] = 0;
    ASSERT_TRUE(run({0x0F, 0xAA}).none());
    EXPECT_FALSE(s().in_smm);
    EXPECT_EQ(s().smbase, 0xA0000u);
    EXPECT_EQ(s().gpr[kR10], 0x1122334455667788u);
    EXPECT_EQ(s().cr0, cr0);
    EXPECT_TRUE(cpu->code64());
    EXPECT_EQ(s().rip(), kCode);
    EXPECT_NE(s().flags & kFlagInterrupt, 0u);
    EXPECT_TRUE(run({0x0F, 0xAA}).is(Vector::invalid_opcode));
}

// INVLPG makes the next access walk the tables again; CLFLUSH faults like a load. SDM vol. 2.
TEST_F(Control, TranslationInvalidation) {
    enter_long();
    ASSERT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, 0x300000)); }).none());
    poke64(0x12008, 0);
    ASSERT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, 0x300000)); }).none());
    s().gpr[kRbx] = 0x300000;
    ASSERT_TRUE(run({0x0F, 0x01, 0x3B}).none());
    EXPECT_TRUE(guarded([&] { static_cast<void>(cpu->read<u8>(kDs, 0x300000)); }).is(Vector::page_fault, 0));
    EXPECT_TRUE(run({0x0F, 0xAE, 0x3B}).is(Vector::page_fault, 0));
}

}  // namespace
}  // namespace bantam
