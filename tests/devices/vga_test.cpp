// VGA: register rules, planes and write modes, retrace timing, the text screen and the picture.
#include "devices/vga.h"

#include "tests/devices/code_page_437_glyphs.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class VgaTest : public ::testing::Test {
protected:
    void set(u64 index_offset, u8 index, u8 value) {
        chip.write(index_offset, index);
        chip.write(index_offset + 1, value);
    }
    void sequencer(u8 index, u8 value) { set(0x14, index, value); }
    void graphics(u8 index, u8 value) { set(0x1E, index, value); }
    void crtc(u8 index, u8 value) { set(0x24, index, value); }
    void attribute(u8 index, u8 value) {
        chip.read(0x2A);
        chip.write(0x10, index);
        chip.write(0x10, value);
    }
    void text(unsigned row, unsigned column, std::string_view characters) {
        for (const char c : characters) chip.write_memory(0x18000 + (row * 80 + column++) * 2, static_cast<u8>(c));
    }
    /// 640x480 in 16 colours (BIOS mode 12h), from mode 3's registers.
    void mode_12h() {
        chip.set_text_mode_3(make_plain_font());
        chip.write(0x12, 0xE3);
        sequencer(1, 0x01);
        sequencer(2, 0x0F);
        sequencer(4, 0x06);
        crtc(0x11, 0x0C);
        constexpr u8 kCrtc[] = {0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0,    0x40, 0,    0,   0,
                                0,    0,    0,    0xEA, 0x8C, 0xDF, 0x28, 0x00, 0xE7, 0x04, 0xE3, 0xFF};
        for (unsigned i = 0; i < std::size(kCrtc); ++i) crtc(static_cast<u8>(i), kCrtc[i]);
        graphics(5, 0x00);
        graphics(6, 0x05);
        attribute(0x10, 0x01);
        attribute(0x13, 0x00);
        chip.read(0x2A);
        chip.write(0x10, 0x20);
        for (unsigned i = 0; i < 0x10000; ++i) chip.write_memory(i, 0);
    }
    TestBoard board;
    RecordedLine line{board.scheduler};
    unsigned map_changes = 0;
    Vga chip{board.scheduler, {.interrupt = line.pin(), .memory_map_changed = [this] { ++map_changes; }}};
};

TEST_F(VgaTest, TextScreenFollowsMemoryAndStartAddress) {
    chip.set_text_mode_3(make_plain_font());
    text(0, 0, "Hello, VGA");
    text(2, 3, "\xDA\xC4\xBF \x01");
    const std::string screen = chip.text_screen(code_page_437_glyphs());
    EXPECT_EQ(screen.substr(0, 12), "Hello, VGA\n\n");
    EXPECT_NE(screen.find("\n   ┌─┐ ☺\n"), std::string::npos);
    EXPECT_EQ(std::count(screen.begin(), screen.end(), '\n'), 25);
    crtc(0x0D, 80);
    EXPECT_EQ(chip.text_screen(code_page_437_glyphs()).substr(0, 4), "\n   ");
    crtc(0x0C, 0);
    crtc(0x0D, 0);
    crtc(0x0E, 0);
    crtc(0x0F, 163);
    EXPECT_EQ(chip.cursor().row, 2u);
    EXPECT_EQ(chip.cursor().column, 3u);
    EXPECT_TRUE(chip.cursor().visible);
    crtc(0x0A, 0x20);
    EXPECT_FALSE(chip.cursor().visible);
}

TEST_F(VgaTest, AttributeBit3ChoosesTheSecond256Glyphs) {
    chip.set_text_mode_3(make_plain_font());
    text(0, 0, "AA");
    chip.memory().write(0x18003, 1, 0x0F);
    GlyphMeanings meanings = code_page_437_glyphs();
    meanings[256 + 'A'] = u'Ж';
    EXPECT_EQ(chip.text_screen(meanings).substr(0, 3), "AЖ");
    std::optional<TextFont> font = chip.text_font();
    EXPECT_TRUE(std::equal(&font->rows[0], &font->rows[8192], &font->rows[8192])) << "one font map for both";
    sequencer(3, 0x04);  // map A at 4000h of plane 2
    font = chip.text_font();
    EXPECT_EQ(font->rows['A' * 32 + 6], make_plain_font()['A' * 16 + 6]);
    EXPECT_EQ(std::count(&font->rows[8192], &font->rows[8192] + 8192, 0), 8192);
}

