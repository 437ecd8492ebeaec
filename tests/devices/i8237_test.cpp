// I8237 and IsaDma against the 8237A datasheet and the AT's page registers: modes, priority, terminal count, wrapping.
#include "devices/i8237.h"

#include "devices/isa_dma.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

using Transfer = I8237::Transfer;

class I8237Test : public ::testing::Test {
protected:
    /// `mode`: bits 7:2 of the mode register.
    void program(unsigned channel, u16 address, u16 count, u8 mode) {
        chip.write(0x0C, 0);
        chip.write(2 * channel, static_cast<u8>(address));
        chip.write(2 * channel, static_cast<u8>(address >> 8));
        chip.write(2 * channel + 1, static_cast<u8>(count));
        chip.write(2 * channel + 1, static_cast<u8>(count >> 8));
        chip.write(0x0B, static_cast<u8>(mode | channel));
        chip.write(0x0A, static_cast<u8>(channel));
    }
    u16 word(u64 offset) {
        chip.write(0x0C, 0);
        const u8 low = chip.read(offset);
        return static_cast<u16>(low | chip.read(offset) << 8);
    }
    TestBoard board;
    RecordedLine hold{board.scheduler};
    std::vector<I8237::Cycle> cycles;
    std::function<void(const I8237::Cycle&)> on_cycle;
    I8237 chip{"dma1", {.hold_request = hold.pin(), .cycle = [this](const I8237::Cycle& cycle) {
                            cycles.push_back(cycle);
                            if (on_cycle) on_cycle(cycle);
                        }}};
};

TEST_F(I8237Test, RegistersAndFlipFlop) {
    EXPECT_EQ(chip.read(0x0F), 0x0F) << "masked after reset";
    program(2, 0x1234, 0x5678, 0x44);
    EXPECT_EQ(word(4), 0x1234);
    EXPECT_EQ(word(5), 0x5678);
    EXPECT_EQ(chip.peek(4), 0x34);
    EXPECT_EQ(chip.peek(4), 0x34) << "looking does not move the flip-flop";
    chip.read(4);
    EXPECT_EQ(chip.peek(4), 0x12);
    chip.write(0x0C, 0);
    chip.write(5, 0xAA);
    EXPECT_EQ(word(5), 0x56AA);
    EXPECT_EQ(chip.read(0x0F), 0x0B);
    chip.write(0x0F, 0x35);
    EXPECT_EQ(chip.read(0x0F), 0x05);
    chip.write(0x0E, 0);
    EXPECT_EQ(chip.read(0x0F), 0);
    chip.write(0x0A, 6);
    EXPECT_EQ(chip.read(0x0F), 4);
    chip.write(0x0D, 0);
    EXPECT_EQ(chip.read(0x0F), 0x0F);
    EXPECT_EQ(word(4), 0x1234) << "master clear leaves addresses";
    EXPECT_EQ(chip.read(0x0D), 0);
    EXPECT_EQ(chip.read(0x0B), 0xFF);
}

TEST_F(I8237Test, SingleModeCountsAndEnds) {
    program(1, 0xFFFE, 2, 0x44);  // single, write, three transfers
    chip.set_request(1, true);
    EXPECT_TRUE(hold.level);
    EXPECT_EQ(chip.read(0x08), 0x20);
    chip.run_cycle();
    chip.run_cycle();
    ASSERT_EQ(cycles.size(), 2u);
    EXPECT_EQ(cycles[0].address, 0xFFFE);
    EXPECT_EQ(cycles[1].address, 0xFFFF);
    EXPECT_EQ(cycles[0].transfer, Transfer::write);
    EXPECT_FALSE(cycles[1].end_of_process);
    EXPECT_EQ(word(2), 0x0000) << "the address wraps";
    EXPECT_EQ(word(3), 0x0000);
    chip.run_cycle();
    EXPECT_TRUE(cycles[2].end_of_process);
    EXPECT_EQ(cycles[2].address, 0);
    EXPECT_EQ(word(3), 0xFFFF);
    EXPECT_FALSE(hold.level) << "masked by its terminal count";
    EXPECT_EQ(chip.read(0x0F), 0x0F);
    EXPECT_EQ(chip.read(0x08), 0x22);
    EXPECT_EQ(chip.read(0x08), 0x20) << "reading clears TC";
    chip.run_cycle();
    EXPECT_EQ(cycles.size(), 3u);
}

TEST_F(I8237Test, AutoinitializeAndDecrement) {
    program(3, 0x0001, 2, 0x78);  // single, decrement, autoinitialize, read
    chip.set_request(3, true);
    for (int i = 0; i < 4; ++i) chip.run_cycle();
    ASSERT_EQ(cycles.size(), 4u);
    EXPECT_EQ(cycles[0].transfer, Transfer::read);
    EXPECT_EQ(cycles[1].address, 0x0000);
    EXPECT_EQ(cycles[2].address, 0xFFFF);
    EXPECT_TRUE(cycles[2].end_of_process);
    EXPECT_EQ(cycles[3].address, 0x0001) << "base registers again";
    EXPECT_EQ(chip.read(0x0F), 0x07) << "not masked";
    EXPECT_TRUE(hold.level);
}

