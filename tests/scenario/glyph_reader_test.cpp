// Text out of pictures: fonts of several sizes, colours, cursors, places of the grid, pictures around, doubled dots,
// characters of two cells.
#include "scenario/glyph_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "devices/vga.h"

namespace bantam::scenario {
namespace {

constexpr u32 kBlack = 0, kGrey = 0xAAAAAA, kBlue = 0x0000AA, kWhite = 0xFFFFFF;

const devices::VgaFont& plain() {
    static const devices::VgaFont font = devices::make_plain_font();
    return font;
}
Font font_8x16() { return Font("plain", {}, plain()); }

class Canvas {
public:
    Canvas(unsigned width, unsigned height, u32 colour = kBlack) {
        frame.width = width;
        frame.height = height;
        frame.pixels.assign(std::size_t{width} * height, colour);
    }
    u32& at(unsigned x, unsigned y) { return frame.pixels.at(std::size_t{y} * frame.width + x); }
    /// Draws the dots of the characters; those of the background only if it has a colour.
    void text(unsigned x, unsigned y, std::string_view characters, u32 ink, std::optional<u32> paper = kBlack) {
        for (const char c : characters) {
            for (unsigned row = 0; row < 16; ++row) {
                const u8 dots = plain()[static_cast<unsigned char>(c) * 16u + row];
                for (unsigned column = 0; column < 8; ++column) {
                    if ((dots >> (7 - column) & 1) != 0) {
                        at(x + column, y + row) = ink;
                    } else if (paper) {
                        at(x + column, y + row) = *paper;
                    }
                }
            }
            x += 8;
        }
    }
    [[nodiscard]] devices::Frame doubled() const {
        devices::Frame twice{.width = frame.width * 2, .height = frame.height * 2, .pixels = {}};
        for (unsigned y = 0; y < twice.height; ++y) {
            for (unsigned x = 0; x < twice.width; ++x)
                twice.pixels.push_back(frame.pixels[std::size_t{y / 2} * frame.width + x / 2]);
        }
        return twice;
    }
    devices::Frame frame;
};

TEST(GlyphReader, ReadsCellsOfTwoColoursEitherWayRound) {
    const Font font = font_8x16();
    Canvas canvas(80, 64);
    canvas.text(0, 0, "GRUB 2", kGrey);
    canvas.text(8, 16, "marked", kBlack, kWhite);
    canvas.text(0, 48, "\xB3\xC4", kBlue);
    const GlyphText read = read_glyphs(canvas.frame, font, 0, 0);
    EXPECT_EQ(read.text, "GRUB 2\n marked\n\n│─");
    EXPECT_EQ(read.letters, 11u);
    EXPECT_EQ(read.unknown, 0u);
}

TEST(GlyphReader, AWrongDotIsNoCharacter) {
    const Font font = font_8x16();
    Canvas canvas(32, 16);
    canvas.text(0, 0, "abc", kGrey);
    canvas.at(9, 1) = kGrey;
    const GlyphText read = read_glyphs(canvas.frame, font, 0, 0);
    EXPECT_EQ(read.text, "a\uFFFDc");
    EXPECT_EQ(read.unknown, 1u);
}

TEST(GlyphReader, LooksThroughTheCursorOfAFrameBufferConsole) {
    const Font font = font_8x16();
    Canvas canvas(48, 16);
    canvas.text(0, 0, "# x", kGrey);
    for (unsigned x = 24; x < 32; ++x) canvas.at(x, 14) = canvas.at(x, 15) = kGrey;
    EXPECT_EQ(read_glyphs(canvas.frame, font, 0, 0).text, "# x");
}

/// ASCII of the plain font, a cursor of three rows, and two characters of two cells: one's left half is blank, the
/// other's looks like 'A'.
Font font_with_wide() {
    Font::CharacterSet set{.width = 8, .height = 16, .cursor = {.first = 13, .rows = 3}, .single = {}, .wide = {}};
    for (char16_t code = u' '; code <= u'~'; ++code) {
        Font::Rows rows{};
        for (unsigned y = 0; y < 16; ++y) rows.at(y) = plain()[code * 16u + y];
        set.single.push_back({code, rows});
    }
    Font::Rows right{}, letter{}, blank{};
    right[4] = 0x005A;
    for (unsigned y = 0; y < 16; ++y) letter.at(y) = u32{plain()['A' * 16u + y]} << 8 | 1;
    set.wide = {{u'\u65E5', right}, {u'\u672C', letter}, {u'\u3000', blank}};
    return Font("wide", set);
}

TEST(GlyphReader, CharactersOfTwoCells) {
    const Font font = font_with_wide();
    Canvas canvas(80, 32);
    canvas.text(0, 0, "A", kGrey);
    for (unsigned x : {25u, 27u, 28u, 30u}) canvas.at(x, 4) = kGrey;  // 5Ah in the right half of 16 dots from 16 on
    canvas.text(32, 0, "A", kGrey);
    for (unsigned y = 0; y < 16; ++y) canvas.at(47, y) = kGrey;
    canvas.text(48, 0, "BA", kGrey);
    const GlyphText read = read_glyphs(canvas.frame, font, 0, 0);
    EXPECT_EQ(read.text, "A 日本BA\n");
    EXPECT_EQ(read.wide, (std::vector<std::size_t>{2, 5}));
    EXPECT_EQ(read.unknown, 0u);
    for (unsigned x = 32; x < 48; ++x) {
        for (unsigned y = 13; y < 16; ++y) canvas.at(x, y) ^= kGrey;
    }
    EXPECT_EQ(read_glyphs(canvas.frame, font, 0, 0).text, "A 日本BA\n") << "under the cursor";
    canvas.at(40, 8) ^= kGrey;
    EXPECT_EQ(read_glyphs(canvas.frame, font, 0, 0).text, "A 日A\uFFFDBA\n") << "a wrong dot in its right half";
}

TEST(GlyphReader, FindsTheGridOverAPicture) {
    const Font font = font_8x16();
    Canvas canvas(320, 200);
    for (unsigned y = 0; y < 200; ++y) {
        for (unsigned x = 0; x < 320; ++x) canvas.at(x, y) = x * 7 << 16 | y * 5 << 8 | (x ^ y);
    }
    canvas.text(21, 35, "Boot menu", kWhite, std::nullopt);
    canvas.text(21, 51, "Install", kWhite, std::nullopt);
    EXPECT_EQ(read_glyphs(canvas.frame, {&font}, {}, false).font, nullptr) << "not in the corner";
    const GlyphText read = read_glyphs(canvas.frame, {&font}, {}, true);
    ASSERT_EQ(read.font, &font);
    EXPECT_EQ(read.grid.x % 8, 21u % 8);
    EXPECT_EQ(read.grid.y % 16, 35u % 16);
    EXPECT_NE(read.text.find("Boot menu\n"), std::string::npos);
    EXPECT_NE(read.text.find("Install\n"), std::string::npos);
    canvas.text(21, 67, "Rescue", kWhite, std::nullopt);
    EXPECT_NE(read_glyphs(canvas.frame, {&font}, read, false).text.find("Rescue"), std::string::npos)
        << "where it was the last time";
}

TEST(GlyphReader, ReadsDoubledDots) {
    const Font font = font_8x16();
    Canvas canvas(320, 200);
    canvas.text(8, 16, "320x200", kWhite);
    const GlyphText read = read_glyphs(canvas.doubled(), {&font}, {}, false);
    EXPECT_EQ(read.text.substr(0, 9), "\n 320x200");
    EXPECT_EQ(read.grid, (CellGrid{.x = 0, .y = 0, .width = 16, .height = 32}));
}

TEST(GlyphReader, OfFontsThatResembleEachOtherItTakesTheBetter) {
    devices::VgaFont other = plain();
    other['m' * 16 + 9] ^= 0x10;
    const Font right = font_8x16(), like("like it", {}, other);
    Canvas canvas(160, 32);
    canvas.text(0, 0, "Memory", kGrey);
    const GlyphText first = read_glyphs(canvas.frame, {&like, &right}, {}, false);
    EXPECT_EQ(first.font, &right);
    EXPECT_TRUE(first.fits());
    const GlyphText alone = read_glyphs(canvas.frame, {&like}, {}, false);
    EXPECT_EQ(alone.text, "Me\uFFFDory\n");
    EXPECT_FALSE(alone.fits());
    EXPECT_EQ(read_glyphs(canvas.frame, {&like, &right}, alone, false).font, &right) << "though another was last";
}

TEST(GlyphReader, TakesTheFontThatFitsAndNoneIfNoneDoes) {
    devices::VgaFont bold = plain();
    for (u8& row : bold) row = static_cast<u8>(row | row >> 1);
    const Font right = font_8x16(), wrong("bold", {}, bold);
    Canvas canvas(160, 32);
    canvas.text(0, 0, "login: root", kGrey);
    EXPECT_EQ(read_glyphs(canvas.frame, {&wrong, &right}, {}, true).font, &right);
    EXPECT_EQ(read_glyphs(canvas.frame, {&wrong}, {}, true).font, nullptr);
    EXPECT_EQ(read_glyphs(Canvas(160, 32).frame, {&right}, {}, true).font, nullptr) << "nothing to read";
    EXPECT_EQ(read_glyphs(Canvas(3, 3).frame, right, 0, 0).text, "") << "smaller than a cell";
}

}  // namespace
}  // namespace bantam::scenario