TEST_F(VgaTest, TextMemoryReadsBackThroughAllWidths) {
    chip.set_text_mode_3(make_plain_font());
    RegisterSpace memory = chip.memory();
    memory.write(0x18000, 8, 0x0748074507440743);
    EXPECT_EQ(memory.read(0x18000, 4), 0x07440743u);
    EXPECT_EQ(memory.peek(0x18006, 2), 0x0748u);
    EXPECT_EQ(memory.read(0x00000, 4), 0xFFFFFFFFu) << "A0000h does not decode in mode 3";
}

TEST_F(VgaTest, RendersGlyphsFromPlane2) {
    VgaFont font{};
    font['X' * 16 + 5] = 0x81;
    chip.set_text_mode_3(font);
    text(0, 0, "X");
    chip.write_memory(0x18001, 0x1E);
    const Frame frame = chip.render();
    ASSERT_EQ(frame.width, 720u);
    ASSERT_EQ(frame.height, 400u);
    EXPECT_EQ(frame.pixels[720 * 5 + 0], 0xFFFF55u) << "yellow";
    EXPECT_EQ(frame.pixels[720 * 5 + 1], 0x0000AAu) << "blue";
    EXPECT_EQ(frame.pixels[720 * 5 + 7], 0xFFFF55u);
    EXPECT_EQ(frame.pixels[720 * 5 + 8], 0x0000AAu) << "ninth dot is background";
}

TEST_F(VgaTest, IndexesMasksAndProtection) {
    chip.set_text_mode_3(make_plain_font());
    EXPECT_EQ(chip.read(0x1C), 0x67);
    sequencer(2, 0xFF);
    EXPECT_EQ(chip.read(0x15), 0x0F);
    crtc(0, 0x11);
    EXPECT_EQ(chip.read(0x25), 0x5F) << "CR11 protects CR0-CR7";
    crtc(7, 0xEF);
    EXPECT_EQ(chip.read(0x25), 0x0F) << "but not line compare bit 8";
    EXPECT_EQ(chip.read(0x05), 0xFF) << "colour: 3B5h does not answer";
    chip.write(0x12, 0x66);
    chip.write(0x04, 0x0A);
    EXPECT_EQ(chip.read(0x05), 0x0D);
}

TEST_F(VgaTest, AttributeFlipFlopAndPaletteLock) {
    chip.set_text_mode_3(make_plain_font());
    attribute(0x02, 0x3F);
    EXPECT_EQ(chip.read(0x11), 0x3F);
    EXPECT_EQ(chip.read(0x10), 0x02);
    attribute(0x22, 0x01);
    EXPECT_EQ(chip.read(0x11), 0x3F) << "the display owns the palette";
}

TEST_F(VgaTest, DacAutoIncrement) {
    chip.write(0x18, 10);
    for (const int value : {1, 2, 3, 4, 5, 0xFF}) chip.write(0x19, static_cast<u8>(value));
    EXPECT_EQ(chip.read(0x17), 0);
    chip.write(0x17, 10);
    EXPECT_EQ(chip.read(0x17), 3);
    for (const int value : {1, 2, 3, 4, 5, 0x3F}) EXPECT_EQ(chip.read(0x19), value);
}

TEST_F(VgaTest, RetraceFollowsTime) {
    chip.set_text_mode_3(make_plain_font());
    unsigned retraces = 0;
    u8 last = 0;
    for (; board.now() < 1'000'000'000; board.run_for(20'000)) {
        const u8 now = chip.read(0x2A);
        if ((now & ~last & 0x08) != 0) ++retraces;
        last = now;
    }
    EXPECT_NEAR(retraces, 70, 1) << "70.09 Hz";
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever) << "no events while nobody asked for the interrupt";
    crtc(0x11, 0x0E);  // clear
    crtc(0x11, 0x1E);  // enable
    board.run_for(15'000'000);
    EXPECT_TRUE(line.level);
    EXPECT_EQ(chip.read(0x12) & 0x80, 0x80);
    crtc(0x11, 0x0E);
    EXPECT_FALSE(line.level);
}

