// GRUB's fonts in memory: their records as GRUB has them with pointers of either size, and all that may be wrong with
// those.
#include "scenario/grub_fonts.h"

#include <gtest/gtest.h>

#include <cstring>

namespace bantam::scenario {
namespace {

constexpr u64 kHigh = PhysicalMemory::kHighRamBase;

/// RAM with the font at kFont, its index at kIndex and glyphs from kGlyphs on, the parameter bytes a pointer.
class GrubFontsTest : public testing::TestWithParam<unsigned> {
protected:
    static constexpr u64 kFont = 0x1000, kIndex = 0x2000, kGlyphs = 0x8000;
    static constexpr u32 kCodes = 0x80, kLine = 0x2501, kWide = 0x4E00;

    GrubFontsTest() : ram_(0x10000) {
        half(most_height, 16);
        half(ascent, 14);
        word(count, kCodes + 2);
        pointer(index, base_ + kIndex);
        for (u32 code = 0; code < kCodes; ++code) word(entry(code), code);
        word(entry(kCodes), kLine);
        word(entry(kCodes + 1), kWide);
        for (const u32 code : {u32{' '}, u32{'A'}, u32{'_'}, kCodes, kCodes + 1})
            pointer(glyph_of(code), base_ + glyph_at(code));
        glyph(' ', 0, 0, 0, 0, 8, {});
        glyph('A', 3, 2, 1, 0, 8, {0b101'011'00});
        glyph('_', 7, 1, 1, -1, 8, {0xFE});
        glyph(kCodes, 8, 1, 0, 5, 8, {0xFF});
        glyph(kCodes + 1, 14, 1, 1, 0, 16, {0xFF, 0xFC});
    }
    const unsigned bytes_ = GetParam();  // of a pointer
    const bool wide_ = bytes_ == 8;
    // of grub_font
    const u64 most_height = kFont + (wide_ ? 30 : 18), ascent = kFont + (wide_ ? 32 : 20);
    const u64 count = kFont + (wide_ ? 40 : 28), index = kFont + (wide_ ? 48 : 32);

    u64 entry(u32 number) const { return kIndex + (wide_ ? 24 : 16) * number; }
    u64 glyph_of(u32 number) const { return entry(number) + (wide_ ? 16 : 12); }
    static u64 glyph_at(u32 number) { return kGlyphs + u64{32} * number; }
    /// A field of it by its place behind the pointer.
    u64 field(u32 number, u64 at) const { return glyph_at(number) + bytes_ + at; }
    void word(u64 at, u32 value) { std::memcpy(&ram_[at], &value, sizeof value); }
    void pointer(u64 at, u64 value) { std::memcpy(&ram_[at], &value, bytes_); }
    void half(u64 at, int value) {
        const auto bits = static_cast<u16>(value);
        std::memcpy(&ram_[at], &bits, sizeof bits);
    }
    void glyph(u32 number, int width, int height, int left, int above, int advance, std::vector<u8> dots) {
        pointer(glyph_at(number), base_ + kFont);
        half(field(number, 0), width);
        half(field(number, 2), height);
        half(field(number, 4), left);
        half(field(number, 6), above);
        half(field(number, 8), advance);
        std::copy(dots.begin(), dots.end(), ram_.begin() + static_cast<std::ptrdiff_t>(field(number, 10)));
    }
    [[nodiscard]] std::vector<GrubFont> search() const { return search_grub_fonts(GuestRam(ram_), 0, ram_.size()); }
    /// The codes that are known, those of two cells last.
    [[nodiscard]] std::u16string known() const {
        std::u16string codes;
        for (const GrubFont& font : search()) {
            for (const auto* set : {&font.characters.single, &font.characters.wide}) {
                for (const Font::Character& character : *set) codes += character.code;
            }
        }
        return codes;
    }

    u64 base_ = 0;  // where RAM lies
    std::vector<u8> ram_;
};
INSTANTIATE_TEST_SUITE_P(PointerBytes, GrubFontsTest, testing::Values(4u, 8u));

TEST_P(GrubFontsTest, CharactersLieInTheirCells) {
    const std::vector<GrubFont> found = search();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].address, kFont);
    EXPECT_EQ(found[0].characters.width, 8u);
    EXPECT_EQ(found[0].characters.height, 16u);
    EXPECT_EQ(known(), u" A_\u2501\u4E00") << "but not those that were not read";
    const Font font("test", found[0].characters);
    EXPECT_EQ(font.cursor().first, 14u);
    EXPECT_EQ(font.cursor().rows, 2u);
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
    rows = {};
    rows[13] = 0x7FFE;
    EXPECT_EQ(font.find_wide(rows), u'\u4E00') << "of two cells";
    EXPECT_EQ(font.find(rows), std::nullopt);
}