TEST_F(I8237Test, FixedAndRotatingPriority) {
    for (unsigned channel = 0; channel < 4; ++channel) program(channel, 0, 0x100, 0x44);
    for (const unsigned channel : {3u, 1u, 2u}) chip.set_request(channel, true);
    for (int i = 0; i < 3; ++i) chip.run_cycle();
    for (const I8237::Cycle& cycle : cycles) EXPECT_EQ(cycle.channel, 1u);
    cycles.clear();
    chip.write(0x08, 0x10);
    for (int i = 0; i < 4; ++i) chip.run_cycle();
    EXPECT_EQ(cycles[0].channel, 1u);
    EXPECT_EQ(cycles[1].channel, 2u);
    EXPECT_EQ(cycles[2].channel, 3u);
    EXPECT_EQ(cycles[3].channel, 1u);
    chip.write(0x08, 0x04);
    EXPECT_FALSE(hold.level) << "disabled";
    chip.write(0x08, 0x00);
    EXPECT_TRUE(hold.level);
    for (unsigned channel = 0; channel < 4; ++channel) chip.set_request(channel, false);
    EXPECT_FALSE(hold.level);
    chip.write(0x08, 0x40);  // DREQ active low: all of them ask
    EXPECT_EQ(chip.read(0x08), 0xF0);
}

TEST_F(I8237Test, BlockModeKeepsTheBus) {
    program(2, 0, 3, 0x80);  // block, verify
    program(0, 0, 0x10, 0x44);
    chip.set_request(2, true);
    chip.run_cycle();
    chip.set_request(2, false);  // needs to hold only until DACK
    chip.set_request(0, true);
    for (int i = 0; i < 3; ++i) chip.run_cycle();
    ASSERT_EQ(cycles.size(), 4u);
    EXPECT_EQ(cycles[3].channel, 2u);
    EXPECT_EQ(cycles[3].transfer, Transfer::verify);
    EXPECT_TRUE(cycles[3].end_of_process);
    chip.run_cycle();
    EXPECT_EQ(cycles[4].channel, 0u);
}

TEST_F(I8237Test, DemandModePausesWithItsRequest) {
    program(2, 0, 9, 0x04);
    program(0, 0, 9, 0x44);
    chip.set_request(2, true);
    chip.run_cycle();
    chip.set_request(0, true);
    chip.run_cycle();
    EXPECT_EQ(cycles[1].channel, 2u) << "no other channel while the request stands";
    chip.set_request(2, false);
    chip.run_cycle();
    EXPECT_EQ(cycles[2].channel, 0u);
    chip.set_request(2, true);
    chip.set_request(0, false);
    chip.run_cycle();
    EXPECT_EQ(cycles[3].channel, 2u);
    EXPECT_EQ(cycles[3].address, 2u) << "goes on where it was";
    chip.write(0x0A, 6);
    EXPECT_FALSE(hold.level) << "masked";
}

TEST_F(I8237Test, SoftwareRequestPassesTheMaskInBlockMode) {
    program(1, 0x10, 1, 0x44);
    chip.write(0x0A, 5);
    chip.write(0x09, 5);
    EXPECT_FALSE(hold.level) << "block mode only";
    chip.write(0x0B, 0x81 | 0x04);
    EXPECT_TRUE(hold.level);
    chip.run_cycle();
    chip.run_cycle();
    EXPECT_FALSE(hold.level);
    EXPECT_EQ(cycles.size(), 2u);
    EXPECT_EQ(chip.read(0x08), 0x02);
}

TEST_F(I8237Test, RequestDroppedInsideTheCycle) {
    program(2, 0, 9, 0x44);
    on_cycle = [this](const I8237::Cycle&) { chip.set_request(2, false); };
    chip.set_request(2, true);
    chip.run_cycle();
    EXPECT_FALSE(hold.level);
    EXPECT_EQ(word(5), 8u);
}

TEST_F(I8237Test, State) {
    program(2, 0x1234, 9, 0x94);
    program(0, 0x4321, 7, 0x58);
    chip.set_request(2, true);
    chip.run_cycle();
    chip.set_request(2, false);
    chip.write(0x08, 0x10);
    chip.write(0x09, 0x04);
    chip.write(4, 0x11);
    I8237 twin("dma1", {.hold_request = nullptr, .cycle = [](const I8237::Cycle&) {}});
    expect_faithful_state(chip, twin);
}

