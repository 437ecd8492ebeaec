// LocalApic, IoApic and ApicBus against SDM vol. 3, chapter 11 and the 82093AA datasheet.
#include <memory>

#include "devices/io_apic.h"
#include "devices/local_apic.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kTpr = 0x80, kPpr = 0xA0, kEoi = 0xB0, kLdr = 0xD0, kDfr = 0xE0, kSvr = 0xF0, kIsr = 0x100, kTmr = 0x180,
              kIrr = 0x200, kEsr = 0x280, kIcrLow = 0x300, kIcrHigh = 0x310, kLvtTimer = 0x320, kLvtThermal = 0x330,
              kLvtPerformance = 0x340, kLint0 = 0x350, kLint1 = 0x360, kLvtError = 0x370, kInitial = 0x380,
              kCurrent = 0x390, kDivide = 0x3E0;

struct Processor {
    Processor(TestBoard& board, ApicBus& bus, u8 id, bool bootstrap)
        : intr(board.scheduler),
          apic(board.scheduler, bus, id, bootstrap, 1'000'000'000,
               {.intr = intr.pin(),
                .nmi = [this] { ++nmis; },
                .smi = [this] { ++smis; },
                .init = [this] { ++inits; },
                .startup = [this](u8 vector) { startup = vector; },
                .acknowledge_external = [this] { return external_vector; },
                .tsc = [this, &board] { return board.now() + tsc_offset; }}) {}
    void enable() { apic.write(kSvr, 0x1FF); }
    RecordedLine intr;
    unsigned nmis = 0, smis = 0, inits = 0;
    int startup = -1;
    u8 external_vector = 0x77;
    u64 tsc_offset = 0;
    LocalApic apic;
};

class ApicTest : public ::testing::Test {
protected:
    void SetUp() override { apic().write(kSvr, 0x1FF); }
    LocalApic& apic() { return cpu0.apic; }
    void self_ipi(u8 vector) { apic().write(kIcrLow, 0x40000u | vector); }
    TestBoard board;
    ApicBus bus;
    Processor cpu0{board, bus, 0, true};
    Processor cpu1{board, bus, 1, false};
};

TEST_F(ApicTest, PowerOnValues) {
    const LocalApic& fresh = cpu1.apic;
    EXPECT_EQ(fresh.base(), 0xFEE00800u);
    EXPECT_EQ(apic().base(), 0xFEE00900u) << "the bootstrap processor";
    EXPECT_EQ(fresh.peek(0x20), 0x01000000u);
    EXPECT_EQ(fresh.peek(0x30), 0x00050014u);
    EXPECT_EQ(fresh.peek(kSvr), 0xFFu);
    EXPECT_EQ(fresh.peek(kDfr), 0xFFFFFFFFu);
    for (u64 lvt = kLvtTimer; lvt <= kLvtError; lvt += 0x10) EXPECT_EQ(fresh.peek(lvt), 0x10000u);
}

TEST_F(ApicTest, PrioritiesAndEoi) {
    self_ipi(0x51);
    EXPECT_TRUE(cpu0.intr.level);
    EXPECT_EQ(apic().peek(kIrr + 0x20), 1u << 17);
    EXPECT_EQ(apic().acknowledge(), 0x51);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(apic().peek(kIsr + 0x20), 1u << 17);
    EXPECT_EQ(apic().peek(kPpr), 0x50u);
    self_ipi(0x5F);
    EXPECT_FALSE(cpu0.intr.level) << "same class waits";
    self_ipi(0x60);
    EXPECT_TRUE(cpu0.intr.level);
    EXPECT_EQ(apic().acknowledge(), 0x60);
    apic().write(kEoi, 0);
    EXPECT_FALSE(cpu0.intr.level);
    apic().write(kEoi, 0);
    EXPECT_TRUE(cpu0.intr.level);
    EXPECT_EQ(apic().acknowledge(), 0x5F);
    apic().write(kEoi, 0);
    apic().write(kEoi, 0);  // nothing in service
    EXPECT_EQ(apic().peek(kPpr), 0u);
}

