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

TEST_F(DispiTest, DataIsAWordAtEitherPlace) {
    ports.write(0, 2, 1);
    ports.write(2, 2, 640);
    EXPECT_EQ(get(1), 640);
    EXPECT_EQ(ports.read(2, 2), 640u);
    EXPECT_EQ(ports.read(1, 1) & 0xFF, 640u & 0xFF) << "by bytes, as a bus gives the word that is not aligned";
    EXPECT_EQ(ports.read(2, 1), 640u >> 8);
    ports.write(3, 1, 0x55);
    EXPECT_EQ(ports.read(3, 1), 0xFFu) << "the second half of the aligned word, alone";
    EXPECT_EQ(get(1), 640);
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
    VgaPci function(false);
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

TEST_F(DispiTest, DrawsTheRowsThatWereWritten) {
    std::vector<std::pair<u64, u64>> watched;
    Vga chip(board.scheduler, {.interrupt = nullptr,
                               .memory_map_changed = nullptr,
                               .watch_writes = [&](u64 offset, u64 bytes) { watched.emplace_back(offset, bytes); }});
    ports = chip.dispi();
    mode(1024, 768, 32);
    Picture picture;
    EXPECT_TRUE(chip.render_changes(picture));
    EXPECT_EQ(picture.frame.width, 1024u);
    EXPECT_EQ(picture.end_row, 768u);
    ASSERT_EQ(watched, (std::vector<std::pair<u64, u64>>{{0, 1024 * 768 * 4}}));
    const u64 version = chip.picture_version();
    EXPECT_FALSE(chip.render_changes(picture));
    EXPECT_EQ(picture.end_row, 0u);

    // The first write to a page is told; the second is not, and shows all the same once the page is looked at.
    chip.memory_written(5 * 4096);
    EXPECT_NE(chip.picture_version(), version);
    chip.linear_memory()[5 * 4096] = 0x42;
    EXPECT_TRUE(chip.render_changes(picture));
    EXPECT_EQ(picture.first_row, 5u);
    EXPECT_EQ(picture.end_row, 6u);
    EXPECT_EQ(picture.frame.pixels[5 * 1024], 0x42u);
    EXPECT_EQ(watched.back(), (std::pair<u64, u64>{5 * 4096, 4096})) << "watched again";
    EXPECT_FALSE(chip.render_changes(picture));

    // A second viewer that looked before sees what the first one has seen already.
    Picture other = picture;
    chip.memory_written(7 * 4096);
    chip.linear_memory()[7 * 4096] = 1;
    EXPECT_TRUE(chip.render_changes(picture));
    EXPECT_TRUE(chip.render_changes(other));
    EXPECT_EQ(other.frame.pixels, picture.frame.pixels);
    EXPECT_EQ(other.first_row, 7u);

    chip.write_memory(3, 0);  // through the bank window
    EXPECT_TRUE(chip.render_changes(picture));
    EXPECT_EQ(picture.end_row, 1u);
    set(9, 8);  // scrolled: everything moves
    EXPECT_TRUE(chip.render_changes(picture));
    EXPECT_EQ(picture.frame.pixels, chip.render().pixels);
    chip.memory_remapped();
    EXPECT_FALSE(chip.render_changes(picture)) << "drawn anew, and the same";
    EXPECT_EQ(watched.back().second, 1024u * 768 * 4) << "but watched from the start";
}

}  // namespace
}  // namespace bantam::devices
