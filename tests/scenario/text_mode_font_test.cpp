// What glyphs of a VGA text mode mean: those of the PC's own font, of fonts with a table of Linux', and of others.
#include "scenario/text_mode_font.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "devices/vga.h"

namespace bantam::scenario {
namespace {

using devices::TextFont;
constexpr char16_t kUnknown = 0xFFFD;
constexpr unsigned kHeight = 16;

class TextModeFontTest : public testing::Test {
protected:
    TextModeFontTest() {
        const devices::VgaFont plain = devices::make_plain_font();
        for (unsigned glyph = 0; glyph < TextFont::kGlyphs; ++glyph)
            std::copy_n(&plain[glyph % 256 * kHeight], kHeight, &font_.rows[glyph * TextFont::kGlyphRows]);
    }
    /// A shape like no other's, in both halves or one.
    void redraw(unsigned glyph, u8 what) {
        for (unsigned y = 0; y < kHeight; ++y)
            font_.rows.at(glyph * TextFont::kGlyphRows + y) = static_cast<u8>(what ^ (y % 3 * 0x1B));
    }
    void redraw_both(unsigned glyph, u8 what) {
        redraw(glyph, what);
        redraw(glyph + 256, what);
    }
    static ConsoleMap map_of(unsigned glyph, char16_t character) {
        ConsoleMap map;
        map.characters.fill(kUnknown);
        map.characters.at(glyph) = character;
        return map;
    }

    TextFont font_{.cell_width = 8, .cell_height = kHeight, .glyph_height = kHeight, .rows = {}};
    PcFonts pc_;
};

TEST_F(TextModeFontTest, ThePcsOwnFontIsCodePage437) {
    const devices::GlyphMeanings meanings = pc_.meanings(font_, {});
    EXPECT_EQ(meanings['A'], u'A');
    EXPECT_EQ(meanings[0xC4], u'─');
    EXPECT_EQ(meanings[256 + 0xC4], u'─');
    EXPECT_EQ(meanings[0], u' ');
}

TEST_F(TextModeFontTest, AnotherShapeIsUnknownButForAscii) {
    redraw_both(0x84, 0x5A);
    redraw_both('A', 0xA5);
    const devices::GlyphMeanings meanings = pc_.meanings(font_, {});
    EXPECT_EQ(meanings[0x84], kUnknown);
    EXPECT_EQ(meanings['A'], u'A');
    EXPECT_EQ(meanings[0xC4], u'─') << "still the same";
}

TEST_F(TextModeFontTest, LinuxTellsWhatGlyphsMean) {
    redraw_both(0x84, 0x5A);
    const ConsoleMap maps[] = {map_of(0x84, u'ø')};
    EXPECT_EQ(pc_.meanings(font_, maps)[0x84], u'ø');
    EXPECT_EQ(pc_.meanings(font_, maps)[256 + 0x84], u'ø') << "bit 3 of the attribute is the colour's";
}

TEST_F(TextModeFontTest, TheSecondHalfMayHaveOtherGlyphs) {
    redraw(256 + 'A', 0x5A);
    redraw(256 + 'B', 0xA5);
    const ConsoleMap maps[] = {map_of(256 + 'A', u'Ж')};
    const devices::GlyphMeanings meanings = pc_.meanings(font_, maps);
    EXPECT_EQ(meanings['A'], u'A');
    EXPECT_EQ(meanings[256 + 'A'], u'Ж');
    EXPECT_EQ(meanings[256 + 'B'], kUnknown);
}

TEST_F(TextModeFontTest, AShapeIsKnownAtAnotherCode) {
    for (const unsigned half : {0u, 256u})
        std::copy_n(&font_.rows[0xC4 * TextFont::kGlyphRows], kHeight,
                    &font_.rows[(half + 0xD0) * TextFont::kGlyphRows]);
    EXPECT_EQ(pc_.meanings(font_, {})[0xD0], u'─');
    const ConsoleMap maps[] = {map_of(0xD0, u'—')};
    EXPECT_EQ(pc_.meanings(font_, maps)[0xD0], u'—') << "Linux knows better";
}

TEST_F(TextModeFontTest, TheTopOfACharacterIsEnoughAtItsOwnCode) {
    font_.glyph_height = 9;
    EXPECT_EQ(pc_.meanings(font_, {})[0xC4], u'─');
    redraw_both(0xC4, 0x5A);
    EXPECT_EQ(pc_.meanings(font_, {})[0xC4], kUnknown);
}

/// Glyphs of 32 rows as a PC's font begins: nothing, the face, ASCII.
TextFont font_with_face() {
    TextFont font{.cell_width = 8, .cell_height = kHeight, .glyph_height = kHeight, .rows = {}};
    for (unsigned glyph = 1; glyph < TextFont::kGlyphs; ++glyph) {
        u8* rows = &font.rows[glyph * TextFont::kGlyphRows];
        if (glyph % 256 != ' ') rows[3] = static_cast<u8>(glyph), rows[4] = 0x81;
    }
    constexpr u8 kFace[] = {0, 0, 0x7E, 0x81, 0xA5, 0x81, 0x81, 0xBD, 0x99, 0x81, 0x81, 0x7E};
    std::copy(std::begin(kFace), std::end(kFace), &font.rows[TextFont::kGlyphRows]);
    return font;
}

TEST_F(TextModeFontTest, WithoutAFontInRomTheFirstWithTheFaceIsThePcs) {
    const std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(u64{1} << 20).value());
    const TextFont first = font_with_face();
    EXPECT_EQ(pc_.meanings(first, {})[0xE1], kUnknown);
    pc_.learn(*memory, first);
    EXPECT_EQ(pc_.meanings(first, {})[0xE1], u'ß');
    redraw_both(0xE1, 0x5A);
    pc_.learn(*memory, font_);
    EXPECT_EQ(pc_.meanings(font_, {})[0xE1], kUnknown) << "no face";
}

}  // namespace
}  // namespace bantam::scenario