TEST_F(ApicTest, TaskPriorityHoldsBackAndCr8IsItsHighHalf) {
    apic().write(kTpr, 0x5A);
    EXPECT_EQ(apic().cr8(), 5);
    EXPECT_EQ(apic().peek(kPpr), 0x5Au);
    self_ipi(0x5F);
    EXPECT_FALSE(cpu0.intr.level);
    apic().set_cr8(4);
    EXPECT_EQ(apic().peek(kTpr), 0x40u);
    EXPECT_TRUE(cpu0.intr.level);
    apic().set_cr8(15);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(apic().acknowledge(), 0xFF) << "spurious: it went away before INTA";
    EXPECT_EQ(apic().peek(kIsr + 0x70), 0u);
}

TEST_F(ApicTest, IllegalVectorsAndRegistersAreErrors) {
    apic().write(kLvtError, 0x45);
    self_ipi(0x0F);
    EXPECT_EQ(apic().peek(kEsr), 0u) << "ESR shows what was gathered only after a write";
    apic().write(kEsr, 0);
    EXPECT_EQ(apic().peek(kEsr), 0x20u);
    EXPECT_EQ(apic().acknowledge(), 0x45);
    apic().write(kEoi, 0);
    EXPECT_TRUE(bus.send({.vector = 0x05, .destination = 0}) == false);
    EXPECT_EQ(apic().read(0x3F0), 0u);  // self IPI exists only in x2APIC mode
    apic().write(0x0C0, 1);
    apic().write(kEsr, 0);
    EXPECT_EQ(apic().peek(kEsr), 0xC0u);
    apic().write(kEsr, 0);
    EXPECT_EQ(apic().peek(kEsr), 0u);
    apic().write(kLvtError, 0x03);  // an illegal error vector ends there
    self_ipi(0x01);
    apic().write(kEsr, 0);
    EXPECT_EQ(apic().peek(kEsr), 0x60u);
}

TEST_F(ApicTest, PhysicalDestinations) {
    cpu1.enable();
    apic().write(kIcrHigh, 1u << 24);
    apic().write(kIcrLow, 0x61);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x61);
    EXPECT_EQ(apic().peek(kIcrLow), 0x61u) << "delivery status idle";
    apic().write(kIcrHigh, 0xFF000000);
    apic().write(kIcrLow, 0x62);
    EXPECT_EQ(cpu0.apic.acknowledge(), 0x62);
    cpu1.apic.write(kEoi, 0);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x62);
    apic().write(kIcrHigh, 9u << 24);
    apic().write(kIcrLow, 0x63);  // nobody
    EXPECT_EQ(apic().acknowledge(), 0xFF);
}

TEST_F(ApicTest, LogicalDestinations) {
    cpu1.enable();
    apic().write(kLdr, 0x01000000);
    cpu1.apic.write(kLdr, 0x02000000);
    apic().write(kIcrHigh, 0x02000000);
    apic().write(kIcrLow, 0x861);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x61);
    cpu1.apic.write(kEoi, 0);
    for (Processor* cpu : {&cpu0, &cpu1}) cpu->apic.write(kDfr, 0x00000000);
    EXPECT_EQ(apic().peek(kDfr), 0x0FFFFFFFu);
    apic().write(kLdr, 0x31000000);      // cluster 3, member 0
    cpu1.apic.write(kLdr, 0x32000000);   // cluster 3, member 1
    apic().write(kIcrHigh, 0x13000000);  // cluster 1
    apic().write(kIcrLow, 0x862);
    EXPECT_FALSE(cpu0.intr.level || cpu1.intr.level);
    apic().write(kIcrHigh, 0x33000000);
    apic().write(kIcrLow, 0x863);
    EXPECT_TRUE(cpu0.intr.level && cpu1.intr.level);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x63);
    cpu1.apic.write(kEoi, 0);
    apic().write(kIcrHigh, 0xF2000000);  // member 1 of every cluster
    apic().write(kIcrLow, 0x864);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x64);
}

TEST_F(ApicTest, LowestPriorityChoosesOne) {
    cpu1.enable();
    apic().write(kLdr, 0x01000000);
    cpu1.apic.write(kLdr, 0x02000000);
    apic().write(kTpr, 0x30);
    apic().write(kIcrHigh, 0x03000000);
    apic().write(kIcrLow, 0x971);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_TRUE(cpu1.intr.level);
    cpu1.apic.write(kSvr, 0xFF);  // software disabled: out of the arbitration
    apic().write(kIcrLow, 0x972);
    EXPECT_TRUE(cpu0.intr.level);
}

