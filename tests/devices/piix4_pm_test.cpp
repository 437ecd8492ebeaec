// Piix4Pm against the 82371AB datasheet: ACPI events and SCI, the PM timer, soft off, APM ports, decoding, SMBus.
#include "devices/piix4_pm.h"

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kHalfPeriod = 1 << 23;

class Piix4PmTest : public ::testing::Test {
protected:
    u64 read(u64 offset, unsigned size) { return pm.pm_registers().read(offset, size); }
    void write(u64 offset, unsigned size, u64 value) { pm.pm_registers().write(offset, size, value); }
    TestBoard board;
    RecordedLine sci{board.scheduler};
    unsigned smis = 0, power_offs = 0, decodes = 0;
    int suspended = -1;
    Piix4Pm pm{board.scheduler,
               {.sci = sci.pin(),
                .smi = [this] { ++smis; },
                .power_off = [this] { ++power_offs; },
                .suspend = [this](unsigned type) { suspended = static_cast<int>(type); },
                .decode_changed = [this] { ++decodes; }}};
};

TEST_F(Piix4PmTest, ConfigurationAndDecoding) {
    EXPECT_EQ(pm.read_config(0, 4), 0x71138086u);
    EXPECT_EQ(pm.read_config(8, 4), 0x06800003u);
    EXPECT_EQ(pm.read_config(0x3D, 1), 1u);
    EXPECT_FALSE(pm.pm_decoded());
    pm.write_config(0x40, 4, 0xFFFFB03F);
    EXPECT_EQ(pm.read_config(0x40, 4), 0x0000B001u);
    EXPECT_FALSE(pm.pm_decoded());
    const unsigned before = decodes;
    pm.write_config(0x80, 1, 0xFF);
    EXPECT_EQ(decodes, before + 1);
    EXPECT_EQ(pm.read_config(0x80, 1), 1u);
    EXPECT_TRUE(pm.pm_decoded());
    EXPECT_EQ(pm.pm_base(), 0xB000);
    pm.write_config(0x90, 2, 0xB100);
    EXPECT_FALSE(pm.smbus_decoded());
    pm.write_config(4, 2, 0xFFFF);
    EXPECT_EQ(pm.read_config(4, 2), 1u);
    EXPECT_TRUE(pm.smbus_decoded());
    EXPECT_EQ(pm.smbus_base(), 0xB100);
    pm.write_config(0x40, 4, 0);
    EXPECT_FALSE(pm.pm_decoded()) << "nothing decodes at 0";
}

TEST_F(Piix4PmTest, PowerButtonRaisesSci) {
    write(2, 2, 0xFFFF);
    EXPECT_EQ(read(2, 2), 0x0521u);
    pm.press_power_button();
    EXPECT_EQ(read(0, 2), 0x0100u);
    EXPECT_FALSE(sci.level) << "SCI_EN is clear";
    pm.apm_registers().write(0, 1, Piix4Pm::kAcpiEnable);
    EXPECT_EQ(read(4, 2), 1u);
    EXPECT_TRUE(sci.level);
    write(0, 2, 0x0001);
    EXPECT_TRUE(sci.level);
    write(1, 1, 0x01);
    EXPECT_FALSE(sci.level);
    pm.rtc_alarm();
    EXPECT_TRUE(sci.level);
    pm.apm_registers().write(0, 1, Piix4Pm::kAcpiDisable);
    EXPECT_FALSE(sci.level);
    EXPECT_EQ(read(4, 2), 0u);
    pm.resume();
    EXPECT_EQ(read(0, 2), 0x8400u);
    write(0, 2, 0xFFFF);
    EXPECT_EQ(read(0, 2), 0u);
}

TEST_F(Piix4PmTest, TimerCountsAndOverflows) {
    const u64 half_ns = ns_from_ticks(kHalfPeriod, Piix4Pm::kTimerHz);
    board.run_until(1'000'000'000);
    EXPECT_EQ(read(8, 4), 3'579'545u);
    EXPECT_EQ(read(8, 2), 3'579'545u & 0xFFFF);
    EXPECT_EQ(read(0, 2) & 1, 0u);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever) << "nobody asked for the overflow";
    board.run_until(half_ns);
    EXPECT_EQ(read(8, 4), kHalfPeriod);
    EXPECT_EQ(read(0, 2) & 1, 1u);
    write(4, 2, 1);
    write(2, 2, 1);
    EXPECT_TRUE(sci.level);
    write(0, 2, 1);
    EXPECT_FALSE(sci.level);
    board.run_until(3 * half_ns);
    EXPECT_TRUE(sci.level);
    EXPECT_EQ(sci.changes.back().time_ns, ns_from_ticks(2 * kHalfPeriod, Piix4Pm::kTimerHz));
    EXPECT_EQ(read(8, 4), kHalfPeriod) << "24 bits";
    write(8, 4, 0);
    EXPECT_EQ(read(8, 4), kHalfPeriod) << "read-only";
}

// In real time the clock runs on while a register is read.
TEST_F(Piix4PmTest, TimerIsOfOneMoment) {
    u64 now = 0;
    board.scheduler.set_time_source([&now] { return now += ns_from_ticks(1, Piix4Pm::kTimerHz); });
    u64 last = 0;
    for (unsigned reads = 0; reads < 1'000; ++reads) {
        const u64 value = read(8, 4);
        ASSERT_GT(value, last);
        last = value;
    }
    EXPECT_GT(last, 0x300u) << "carries into the second byte were seen";
    board.scheduler.set_time_source(nullptr);
}