class IsaDmaTest : public ::testing::Test {
protected:
    IsaDmaTest() {
        out2(0x1A, 0);     // master clear, port DAh
        out2(0x16, 0xC0);  // channel 4: cascade
        out2(0x14, 0x00);  // and unmasked
    }
    void out1(u64 port, u64 value) { dma.first_registers().write(port, 1, value); }
    void out2(u64 offset, u64 value) { dma.second_registers().write(offset, 1, value); }
    void page(u16 port, u64 value) { dma.page_registers().write(port - 0x81u, 1, value); }
    void program1(unsigned channel, u16 address, u16 count, u8 mode) {
        out1(0x0C, 0);
        out1(2 * channel, address & 0xFF), out1(2 * channel, address >> 8);
        out1(2 * channel + 1, count & 0xFF), out1(2 * channel + 1, count >> 8);
        out1(0x0B, mode | channel);
        out1(0x0A, channel);
    }
    u8 byte(u64 address) { return static_cast<u8>(memory->peek({address}, 1)); }
    TestBoard board;
    std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(u64{16} << 20).value());
    IsaDma dma{board.scheduler, *memory};
};

TEST_F(IsaDmaTest, BytesWrapWithinTheirPage) {
    u8 next = 1;
    u8 last_seen = 0;
    dma.connect(2, {.read =
                        [&](bool last) {
                            if (last) last_seen = next;
                            if (last) dma.set_request(2, false);
                            return u16{next++};
                        },
                    .write = nullptr,
                    .verify = nullptr});
    page(0x81, 0x12);
    program1(2, 0xFFFE, 3, 0x44);
    dma.set_request(2, true);
    EXPECT_EQ(byte(0x12FFFE), 1);
    EXPECT_EQ(byte(0x12FFFF), 2);
    EXPECT_EQ(byte(0x120000), 3);
    EXPECT_EQ(byte(0x120001), 4);
    EXPECT_EQ(byte(0x130000), 0);
    EXPECT_EQ(last_seen, 4);
}

TEST_F(IsaDmaTest, TheA20GateDoesNotTouchTheBus) {
    dma.connect(1, {.read =
                        [&](bool) {
                            dma.set_request(1, false);
                            return u16{0x5A};
                        },
                    .write = nullptr,
                    .verify = nullptr});
    memory->set_a20(false);
    page(0x83, 0x10);
    program1(1, 0x0000, 0, 0x44);
    dma.set_request(1, true);
    memory->set_a20(true);
    EXPECT_EQ(byte(0x100000), 0x5A);
    EXPECT_EQ(byte(0x000000), 0);
}

TEST_F(IsaDmaTest, WordsOfTheSecondController) {
    std::vector<u16> taken;
    dma.connect(5, {.read = nullptr, .write = [&](u16 value, bool) { taken.push_back(value); }, .verify = nullptr});
    page(0x8B, 0x03);  // bit 0 is not used: 128 KiB pages
    memory->write({0x03FFFE}, 2, 0xBEEF);
    memory->write({0x020000}, 2, 0xCAFE);
    out2(0x18, 0);
    out2(0x04, 0xFF), out2(0x04, 0xFF);  // channel 5 address FFFFh, in words
    out2(0x06, 1), out2(0x06, 0);
    out2(0x16, 0x49);
    out2(0x14, 1);
    dma.set_request(5, true);
    ASSERT_EQ(taken.size(), 2u);
    EXPECT_EQ(taken[0], 0xBEEF);
    EXPECT_EQ(taken[1], 0xCAFE) << "wraps in its 128 KiB";
}

TEST_F(IsaDmaTest, NothingPassesAMaskedCascade) {
    unsigned reads = 0;
    dma.connect(3, {.read =
                        [&](bool) {
                            ++reads;
                            dma.set_request(3, false);
                            return u16{0};
                        },
                    .write = nullptr,
                    .verify = nullptr});
    program1(3, 0, 9, 0x44);
    out2(0x14, 4);
    dma.set_request(3, true);
    EXPECT_EQ(reads, 0u);
    out2(0x14, 0);
    EXPECT_EQ(reads, 1u);
}

TEST_F(IsaDmaTest, ARequestThatStaysTakesTime) {
    page(0x87, 0);
    program1(0, 0, 999, 0x44);  // nobody answers: ones
    dma.set_request(0, true);
    EXPECT_EQ(byte(255), 0xFF);
    EXPECT_EQ(byte(256), 0x00);
    board.run_for(2'000'000);
    EXPECT_EQ(byte(999), 0xFF);
    EXPECT_EQ(byte(1000), 0x00);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
    EXPECT_EQ(dma.first_registers().read(8, 1), 0x11u);
}

TEST_F(IsaDmaTest, PageRegistersAndState) {
    for (u16 port = 0x81; port < 0x90; ++port) page(port, port);
    for (u16 port = 0x81; port < 0x90; ++port) EXPECT_EQ(dma.page_registers().read(port - 0x81u, 1), port);
    program1(0, 0x1234, 0x5678, 0x58);
    PhysicalMemory& ram = *memory;
    IsaDma twin(board.scheduler, ram);
    expect_faithful_state(dma, twin);
}

}  // namespace
}  // namespace bantam::devices