TEST_F(ApicTest, Shorthands) {
    cpu1.enable();
    apic().write(kIcrLow, 0xC0041);  // all but self
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x41);
    apic().write(kIcrLow, 0x80042);  // all
    EXPECT_EQ(cpu0.apic.acknowledge(), 0x42);
    cpu1.apic.write(kEoi, 0);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x42);
    apic().write(kIcrLow, 0x40400);  // NMI to self is not a valid combination
    EXPECT_EQ(cpu0.nmis, 0u);
    apic().write(kIcrLow, 0xC0400);
    EXPECT_EQ(cpu1.nmis, 1u);
}

TEST_F(ApicTest, NmiSmiInitAndStartup) {
    apic().write(kIcrHigh, 1u << 24);
    apic().write(kIcrLow, 0x400);
    apic().write(kIcrLow, 0x200);
    EXPECT_EQ(cpu1.nmis, 1u) << "a software-disabled APIC takes them, too";
    EXPECT_EQ(cpu1.smis, 1u);
    cpu1.apic.write(kTpr, 0x20);
    apic().write(kIcrLow, 0x0C500);  // INIT, level assert
    EXPECT_EQ(cpu1.inits, 1u);
    EXPECT_EQ(cpu1.apic.peek(kTpr), 0u);
    EXPECT_EQ(cpu1.apic.peek(0x20), 0x01000000u);
    apic().write(kIcrLow, 0x08500);  // INIT level de-assert
    EXPECT_EQ(cpu1.inits, 1u);
    apic().write(kIcrLow, 0x0069A);
    EXPECT_EQ(cpu1.startup, 0x9A);
    apic().write(kIcrLow, 0x00741);  // ExtINT and reserved cannot be sent
    apic().write(kIcrLow, 0x00341);
    EXPECT_FALSE(cpu1.intr.level);
}

TEST_F(ApicTest, ExtIntPassesThe8259) {
    apic().set_lint(0, true);
    EXPECT_FALSE(cpu0.intr.level) << "masked";
    apic().write(kLint0, 0x700);
    EXPECT_TRUE(cpu0.intr.level);
    EXPECT_EQ(apic().acknowledge(), 0x77);
    EXPECT_EQ(apic().peek(kIsr + 0x30), 0u);
    EXPECT_TRUE(cpu0.intr.level) << "as long as the pin is high";
    apic().set_lint(0, false);
    EXPECT_FALSE(cpu0.intr.level);
    apic().set_lint(0, true);
    apic().write(kSvr, 0xFF);  // software disable masks every LVT entry
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(apic().peek(kLint0), 0x10700u);
    apic().write(kLint0, 0x700);
    EXPECT_EQ(apic().peek(kLint0), 0x10700u) << "and keeps them masked";
}

TEST_F(ApicTest, VirtualWireMode) {
    cpu1.apic.enter_virtual_wire_mode();
    cpu1.apic.set_lint(0, true);
    EXPECT_TRUE(cpu1.intr.level);
    cpu1.apic.set_lint(1, true);
    EXPECT_EQ(cpu1.nmis, 1u);
    EXPECT_TRUE(cpu1.apic.software_enabled());
}

TEST_F(ApicTest, LintFixedEdgeAndLevel) {
    apic().write(kLint0, 0x55);
    apic().set_lint(0, true);
    EXPECT_EQ(apic().acknowledge(), 0x55);
    apic().write(kEoi, 0);
    EXPECT_FALSE(cpu0.intr.level);
    apic().set_lint(0, false);
    apic().write(kLint0, 0x8056);
    apic().set_lint(0, true);
    EXPECT_EQ(apic().peek(kLint0), 0xC056u) << "remote IRR";
    EXPECT_EQ(apic().acknowledge(), 0x56);
    apic().write(kEoi, 0);
    EXPECT_TRUE(cpu0.intr.level) << "still asserted";
    EXPECT_EQ(apic().acknowledge(), 0x56);
    apic().set_lint(0, false);
    apic().write(kEoi, 0);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(apic().peek(kLint0), 0x8056u);
}

