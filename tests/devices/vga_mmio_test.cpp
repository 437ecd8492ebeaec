// Vga's registers as memory, and the monitor's EDID there.
#include <numeric>

#include "devices/vga.h"
#include "devices/vga_edid.h"
#include "devices/vga_pci.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class VgaMmioTest : public ::testing::Test {
protected:
    TestBoard board;
    Vga chip{board.scheduler, {}};
    RegisterSpace memory = chip.mmio();
};

TEST_F(VgaMmioTest, EdidIsWellFormed) {
    std::array<u8, 128> block{};
    for (unsigned i = 0; i < block.size(); i += 2) {
        const u64 word = memory.read(i, 2);
        block[i] = static_cast<u8>(word);
        block[i + 1] = static_cast<u8>(word >> 8);
    }
    EXPECT_EQ(block, monitor_edid());
    constexpr std::array<u8, 8> kHeader{0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0};
    EXPECT_TRUE(std::equal(kHeader.begin(), kHeader.end(), block.begin()));
    EXPECT_EQ(std::accumulate(block.begin(), block.end(), 0u) % 256, 0u);
    EXPECT_EQ(block[126], 0) << "no extension follows";
    EXPECT_EQ(memory.read(128, 1), 0u);
    // The preferred timing: 65 MHz over 1344x806 dots.
    const u8* t = &block[54];
    const unsigned width = t[2] | (t[4] & 0xF0u) << 4, height = t[5] | (t[7] & 0xF0u) << 4;
    const unsigned total = (width + (t[3] | (t[4] & 0xFu) << 8)) * (height + (t[6] | (t[7] & 0xFu) << 8));
    EXPECT_EQ(width, 1024u);
    EXPECT_EQ(height, 768u);
    EXPECT_NEAR((t[0] | t[1] << 8) * 10'000.0 / total, 60.0, 0.01);
    memory.write(0, 2, 0x1234);
    EXPECT_EQ(memory.read(0, 2), 0xFF00u) << "read-only";
}

TEST_F(VgaMmioTest, Ports) {
    memory.write(0x402, 1, 0x67);  // 3C2h
    EXPECT_EQ(chip.peek(0x1C), 0x67);
    EXPECT_EQ(memory.read(0x40C, 1), 0x67u);
    memory.write(0x404, 2, 0x0F02);  // index and data of the sequencer
    EXPECT_EQ(memory.read(0x405, 1), 0x0Fu);
    EXPECT_EQ(memory.peek(0x404, 2), 0x0F02u);
    memory.write(0x400, 1, 0x05);  // attribute index, and the flip-flop back
    memory.read(0x41A, 1);
    memory.write(0x400, 1, 0x06);
    EXPECT_EQ(memory.read(0x400, 1), 0x06u);
}

TEST_F(VgaMmioTest, DisplayInterface) {
    EXPECT_EQ(memory.read(0x500, 2), 0xB0C5u);
    memory.write(0x502, 2, 800);
    memory.write(0x504, 2, 600);
    memory.write(0x506, 1, 32);
    memory.write(0x508, 2, 0x41);
    EXPECT_EQ(memory.read(0x502, 2), 800u);
    EXPECT_EQ(memory.read(0x503, 1), 3u);
    EXPECT_EQ(memory.read(0x514, 2), Vga::kMemoryBytes >> 16);
    EXPECT_EQ(chip.render().width, 800u);
    memory.write(0x513, 1, 1);  // the high byte of the last row register alone
    EXPECT_EQ(memory.read(0x512, 2), 0x100u);
    EXPECT_EQ(memory.read(0x600, 2), 8u);
    EXPECT_EQ(memory.read(0x604, 2), 0x1E1Eu);
    testing::internal::CaptureStderr();
    memory.write(0x604, 2, 0x1E1E);
    memory.write(0x604, 2, 0xBEBE);
    memory.write(0x604, 2, 0xBEBE);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("little-endian"), std::string::npos);
    EXPECT_EQ(said.find("little-endian"), said.rfind("little-endian")) << "told once";
    EXPECT_EQ(memory.read(0x604, 2), 0x1E1Eu);
    EXPECT_EQ(memory.read(0x800, 2), 0u);
}

TEST(VgaPci, Registers) {
    VgaPci function(true), without(false);
    for (VgaPci* each : {&function, &without}) each->write_config(0x18, 4, 0xFFFFFFFF);
    EXPECT_EQ(function.read_config(0x18, 4), 0xFFFFF000u) << "4 KiB, not prefetchable";
    EXPECT_EQ(function.read_config(0x14, 4), 0u);
    EXPECT_EQ(without.read_config(0x18, 4), 0u);
}

}  // namespace
}  // namespace bantam::devices