TEST_F(Piix4PmTest, GeneralEvents) {
    write(4, 2, 1);
    pm.raise_general_event(9);
    EXPECT_FALSE(sci.level);
    write(0x0E, 2, 0x0200);
    EXPECT_TRUE(sci.level);
    EXPECT_EQ(read(0x0C, 4), 0x02000200u);
    write(0x0C, 2, 0x0200);
    EXPECT_FALSE(sci.level);
}

TEST_F(Piix4PmTest, SleepStates) {
    write(4, 2, 0x2001 | 1 << 10);
    EXPECT_EQ(suspended, 1);
    EXPECT_EQ(read(4, 2), 0x0401u) << "SUS_EN reads as zero";
    suspended = -1;
    write(4, 2, 0x2001 | 5 << 10);
    write(4, 2, 0x0001);
    EXPECT_EQ(suspended, -1);
    EXPECT_EQ(power_offs, 0u);
    write(5, 1, 0x20);  // as a byte
    EXPECT_EQ(power_offs, 1u);
}

TEST_F(Piix4PmTest, ApmAndSmi) {
    const RegisterSpace apm = pm.apm_registers();
    apm.write(1, 1, 0x5A);
    EXPECT_EQ(apm.read(1, 1), 0x5Au);
    apm.write(0, 1, 0x77);
    EXPECT_EQ(apm.read(0, 1), 0x77u);
    EXPECT_EQ(smis, 0u);
    pm.write_config(0x58, 4, 1u << 25);
    apm.write(0, 1, 0x77);
    EXPECT_EQ(smis, 0u);
    write(0x28, 4, 1);
    apm.write(0, 1, 0x77);
    EXPECT_EQ(smis, 1u);
    EXPECT_EQ(read(0x18, 2), 0x20u);
    write(0x18, 2, 0x20);
    EXPECT_EQ(read(0x18, 2), 0u);
    write(4, 2, 4);  // GBL_RLS
    EXPECT_EQ(smis, 2u);
    EXPECT_EQ(read(0x18, 2), 1u);
    write(2, 2, 0x100);
    pm.press_power_button();  // an event without SCI_EN is an SMI
    EXPECT_EQ(smis, 3u);
    write(0x28, 1, 3);  // BIOS_RLS
    EXPECT_EQ(read(0, 2), 0x120u);
    EXPECT_EQ(read(0x28, 1), 1u);
}

TEST_F(Piix4PmTest, PlainAndAbsentRegisters) {
    EXPECT_EQ(read(0x34, 4), 0x7FFFBFFFu);
    write(0x10, 4, 0x12345678);
    EXPECT_EQ(read(0x10, 4), 0x12345678u);
    for (u64 offset : {0x06u, 0x14u, 0x1Cu, 0x24u, 0x30u, 0x38u}) {
        write(offset, 2, 0xFFFF);
        EXPECT_EQ(read(offset, 2), 0u) << offset;
    }
    EXPECT_EQ(pm.pm_registers().peek(0x10, 4), 0x12345678u);
}

TEST_F(Piix4PmTest, SmbusIsEmpty) {
    const RegisterSpace smbus = pm.smbus_registers();
    smbus.write(4, 1, 0xA1);
    EXPECT_EQ(smbus.read(4, 1), 0xA1u);
    pm.write_config(0xD2, 1, 0x09);
    smbus.write(2, 1, 0x49);
    EXPECT_EQ(smbus.read(2, 1), 0x09u) << "START reads as zero";
    EXPECT_EQ(smbus.read(0, 1), 0x04u) << "not acknowledged";
    EXPECT_TRUE(sci.level);
    smbus.write(0, 1, 0x04);
    EXPECT_FALSE(sci.level);
    pm.write_config(0xD2, 1, 0x01);
    smbus.write(2, 1, 0x41);
    EXPECT_EQ(smis, 1u);
    smbus.write(0, 1, 0xFF);
    (void)smbus.read(2, 1);
    for (unsigned i = 0; i < 33; ++i) smbus.write(7, 1, i);
    (void)smbus.read(2, 1);
    EXPECT_EQ(smbus.peek(7, 1), 32u) << "the buffer wrapped";
    EXPECT_EQ(smbus.read(7, 1), 32u);
    EXPECT_EQ(smbus.read(7, 1), 1u);
    EXPECT_EQ(smbus.read(1, 1), 0u);
}

TEST_F(Piix4PmTest, LoadingKeepsAnOverflowNobodyHasSeen) {
    board.run_until(2 * ns_from_ticks(kHalfPeriod, Piix4Pm::kTimerHz));
    const auto state = saved(pm);
    LoadArchive load(state);
    pm.describe(load);
    EXPECT_EQ(saved(pm), state);
}

TEST_F(Piix4PmTest, StateRoundTripAndReset) {
    TestBoard other;
    Piix4Pm twin(other.scheduler, {});
    pm.write_config(0x40, 4, 0xB000);
    pm.write_config(0x80, 1, 1);
    pm.write_config(0x58, 4, 1u << 25);
    write(2, 2, 0x0101);
    write(4, 2, 0x0401);
    write(0x0E, 2, 0x1234);
    write(0x10, 4, 0x12345678);
    write(0x28, 1, 1);
    pm.apm_registers().write(0, 1, 0x11);
    pm.apm_registers().write(1, 1, 0x22);
    pm.raise_general_event(3);
    pm.press_power_button();
    pm.smbus_registers().write(7, 1, 9);
    pm.smbus_registers().write(2, 1, 0x41);
    EXPECT_TRUE(sci.level);
    expect_faithful_state(pm, twin);
    EXPECT_FALSE(sci.level);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
}

}  // namespace
}  // namespace bantam::devices
