// Vga's DISPI registers, linear memory, banked window and picture; the expansion ROM register of its PCI function.
#include <cstring>

#include "devices/vga_pci.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class DispiTest : public ::testing::Test {
protected:
    void set(u16 index, u16 value) {
        ports.write(0, 2, index);
        ports.write(1, 1, value & 0xFF);
        ports.write(2, 1, value >> 8);
    }
    u16 get(u16 index) {
        ports.write(0, 2, index);
        return static_cast<u16>(ports.read(1, 1) | ports.read(2, 1) << 8);
    }
    void mode(u16 width, u16 height, u16 depth, u16 enable = 0x41) {
        set(4, 0);
        set(1, width);
        set(2, height);
        set(3, depth);
        set(4, enable);
    }
    TestBoard board;
    Vga vga{board.scheduler, {}};
    RegisterSpace ports = vga.dispi();
    void poke(u64 offset, unsigned size, u64 value) {
        std::memcpy(vga.linear_memory().subspan(offset, size).data(), &value, size);
    }
    u64 peek(u64 offset, unsigned size) {
        u64 value = 0;
        std::memcpy(&value, vga.linear_memory().subspan(offset, size).data(), size);
        return value;
    }
};

TEST_F(DispiTest, IdentificationAndCapabilities) {
    EXPECT_EQ(get(0), 0xB0C5);
    set(0, 0xB0C0);
    EXPECT_EQ(get(0), 0xB0C0);
    EXPECT_EQ(get(10), Vga::kMemoryBytes >> 16);
    set(4, 2);
    EXPECT_EQ(get(1), 2560);
    EXPECT_EQ(get(3), 32);
    set(4, 0);
    EXPECT_EQ(get(1), 0);
}

TEST_F(DispiTest, LinearModeShowsMemory) {
    poke(0, 4, 0x11);
    mode(1024, 768, 32);
    EXPECT_TRUE(vga.graphics());
    EXPECT_EQ(peek(0, 4), 0u) << "enabling clears the memory";
    poke((5 * 1024 + 3) * 4, 4, 0x00123456);
    const Frame frame = vga.render();
    ASSERT_EQ(frame.width, 1024u);
    ASSERT_EQ(frame.height, 768u);
    EXPECT_EQ(frame.pixels[5 * 1024 + 3], 0x123456u);
    set(4, 0xC1);
    EXPECT_EQ(peek((5 * 1024 + 3) * 4, 4), 0x123456u) << "kept on request";
    set(5, 0x2F);
    vga.write_memory(1, 0xAB);
    EXPECT_EQ(peek(0x2F0001, 1), 0xABu) << "banked window";
    const u8* const before = vga.linear_memory().data();
    vga.reset();
    EXPECT_EQ(vga.linear_memory().data(), before) << "the board has it mapped";
    EXPECT_EQ(peek(0x2F0001, 1), 0u);
}

TEST_F(DispiTest, ScrollsAVirtualScreen) {
    mode(640, 480, 16);
    set(6, 800);
    EXPECT_EQ(get(6), 800);
    set(8, 10);
    set(9, 2);
    poke(2 * 800 * 2 + 10 * 2, 2, 0xFFFF);
    EXPECT_EQ(vga.render().pixels[0], 0xFFFFFFu);
    set(1, 320);
    EXPECT_EQ(get(1), 640) << "a mode cannot change while it is on";
}

TEST_F(DispiTest, RefusesWhatDoesNotFit) {
    mode(2560, 1601, 8);
    EXPECT_EQ(get(4) & 1, 0);
    mode(640, 480, 7);
    EXPECT_EQ(get(4) & 1, 0);
    mode(2560, 1600, 32);
    EXPECT_EQ(get(4) & 1, 1);
    set(6, 60000);
    EXPECT_EQ(get(6), 2560);
    set(8, 0xFFFF);
    set(9, 0xFFFF);
    EXPECT_EQ(vga.render().pixels[0], 0u);
}

TEST_F(DispiTest, State) {
    mode(640, 480, 15);
    poke(77, 1, 9);
    Vga twin(board.scheduler, {});
    expect_faithful_state(vga, twin);
}

TEST(VgaPci, ExpansionRom) {
    VgaPci function;
    function.write_config(0x30, 4, 0xFFFFFFFF);
    EXPECT_EQ(function.read_config(0x30, 4), 0xFFFF0001u);
    function.write_config(0x04, 2, 2);
    EXPECT_FALSE(function.rom_window().enabled) << "still sizing";
    function.write_config(0x30, 4, 0xFEBF0001);
    EXPECT_TRUE(function.rom_window().enabled);
    EXPECT_EQ(function.rom_window().base, 0xFEBF0000u);
    function.write_config(0x30, 4, 0xFEBF0000);
    EXPECT_FALSE(function.rom_window().enabled);
}

}  // namespace
}  // namespace bantam::devices