TEST_F(ApicTest, LvtWritableBits) {
    const std::pair<u64, u32> masks[] = {{kLvtTimer, 0x700FF}, {kLvtThermal, 0x107FF}, {kLvtPerformance, 0x107FF},
                                         {kLint0, 0x1A7FF},    {kLint1, 0x1A7FF},      {kLvtError, 0x100FF}};
    for (const auto& [offset, mask] : masks) {
        apic().write(offset, 0xFFFFFFFF);
        EXPECT_EQ(apic().peek(offset), mask) << std::hex << offset;
    }
    const RegisterSpace space = apic().registers();
    EXPECT_EQ(space.read(kLvtError + 1, 1), 0x00u);
    EXPECT_EQ(space.read(kLvtError, 2), 0xFFu);
    space.write(kLvtError, 1, 0x42);
    EXPECT_EQ(apic().peek(kLvtError), 0x10042u);
    EXPECT_EQ(space.read(kLvtError + 4, 4), 0u);
}

TEST_F(ApicTest, HardwareDisableAndReenable) {
    self_ipi(0x51);
    apic().write(kTpr, 0x20);
    apic().set_lint(0, true);
    apic().set_base(0xFEE00100);
    EXPECT_FALSE(apic().decodes_memory());
    EXPECT_TRUE(cpu0.intr.level) << "LINT0 is the processor's INTR now";
    EXPECT_EQ(apic().acknowledge(), 0x77);
    EXPECT_FALSE(bus.send({.vector = 0x51, .destination = 0xFF}));
    apic().set_lint(1, true);
    EXPECT_EQ(cpu0.nmis, 1u);
    apic().set_base(0xFEE00900);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(apic().peek(kTpr), 0u);
    EXPECT_EQ(apic().peek(kSvr), 0xFFu);
    EXPECT_EQ(apic().peek(kIrr + 0x20), 0u);
}

