// GRUB's fonts in memory: their records as GRUB has them, and all that may be wrong with those.
#include "scenario/grub_fonts.h"

#include <gtest/gtest.h>

#include <cstring>

namespace bantam::scenario {
namespace {

/// RAM with the font at kFont, its index at kIndex and glyphs from kGlyphs on.
class GrubFontsTest : public testing::Test {
protected:
    static constexpr u64 kFont = 0x1000, kIndex = 0x2000, kGlyphs = 0x8000;
    static constexpr u32 kCodes = 0x80, kLine = 0x2501, kWide = 0x4E00;

    GrubFontsTest() : ram_(0x10000) {
        half(kFont + 18, 16);  // the tallest character
        half(kFont + 20, 14);  // ascent
        word(kFont + 28, kCodes + 2);
        word(kFont + 32, kIndex);
        for (u32 code = 0; code < kCodes; ++code) word(entry(code), code);
        word(entry(kCodes), kLine);
        word(entry(kCodes + 1), kWide);
        for (const u32 code : {u32{' '}, u32{'A'}, u32{'_'}, kCodes, kCodes + 1})
            word(entry(code) + 12, glyph_at(code));
        glyph(' ', 0, 0, 0, 0, 8, {});
        glyph('A', 3, 2, 1, 0, 8, {0b101'011'00});
        glyph('_', 7, 1, 1, -1, 8, {0xFE});
        glyph(kCodes, 8, 1, 0, 5, 8, {0xFF});
        glyph(kCodes + 1, 16, 1, 0, 0, 16, {0xFF, 0xFF});
    }
    static u64 entry(u32 number) { return kIndex + 16 * number; }
    static u32 glyph_at(u32 number) { return static_cast<u32>(kGlyphs + 32 * number); }
    void word(u64 at, u32 value) { std::memcpy(&ram_[at], &value, sizeof value); }
    void half(u64 at, int value) {
        const auto bits = static_cast<u16>(value);
        std::memcpy(&ram_[at], &bits, sizeof bits);
    }
    void glyph(u32 number, int width, int height, int left, int above, int advance, std::vector<u8> dots) {
        const u64 at = glyph_at(number);
        word(at, kFont);
        half(at + 4, width);
        half(at + 6, height);
        half(at + 8, left);
        half(at + 10, above);
        half(at + 12, advance);
        std::copy(dots.begin(), dots.end(), ram_.begin() + static_cast<std::ptrdiff_t>(at + 14));
    }
    [[nodiscard]] std::vector<GrubFont> search() const { return search_grub_fonts(ram_, 0, ram_.size()); }
    /// The codes that are known.
    [[nodiscard]] std::u16string known() const {
        std::u16string codes;
        for (const GrubFont& font : search()) {
            for (const Font::Character& character : font.characters) codes += character.code;
        }
        return codes;
    }

    std::vector<u8> ram_;
};

TEST_F(GrubFontsTest, CharactersLieInTheirCells) {
    const std::vector<GrubFont> found = search();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].offset, kFont);
    EXPECT_EQ(found[0].width, 8u);
    EXPECT_EQ(found[0].height, 16u);
    EXPECT_EQ(known(), u" A_\u2501") << "neither those that were not read nor those of two cells";
    const Font font("test", found[0].width, found[0].height, found[0].characters);
    Font::Rows rows{};
    EXPECT_EQ(font.find(rows), u' ');
    rows[12] = 0b0101'0000;
    rows[13] = 0b0011'0000;
    EXPECT_EQ(font.find(rows), u'A') << "its dots have no padding, and it stands on the baseline";
    rows = {};
    rows[14] = 0x7F;
    EXPECT_EQ(font.find(rows), u'_') << "below the baseline";
    rows = {};
    rows[8] = 0xFF;
    EXPECT_EQ(font.find(rows), u'\u2501');
}

TEST_F(GrubFontsTest, OnlyWhereItIsLookedFor) {
    EXPECT_EQ(search_grub_fonts(ram_, 0, kIndex).size(), 0u);
    EXPECT_EQ(search_grub_fonts(ram_, kIndex + 1, kGlyphs).size(), 1u);
    EXPECT_EQ(search_grub_fonts(ram_, kIndex, u64{1} << 40).size(), 1u);
}

TEST_F(GrubFontsTest, GlyphsThatAreNone) {
    word(entry('_') + 12, 0xFFFFFFF0);
    EXPECT_EQ(known(), u" A\u2501") << "outside RAM";
    word(entry('_') + 12, static_cast<u32>(ram_.size() - 14));
    EXPECT_EQ(known(), u" A\u2501");
    word(entry('_') + 12, glyph_at(kCodes) + 2);
    EXPECT_EQ(known(), u" A\u2501") << "of another font";
    half(glyph_at(' ') + 8, -1);
    half(glyph_at(kCodes) + 10, -3);
    EXPECT_EQ(known(), u"A") << "beyond their cells";
}

TEST_F(GrubFontsTest, RecordsThatAreNone) {
    const std::vector<u8> good = ram_;
    const auto without = [&](u64 at, u32 value) {
        ram_ = good;
        word(at, value);
        return search().size();
    };
    EXPECT_EQ(without(entry('Z'), 'z'), 0u);
    EXPECT_EQ(without(entry('A') + 12, 0), 0u) << "not read";
    EXPECT_EQ(without(entry('A') + 12, 0xFFFFFFFF), 0u);
    EXPECT_EQ(without(glyph_at('A'), 0xFFFFFFF0), 0u);
    EXPECT_EQ(without(entry(5), 3), 0u) << "codes do not rise";
    EXPECT_EQ(without(kFont + 28, 0x40), 0u) << "'A' is not in it";
    EXPECT_EQ(without(kFont + 28, 0xFFFFFFFF), 0u);
    EXPECT_EQ(without(kFont + 28, 0x10000), 0u) << "longer than RAM";
    EXPECT_EQ(without(kFont + 32, kIndex + 4), 0u);
    EXPECT_EQ(without(kFont + 16, 16u | 33u << 16), 0u) << "too tall";
    EXPECT_EQ(without(kFont + 20, 17), 0u) << "ascent";
    EXPECT_EQ(without(kFont + 20, 14), 1u);
}

}  // namespace
}  // namespace bantam::scenario