TEST_F(VgaTest, FramesAreTrueToTheDotClock) {
    chip.set_text_mode_3(make_plain_font());
    const auto retrace = [this] { return (chip.read(0x2A) & 0x08) != 0; };
    // 900 dots a line at 28.322 MHz, 449 lines; retrace from line 412 to 414 (CRTC 10h and 11h).
    constexpr double kLineNs = 900 / 28.322e6 * 1e9;
    constexpr double kFrameNs = 449 * kLineNs;
    for (const unsigned frame : {0u, 1u, 1000u}) {
        const double begin = frame * kFrameNs + 412 * kLineNs;
        board.run_until(static_cast<u64>(begin) - 2'000);
        EXPECT_FALSE(retrace()) << frame;
        board.run_until(static_cast<u64>(begin) + 2'000);
        EXPECT_TRUE(retrace()) << frame;
        board.run_until(static_cast<u64>(begin + 2 * kLineNs) - 2'000);
        EXPECT_TRUE(retrace()) << frame;
        board.run_until(static_cast<u64>(begin + 2 * kLineNs) + 2'000);
        EXPECT_FALSE(retrace()) << frame;
    }
    // Line 5 of frame 2000: shown for 720 dots of 900.
    const double shown = 2000 * kFrameNs + 5 * kLineNs;
    board.run_until(static_cast<u64>(shown + kLineNs * 0.79));
    EXPECT_EQ(chip.read(0x2A) & 1, 0);
    board.run_until(static_cast<u64>(shown + kLineNs * 0.81));
    EXPECT_EQ(chip.read(0x2A) & 1, 1);
    crtc(0x17, 0xA7);  // the vertical counter at half the rate: twice the lines
    EXPECT_EQ(chip.render().height, 800u);
    EXPECT_NE(chip.info().find("35 Hz"), std::string::npos) << chip.info();
}

TEST_F(VgaTest, TellsWhatItLeavesOut) {
    testing::internal::CaptureStderr();
    chip.write(0x13, 1);
    sequencer(1, 0x01);
    attribute(0x12, 0x0F);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    testing::internal::CaptureStderr();
    for (unsigned twice = 0; twice < 2; ++twice) {
        chip.write(0x13, 0);
        sequencer(1, 0x05);
        attribute(0x12, 0x1F);
    }
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 3) << said;
}

TEST_F(VgaTest, WriteModesAndLatches) {
    mode_12h();
    sequencer(2, 0x05);
    chip.write_memory(0, 0xF0);
    sequencer(2, 0x0F);
    for (const auto& [plane, value] : {std::pair<u8, u8>{0, 0xF0}, {1, 0x00}, {2, 0xF0}, {3, 0x00}}) {
        graphics(4, plane);
        EXPECT_EQ(chip.read_memory(0), value);
    }
    // Mode 0 with set/reset, rotation 4 and XOR through a bit mask.
    graphics(0, 0x02);
    graphics(1, 0x02);
    graphics(3, 0x1C);
    graphics(8, 0x3C);
    chip.read_memory(0);
    chip.write_memory(0, 0x0F);
    for (const auto& [plane, value] : {std::pair<u8, u8>{0, 0xC0}, {1, 0x3C}, {2, 0xC0}, {3, 0x30}}) {
        graphics(4, plane);
        EXPECT_EQ(chip.read_memory(0), value) << unsigned{plane};
    }
    // Mode 1 copies the latches.
    graphics(5, 1);
    chip.read_memory(0);
    chip.write_memory(100, 0x55);
    graphics(4, 1);
    EXPECT_EQ(chip.read_memory(100), 0x3C);
    // Mode 2: the value is a colour; mode 3: the value is a mask for set/reset.
    graphics(3, 0);
    graphics(5, 2);
    graphics(8, 0xFF);
    chip.write_memory(200, 0x0A);
    graphics(5, 3);
    graphics(0, 0x05);
    chip.read_memory(200);
    chip.write_memory(200, 0x0F);
    graphics(4, 1);
    EXPECT_EQ(chip.read_memory(200), 0xF0);
    graphics(4, 2);
    EXPECT_EQ(chip.read_memory(200), 0x0F);
    // Read mode 1 compares colours.
    graphics(5, 0x08);
    graphics(2, 0x0A);
    graphics(7, 0x0F);
    EXPECT_EQ(chip.read_memory(200), 0xF0);
}

TEST_F(VgaTest, RendersPlanarAndChained) {
    mode_12h();
    graphics(1, 0x0F);
    graphics(0, 0x0C);
    graphics(8, 0x40);
    chip.read_memory(80 * 2);
    chip.write_memory(80 * 2, 0);
    Frame frame = chip.render();
    ASSERT_EQ(frame.width, 640u);
    ASSERT_EQ(frame.height, 480u);
    EXPECT_EQ(frame.pixels[640 * 2 + 1], 0xFF5555u);
    EXPECT_EQ(frame.pixels[640 * 2], 0u);
    // 320x200 in 256 colours.
    graphics(1, 0);
    graphics(8, 0xFF);
    sequencer(4, 0x0E);
    graphics(5, 0x40);
    crtc(0x11, 0x0E);
    crtc(9, 0x41);
    crtc(0x14, 0x40);
    crtc(0x17, 0xA3);
    attribute(0x10, 0x41);
    chip.read(0x2A);
    chip.write(0x10, 0x20);
    chip.write_memory(320 * 3 + 5, 0x09);
    frame = chip.render();
    EXPECT_EQ(frame.pixels[640 * 6 + 10], frame.pixels[640 * 7 + 11]);
    EXPECT_NE(frame.pixels[640 * 6 + 10], 0u);
    EXPECT_EQ(frame.pixels[640 * 6 + 12], 0u);
}

TEST_F(VgaTest, ChangesOfTheTextPicture) {
    chip.set_text_mode_3(make_plain_font());
    crtc(0x0A, 0x20);  // no cursor
    Picture picture;
    EXPECT_TRUE(chip.render_changes(picture));
    EXPECT_FALSE(chip.render_changes(picture));
    const u64 version = chip.picture_version();
    chip.read(0x2A);
    chip.write(0x24, 0x0E);
    EXPECT_EQ(chip.picture_version(), version) << "neither shows";
    text(2, 0, "x");
    EXPECT_NE(chip.picture_version(), version);
    EXPECT_TRUE(chip.render_changes(picture));
    EXPECT_GE(picture.first_row, 32u);
    EXPECT_LE(picture.end_row, 48u);
    EXPECT_EQ(picture.frame.pixels, chip.render().pixels);
    text(2, 0, "x");
    EXPECT_FALSE(chip.render_changes(picture)) << "the same letter again";
    chip.write(0x18, 7);  // a colour of the palette
    for (int i = 0; i < 3; ++i) chip.write(0x19, 0x11);
    EXPECT_TRUE(chip.render_changes(picture));
    chip.memory_written(0);  // font and text through the linear frame buffer
    EXPECT_FALSE(chip.render_changes(picture));
    chip.linear_memory()[0] = 'Q';
    chip.memory_written(0);
    EXPECT_TRUE(chip.render_changes(picture));
}

TEST_F(VgaTest, BlinkingIsAChange) {
    chip.set_text_mode_3(make_plain_font());
    Picture picture;
    EXPECT_TRUE(chip.render_changes(picture));
    unsigned changes = 0;
    for (; board.now() < 1'000'000'000; board.run_for(5'000'000)) changes += chip.render_changes(picture) ? 1 : 0;
    EXPECT_EQ(changes, 8u) << "the cursor turns every 8 of 70 frames a second";
    EXPECT_EQ(picture.frame.pixels, chip.render().pixels);
}

TEST_F(VgaTest, FontsAreFound) {
    std::vector<u8> rom(8192, 0xCC);
    EXPECT_FALSE(find_rom_font(rom));
    VgaFont font = make_plain_font();
    constexpr u8 kFace[16] = {0, 0, 0x7E, 0x81, 0xA5, 0x81, 0x81, 0xBD, 0x99, 0x81, 0x81, 0x7E};
    std::copy(std::begin(kFace), std::end(kFace), font.begin() + 16);
    std::copy(font.begin(), font.end(), rom.begin() + 1000);
    const auto found = find_rom_font(rom);
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, font);
    rom.resize(3000);
    EXPECT_FALSE(find_rom_font(rom)) << "cut off";
}

TEST_F(VgaTest, KeepsItsState) {
    Vga twin(board.scheduler, {});
    mode_12h();
    chip.write_memory(77, 0x42);
    chip.read_memory(77);
    expect_faithful_state(chip, twin);
    EXPECT_GT(map_changes, 0u);
}

}  // namespace
}  // namespace bantam::devices