TEST_F(ApicTest, OneShotTimer) {
    apic().write(kDivide, 0x0B);  // by 1
    apic().write(kLvtTimer, 0x40);
    board.run_until(1000);
    apic().write(kInitial, 1000);
    board.run_for(400);
    EXPECT_EQ(apic().peek(kCurrent), 600u);
    board.run_for(10'000);
    ASSERT_EQ(cpu0.intr.changes.size(), 1u);
    EXPECT_EQ(cpu0.intr.changes[0].time_ns, 2000u);
    EXPECT_EQ(apic().peek(kCurrent), 0u);
    EXPECT_EQ(apic().acknowledge(), 0x40);
    apic().write(kEoi, 0);
    board.run_for(100'000);
    EXPECT_EQ(cpu0.intr.rises(), 1u);
    apic().write(kInitial, 50);
    apic().write(kInitial, 0);  // stops
    board.run_for(100'000);
    EXPECT_EQ(cpu0.intr.rises(), 1u);
}

TEST_F(ApicTest, PeriodicTimerIsExact) {
    apic().write(kDivide, 0x00);  // by 2
    apic().write(kLvtTimer, 0x20040);
    apic().write(kInitial, 5000);  // 10 us
    std::vector<u64> times;
    for (int i = 0; i < 100; ++i) {
        board.run_until(board.scheduler.next_deadline());
        if (cpu0.intr.level) {
            times.push_back(board.now());
            EXPECT_EQ(apic().peek(kCurrent), 5000u);
            apic().acknowledge();
            apic().write(kEoi, 0);
        }
    }
    ASSERT_EQ(times.size(), 100u);
    for (u64 i = 0; i < 100; ++i) EXPECT_EQ(times[i], (i + 1) * 10'000);
    board.leap(1'005'000);  // late: one interrupt, phase kept
    EXPECT_TRUE(cpu0.intr.level);
    EXPECT_EQ(apic().peek(kCurrent), 2500u);
}

TEST_F(ApicTest, MaskedTimerCountsWithoutEvents) {
    apic().write(kLvtTimer, 0x30040);
    apic().write(kDivide, 0xB);
    apic().write(kInitial, 10'000);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
    board.run_for(25'000);
    EXPECT_EQ(apic().peek(kCurrent), 5000u);
    apic().write(kLvtTimer, 0x20040);
    EXPECT_EQ(board.scheduler.next_deadline(), 30'000u);
}

TEST_F(ApicTest, DividersAndChangingThem) {
    const std::pair<u32, unsigned> dividers[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};
    for (const auto& [value, divider] : dividers) {
        apic().write(kDivide, value);
        apic().write(kInitial, 1000);
        board.run_for(u64{divider} * 300);
        EXPECT_EQ(apic().peek(kCurrent), 700u) << divider;
    }
    apic().write(kDivide, 0);
    EXPECT_EQ(apic().peek(kCurrent), 700u);
    board.run_for(2 * 100);
    EXPECT_EQ(apic().peek(kCurrent), 600u);
}

TEST_F(ApicTest, TscDeadline) {
    u64 value = 1;
    EXPECT_TRUE(apic().write_msr(0x6E0, 500));  // another mode: no effect
    EXPECT_TRUE(apic().read_msr(0x6E0, value));
    EXPECT_EQ(value, 0u);
    apic().write(kLvtTimer, 0x40040);
    apic().write(kInitial, 7);
    EXPECT_EQ(apic().peek(kInitial), 0u) << "ignored in TSC-deadline mode";
    EXPECT_TRUE(apic().write_msr(0x6E0, 5000));
    EXPECT_TRUE(apic().read_msr(0x6E0, value));
    EXPECT_EQ(value, 5000u);
    board.run_until(10'000);
    ASSERT_EQ(cpu0.intr.changes.size(), 1u);
    EXPECT_EQ(cpu0.intr.changes[0].time_ns, 5000u);
    EXPECT_TRUE(apic().read_msr(0x6E0, value));
    EXPECT_EQ(value, 0u);
    apic().acknowledge();
    apic().write(kEoi, 0);
    EXPECT_TRUE(apic().write_msr(0x6E0, 9000));  // past: at once
    EXPECT_TRUE(cpu0.intr.level);
    apic().acknowledge();
    apic().write(kEoi, 0);
    EXPECT_TRUE(apic().write_msr(0x6E0, 20'000));
    cpu0.tsc_offset = 5'000;
    apic().tsc_changed();
    EXPECT_EQ(board.scheduler.next_deadline(), 15'000u);
    EXPECT_TRUE(apic().write_msr(0x6E0, ~u64{0}));  // far away, no overflow
    EXPECT_GT(board.scheduler.next_deadline(), u64{1} << 50);
    EXPECT_TRUE(apic().write_msr(0x6E0, 0));
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

TEST_F(ApicTest, X2ApicMode) {
    u64 value = 0;
    EXPECT_FALSE(apic().read_msr(0x802, value)) << "not in xAPIC mode";
    apic().set_base(0xFEE00D00);
    cpu1.apic.set_base(0xFEE00C00);
    EXPECT_FALSE(apic().decodes_memory());
    EXPECT_TRUE(apic().read_msr(0x80F, value));
    EXPECT_EQ(value, 0x1FFu) << "state is kept";
    EXPECT_TRUE(cpu1.apic.read_msr(0x802, value));
    EXPECT_EQ(value, 1u);
    EXPECT_TRUE(cpu1.apic.read_msr(0x80D, value));
    EXPECT_EQ(value, 2u);
    EXPECT_TRUE(cpu1.apic.write_msr(0x80F, 0x1FF));
    EXPECT_TRUE(apic().write_msr(0x830, u64{1} << 32 | 0x61));
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x61);
    EXPECT_TRUE(cpu1.apic.write_msr(0x80B, 0));
    EXPECT_TRUE(apic().write_msr(0x830, u64{3} << 32 | 0x862));  // logical, cluster 0, both
    EXPECT_EQ(cpu0.apic.acknowledge(), 0x62);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x62);
    EXPECT_TRUE(apic().write_msr(0x80B, 0));
    EXPECT_TRUE(apic().write_msr(0x83F, 0x63));
    EXPECT_EQ(apic().acknowledge(), 0x63);
    for (u32 index : {0x800u, 0x80Bu, 0x80Eu, 0x82Fu, 0x831u, 0x83Fu, 0x840u, 0x8FFu})
        EXPECT_FALSE(apic().read_msr(index, value));
    for (u32 index : {0x802u, 0x803u, 0x80Au, 0x80Du, 0x80Eu, 0x810u, 0x831u, 0x839u})
        EXPECT_FALSE(apic().write_msr(index, 0));
    EXPECT_FALSE(apic().write_msr(0x80B, 1));
    EXPECT_FALSE(apic().write_msr(0x828, 1));
    EXPECT_FALSE(apic().write_msr(0x808, 0x100));
    EXPECT_FALSE(apic().write_msr(0x830, 0x100000));
    EXPECT_FALSE(apic().write_msr(0x832, 0x1000));
}

class IoApicTest : public ApicTest {
protected:
    void write(u8 index, u32 value) {
        io.write(0x00, index);
        io.write(0x10, value);
    }
    u32 read(u8 index) {
        io.write(0x00, index);
        return io.read(0x10);
    }
    void route(unsigned input, u64 entry) {
        write(static_cast<u8>(0x11 + 2 * input), static_cast<u32>(entry >> 32));
        write(static_cast<u8>(0x10 + 2 * input), static_cast<u32>(entry));
    }
    u32 low(unsigned input) { return read(static_cast<u8>(0x10 + 2 * input)); }
    IoApic io{bus};
};

TEST_F(IoApicTest, Registers) {
    EXPECT_EQ(read(1), 0x00170020u);
    write(0, 0xFFFFFFFF);
    EXPECT_EQ(read(0), 0x0F000000u);
    EXPECT_EQ(read(2), 0x0F000000u);
    write(1, 0);
    EXPECT_EQ(read(1), 0x00170020u);
    EXPECT_EQ(low(23), 0x10000u);
    EXPECT_EQ(read(0x40), 0u);
    route(23, 0xFFFFFFFF'FFFFFFFF);
    EXPECT_EQ(low(23), 0x1AFFFu) << "delivery status and remote IRR are read-only";
    EXPECT_EQ(read(0x3F), 0xFF000000u);
    const RegisterSpace space = io.registers();
    EXPECT_EQ(space.read(0, 1), 0x3Fu);
    EXPECT_EQ(space.read(0x13, 1), 0xFFu);
    EXPECT_EQ(space.read(0x20, 4), 0u);
    io.set_input(99, true);  // no such input
}

TEST_F(IoApicTest, EdgeDeliversOncePerRise) {
    route(4, 0x34);
    io.set_input(4, true);
    EXPECT_EQ(apic().acknowledge(), 0x34);
    EXPECT_EQ(apic().peek(kTmr + 0x10), 0u);
    EXPECT_EQ(low(4), 0x34u);
    apic().write(kEoi, 0);
    io.set_input(4, true);
    EXPECT_FALSE(cpu0.intr.level);
    io.set_input(4, false);
    route(4, 0x10034);
    io.set_input(4, true);  // masked: lost
    route(4, 0x34);
    EXPECT_FALSE(cpu0.intr.level);
}

TEST_F(IoApicTest, LevelWaitsForEoi) {
    route(10, 0x803A);
    io.set_input(10, true);
    EXPECT_EQ(low(10), 0xC03Au);
    EXPECT_EQ(apic().acknowledge(), 0x3A);
    EXPECT_EQ(apic().peek(kTmr + 0x10), 1u << 26);
    EXPECT_FALSE(cpu0.intr.level);
    apic().write(kEoi, 0);
    EXPECT_TRUE(cpu0.intr.level) << "still asserted: delivered again";
    EXPECT_EQ(apic().acknowledge(), 0x3A);
    io.set_input(10, false);
    apic().write(kEoi, 0);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(low(10), 0x803Au);
    route(10, 0x1803A);
    io.set_input(10, true);
    EXPECT_FALSE(cpu0.intr.level);
    route(10, 0x803A);
    EXPECT_TRUE(cpu0.intr.level) << "unmasking a level that is asserted delivers it";
}

TEST_F(IoApicTest, EoiRegisterAndTheEdgeTrick) {
    route(10, 0x803A);
    io.set_input(10, true);
    io.set_input(10, false);
    io.write(0x40, 0x3B);
    EXPECT_EQ(low(10), 0xC03Au);
    io.write(0x40, 0x3A);
    EXPECT_EQ(low(10), 0x803Au);
    io.set_input(10, true);
    EXPECT_EQ(low(10), 0xC03Au);
    route(10, 0x1003A);  // masked, edge: clears remote IRR
    route(10, 0x1803A);
    EXPECT_EQ(low(10), 0x1803Au);
}

TEST_F(IoApicTest, UnacceptedLevelKeepsRemoteIrrClear) {
    route(10, u64{9} << 56 | 0x803A);  // no such APIC
    io.set_input(10, true);
    EXPECT_EQ(low(10), 0x803Au);
    route(10, 0x803A);
    EXPECT_TRUE(cpu0.intr.level);
}

// The message of an asserted level is offered until somebody takes it: a local APIC that gets enabled, or that takes
// over the destination, is offered it; an edge was lost.
TEST_F(IoApicTest, LevelIsOfferedToAnApicThatComesLater) {
    apic().write(kSvr, 0xFF);  // software disabled
    route(10, 0x803A);
    route(11, 0x003B);
    io.set_input(10, true);
    io.set_input(11, true);
    EXPECT_EQ(low(10), 0x803Au);
    apic().write(kSvr, 0x1FF);
    EXPECT_EQ(low(10), 0xC03Au);
    EXPECT_EQ(apic().acknowledge(), 0x3A);
    EXPECT_FALSE(cpu0.intr.level) << "the edge is not repeated";
    route(12, u64{5} << 56 | 0x803C);
    io.set_input(12, true);
    EXPECT_EQ(low(12), 0x803Cu);
    cpu1.enable();
    cpu1.apic.write(0x20, 5u << 24);
    EXPECT_EQ(low(12), 0xC03Cu);
    EXPECT_EQ(cpu1.apic.acknowledge(), 0x3C);
}

TEST_F(IoApicTest, OtherDeliveryModes) {
    route(0, 0x700);
    io.set_input(0, true);
    EXPECT_TRUE(cpu0.intr.level);
    EXPECT_EQ(apic().acknowledge(), 0x77) << "ExtINT asks the 8259";
    EXPECT_FALSE(cpu0.intr.level);
    route(1, 0x400);
    io.set_input(1, true);
    EXPECT_EQ(cpu0.nmis, 1u);
    route(2, 0x8200);  // SMI is an edge whatever the trigger bit says
    io.set_input(2, true);
    EXPECT_EQ(cpu0.smis, 1u);
    EXPECT_EQ(low(2), 0x8200u);
    cpu1.enable();
    apic().write(kLdr, 0x01000000);
    cpu1.apic.write(kLdr, 0x02000000);
    apic().write(kTpr, 0x10);
    route(3, u64{3} << 56 | 0x0941);
    io.set_input(3, true);
    EXPECT_TRUE(cpu1.intr.level);
    EXPECT_FALSE(cpu0.intr.level);
}

TEST_F(IoApicTest, StateRoundTripAndReset) {
    route(10, u64{3} << 56 | 0x803A);
    route(11, 0x803B);
    io.set_input(11, true);
    io.set_input(3, true);
    write(0, 0x05000000);
    ApicBus other;
    IoApic twin(other);
    expect_faithful_state(io, twin);
}

TEST_F(ApicTest, StateRoundTripAndReset) {
    TestBoard other;
    ApicBus other_bus;
    Processor twin(other, other_bus, 0, true);
    apic().write(kTpr, 0x21);
    apic().write(kLdr, 0x03000000);
    apic().write(kDfr, 0);
    apic().write(kLint0, 0x8056);
    apic().write(kLint1, 0x700);
    apic().write(kLvtTimer, 0x20044);
    apic().write(kDivide, 9);
    board.run_until(777);
    apic().write(kInitial, 123456);
    apic().set_lint(0, true);
    apic().acknowledge();
    self_ipi(0x91);
    self_ipi(0x03);
    apic().write(kEsr, 0);
    self_ipi(0x02);
    apic().write(kIcrHigh, 0x12000000);
    bus.send({.mode = DeliveryMode::ext_int, .destination = 0});
    board.run_until(10'000);
    other.run_until(10'000);
    expect_faithful_state(apic(), twin.apic);
    EXPECT_FALSE(cpu0.intr.level);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

}  // namespace
}  // namespace bantam::devices