TEST_P(GrubFontsTest, OnlyWhereItIsLookedFor) {
    EXPECT_EQ(search_grub_fonts(GuestRam(ram_), 0, kIndex).size(), 0u);
    EXPECT_EQ(search_grub_fonts(GuestRam(ram_), kIndex + 1, kGlyphs).size(), 1u);
    EXPECT_EQ(search_grub_fonts(GuestRam(ram_), kIndex, ram_.size()).size(), 1u) << "beyond the end of RAM";
}

TEST_P(GrubFontsTest, GlyphsThatAreNone) {
    pointer(glyph_of('_'), 0xFFFFFFF0);
    EXPECT_EQ(known(), u" A\u2501\u4E00") << "outside RAM";
    pointer(glyph_of('_'), ram_.size() - 14);
    EXPECT_EQ(known(), u" A\u2501\u4E00");
    pointer(glyph_of('_'), glyph_at(kCodes) + 2);
    EXPECT_EQ(known(), u" A\u2501\u4E00") << "of another font";
    half(field(' ', 4), -1);
    half(field(kCodes, 6), -3);
    half(field(kCodes + 1, 0), 16);
    EXPECT_EQ(known(), u"A") << "beyond their cells";
}

TEST_P(GrubFontsTest, ACellThatIsTooLargeForTwo) {
    half(field('A', 8), 24);
    for (const u32 code : {u32{' '}, u32{'_'}, kCodes}) half(field(code, 8), 24);
    half(field(kCodes + 1, 8), 48);
    EXPECT_EQ(known(), u" A_\u2501") << "two cells have more dots than a row can hold";
}

TEST_P(GrubFontsTest, RecordsThatAreNone) {
    const std::vector<u8> good = ram_;
    const auto without = [&](u64 at, u32 value) {
        ram_ = good;
        word(at, value);
        return search().size();
    };
    EXPECT_EQ(without(entry('Z'), 'z'), 0u);
    EXPECT_EQ(without(glyph_of('A'), 0), 0u) << "not read";
    EXPECT_EQ(without(glyph_of('A'), 0xFFFFFFFF), 0u);
    EXPECT_EQ(without(glyph_at('A'), 0xFFFFFFF0), 0u);
    EXPECT_EQ(without(entry(5), 3), 0u) << "codes do not rise";
    EXPECT_EQ(without(count, 0x40), 0u) << "'A' is not in it";
    EXPECT_EQ(without(count, 0xFFFFFFFF), 0u);
    EXPECT_EQ(without(count, 0x10000), 0u) << "longer than RAM";
    EXPECT_EQ(without(index, kIndex + 4), 0u);
    EXPECT_EQ(without(most_height - 2, 16u | 33u << 16), 0u) << "too tall";
    EXPECT_EQ(without(ascent, 17), 0u);
    EXPECT_EQ(without(ascent, 14), 1u);
}

/// On UEFI GRUB may lie above 4 GiB.
class HighGrubFontsTest : public GrubFontsTest {};
INSTANTIATE_TEST_SUITE_P(PointerBytes, HighGrubFontsTest, testing::Values(8u));

TEST_P(HighGrubFontsTest, BehindTheHole) {
    base_ = kHigh;
    pointer(index, base_ + kIndex);
    for (const u32 code : {u32{' '}, u32{'A'}}) {
        pointer(glyph_of(code), base_ + glyph_at(code));
        pointer(glyph_at(code), base_ + kFont);
    }
    const std::vector<u8> low(0x1000);
    const GuestRam ram(low, ram_);
    EXPECT_EQ(ram.address_of(0xFFF), 0xFFFu);
    EXPECT_EQ(ram.address_of(0x1000), kHigh);
    const std::vector<GrubFont> found = search_grub_fonts(ram, kHigh, ram_.size());
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].address, kHigh + kFont);
    EXPECT_EQ(found[0].characters.single.size(), 2u);
}

}  // namespace
}  // namespace bantam::scenario
