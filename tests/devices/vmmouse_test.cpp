// Vmmouse: the handshake of Linux's vmmouse.c, reports, the full queue, what is not for it.
#include "devices/vmmouse.h"

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class VmmouseTest : public ::testing::Test {
protected:
    using Call = Vmmouse::CallRegisters;
    Call call(u32 command, u32 argument) {
        Call registers{.eax = 0x564D5868, .ebx = argument, .ecx = command, .edx = 0x5658};
        chip.call(registers);
        return registers;
    }
    u32 status() { return call(40, 0).eax; }
    void enable() {
        call(41, 0x45414552);
        EXPECT_EQ(call(39, 1).eax, 0x3442554Au);
        call(41, 0x53424152);
    }
    unsigned reports = 0;
    Vmmouse chip{{.report_waits = [this] { ++reports; }}};
};

TEST_F(VmmouseTest, Handshake) {
    EXPECT_EQ(call(10, ~0u).ebx, 0x564D5868u);
    EXPECT_NE(call(10, ~0u).eax, ~0u);
    EXPECT_EQ(status(), 0xFFFF0000u) << "off";
    call(41, 0x45414552);
    EXPECT_EQ(status(), 1u);
    EXPECT_FALSE(chip.absolute());
    EXPECT_EQ(call(39, 1).eax, 0x3442554Au);
    call(41, 0x53424152);
    EXPECT_TRUE(chip.absolute());
    EXPECT_EQ(status(), 0u);
    call(41, 0x4C455252);
    EXPECT_FALSE(chip.absolute());
    call(41, 0xF5);
    EXPECT_EQ(status(), 0xFFFF0000u);
}

TEST_F(VmmouseTest, Reports) {
    chip.point(1, 2, 1, 0);
    EXPECT_EQ(reports, 0u) << "nobody listens";
    enable();
    chip.point(0, 65535, 7, 2);
    chip.point(100, 200, 0, -1);
    EXPECT_EQ(reports, 2u);
    EXPECT_EQ(status(), 8u);
    Call report = call(39, 4);
    EXPECT_EQ(report.eax, 0x38u) << "left, right, middle";
    EXPECT_EQ(report.ebx, 0u);
    EXPECT_EQ(report.ecx, 65535u);
    EXPECT_EQ(report.edx, 2u);
    report = call(39, 4);
    EXPECT_EQ(report.eax, 0u);
    EXPECT_EQ(report.edx, ~0u);
    EXPECT_EQ(status(), 0u);
}

TEST_F(VmmouseTest, FullQueueKeepsTheNewest) {
    enable();
    for (u16 i = 0; i < 200; ++i) chip.point(i, 0, 0, 0);
    EXPECT_EQ(status(), Vmmouse::kReportWords * Vmmouse::kMaxReports);
    Call last;
    while (status() != 0) last = call(39, 4);
    EXPECT_EQ(last.ebx, 199u);
}

TEST_F(VmmouseTest, ErrorsUntilTheNextEnable) {
    enable();
    EXPECT_EQ(call(39, 4).eax, ~0u) << "nothing waits";
    EXPECT_EQ(status(), 0xFFFF0000u);
    chip.point(1, 1, 0, 0);
    EXPECT_EQ(reports, 0u);
    enable();
    EXPECT_EQ(status(), 0u);
    EXPECT_EQ(call(99, 0).eax, ~0u);
    Call other{.eax = 1, .ebx = 2, .ecx = 10, .edx = 4};
    chip.call(other);
    EXPECT_EQ(other.eax, ~0u);
    EXPECT_EQ(other.ebx, 2u);
}

TEST_F(VmmouseTest, KeepsItsState) {
    Vmmouse twin({});
    enable();
    chip.point(1, 2, 3, 4);
    expect_faithful_state(chip, twin);
}

}  // namespace
}  // namespace bantam::devices
