// Fonts in memory: those of the PC's character set, those that Linux has loaded, and what only looks like one.
#include "scenario/font_search.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace bantam::scenario {
namespace {

/// Different shapes for all codes, a blank space and, for the PC's character set, the face.
std::vector<u8> make_glyphs(unsigned count, unsigned height, bool face) {
    std::vector<u8> glyphs(std::size_t{count} * height);
    for (unsigned code = 1; code < count; ++code) {
        if (code == ' ') continue;
        glyphs[code * height] = static_cast<u8>(code);
        glyphs[code * height + height - 1] = static_cast<u8>(0x80 | code >> 4);
    }
    if (!face) return glyphs;
    constexpr u8 kFace[] = {0x7E, 0x81, 0xA5, 0x81, 0x81, 0xBD, 0x99, 0x81, 0x81, 0x7E};
    constexpr u8 kSmall[] = {0x7E, 0x81, 0xA5, 0x81, 0xBD, 0x99, 0x81, 0x7E};
    std::fill_n(glyphs.begin() + height, height, u8{0});
    if (height == 8) {
        std::copy(std::begin(kSmall), std::end(kSmall), glyphs.begin() + height);
    } else {
        std::copy(std::begin(kFace), std::end(kFace), glyphs.begin() + height + 2);
    }
    return glyphs;
}

void put_words(std::vector<u8>& memory, std::size_t at, const std::array<u32, 4>& words) {
    std::memcpy(&memory[at], words.data(), sizeof words);
}

u32 kernel_crc(const std::vector<u8>& bytes) {
    return ~static_cast<u32>(::crc32(0xFFFFFFFF, bytes.data(), static_cast<uInt>(bytes.size())));
}

TEST(FontSearch, FindsFontsByTheFace) {
    std::vector<u8> memory(40'000, 0xCC);
    const std::vector<u8> large = make_glyphs(256, 16, true), small = make_glyphs(256, 8, true);
    std::copy(large.begin(), large.end(), memory.begin() + 123);
    std::copy(small.begin(), small.end(), memory.begin() + 20'000);
    const std::vector<FoundFont> found = search_fonts(memory);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].offset, 20'000u);
    EXPECT_EQ(found[0].layout.height, 8u);
    EXPECT_EQ(found[1].offset, 123u);
    EXPECT_EQ(found[1].layout.height, 16u);
    EXPECT_EQ(found[1].glyphs, large);
}

TEST(FontSearch, FindsHalfAFontAtTheEnd) {
    std::vector<u8> memory(100, 0xCC);
    const std::vector<u8> half = make_glyphs(128, 8, true);
    memory.insert(memory.end(), half.begin(), half.end());
    const std::vector<FoundFont> found = search_fonts(memory);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].glyphs.size(), 128u * 8);
    memory.pop_back();
    EXPECT_TRUE(search_fonts(memory).empty()) << "less than half";
}

TEST(FontSearch, AFaceAloneIsNoFont) {
    std::vector<u8> memory(40'000);
    const std::vector<u8> glyphs = make_glyphs(256, 16, true);
    std::copy_n(glyphs.begin(), 64, memory.begin() + 1000);
    EXPECT_TRUE(search_fonts(memory).empty());
    std::vector<u8> filled = glyphs;
    filled[' ' * 16 + 3] = 1;
    EXPECT_TRUE(search_fonts(filled).empty()) << "no blank space";
}

TEST(FontSearch, FindsWhatLinuxHasLoadedByItsChecksum) {
    const std::vector<u8> glyphs = make_glyphs(512, 14, false);
    std::vector<u8> memory(20'000, 0x11);
    put_words(memory, 400, {kernel_crc(glyphs), 512, 512 * 14, 2});
    std::copy(glyphs.begin(), glyphs.end(), memory.begin() + 416);
    const std::vector<FoundFont> found = search_fonts(memory);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].offset, 416u);
    EXPECT_EQ(found[0].layout.height, 14u);
    EXPECT_EQ(found[0].layout.characters, Font::Characters::ascii);
    memory[5000] ^= 1;
    EXPECT_TRUE(search_fonts(memory).empty()) << "another checksum";
}

TEST(FontSearch, LinuxMayNotSayHowManyGlyphsThereAre) {
    for (const unsigned count : {256u, 512u}) {
        std::vector<u8> glyphs = make_glyphs(count, 16, false);
        for (unsigned code = 0; code < count; ++code) {
            if (code != ' ') glyphs[code * 16 + 8] = 0x18;
        }
        std::vector<u8> memory(30'000, 0x11);
        put_words(memory, 4096, {kernel_crc(glyphs), 0, count * 16, 2});
        std::copy(glyphs.begin(), glyphs.end(), memory.begin() + 4112);
        const std::vector<FoundFont> found = search_fonts(memory);
        ASSERT_EQ(found.size(), 1u) << count;
        EXPECT_EQ(found[0].offset, 4112u);
        EXPECT_EQ(found[0].layout.height, 16u) << count;
        EXPECT_EQ(found[0].glyphs.size(), count * 16);
        EXPECT_TRUE(search_fonts(std::span(memory).subspan(4)).empty()) << "not where the kernel allocates memory";
    }
}

TEST(FontSearch, LinuxTablesSayWhatTheGlyphsMean) {
    const std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(u64{1} << 20).value());
    const std::vector<u8> glyphs = make_glyphs(256, 14, false);
    std::vector<u8> header(16);
    put_words(header, 0, {kernel_crc(glyphs), 256, 256 * 14, 2});
    memory->copy_in({0x8000}, header);
    memory->copy_in({0x8010}, glyphs);
    ConsoleMap map;
    map.characters.fill(0xFFFD);
    map.characters[0x84] = u'ø';
    const std::vector<Font> fonts = find_guest_fonts(*memory, std::span(&map, 1));
    ASSERT_EQ(fonts.size(), 1u);
    Font::Rows rows{};
    rows[0] = 0x84, rows[13] = 0x88;
    EXPECT_EQ(fonts[0].find(rows), u'ø');
    rows[0] = 0x85;
    EXPECT_EQ(fonts[0].find(rows), 0xFFFD);
    rows[0] = 'A', rows[13] = 0x84;
    EXPECT_EQ(fonts[0].find(rows), u'A');
}

TEST(FontSearch, WideRowsHaveTwoBytes) {
    std::vector<u8> glyphs(std::size_t{256} * 40);
    for (unsigned code = 1; code < 256; ++code) {
        glyphs[code * 40] = static_cast<u8>(code);
        glyphs[code * 40 + 1] = 0xC0;  // dots 8 and 9
    }
    std::vector<u8> memory(12'000);
    put_words(memory, 0, {kernel_crc(glyphs), 256, 256 * 40, 1});
    std::copy(glyphs.begin(), glyphs.end(), memory.begin() + 16);
    const std::vector<FoundFont> found = search_fonts(memory);
    ASSERT_EQ(found.size(), 5u) << "10 dots, or up to 6 blank ones more";
    EXPECT_EQ(found[0].layout.width, 10u);
    EXPECT_EQ(found[0].layout.height, 20u);
    Font::Rows rows{};
    rows[0] = 'A' << 2 | 3;
    EXPECT_EQ(Font("wide", found[0].layout, found[0].glyphs).find(rows), u'A');
}

TEST(FontSearch, HeadersThatLieAreRefused) {
    std::vector<u8> memory(4096);
    put_words(memory, 16, {0, 256, 0, 0});
    put_words(memory, 64, {0, 512, ~u32{0}, 0});
    put_words(memory, 128, {0, 256, 256 * 65, 0});
    put_words(memory, 4080, {0, 256, 256 * 16, 0});
    EXPECT_TRUE(search_fonts(memory).empty());
    EXPECT_TRUE(search_fonts({}).empty());
}

TEST(FontSearch, OnlySoManySumsAreComputed) {
    const std::vector<u8> glyphs = make_glyphs(256, 16, false);
    const std::size_t headers = kMostSums * 16;
    std::vector<u8> memory(headers + 16 + glyphs.size());
    for (std::size_t at = 0; at < headers; at += 16) put_words(memory, at, {1, 256, 256 * 8, 1});
    put_words(memory, headers, {kernel_crc(glyphs), 256, 256 * 16, 1});
    std::copy(glyphs.begin(), glyphs.end(), memory.begin() + static_cast<std::ptrdiff_t>(headers + 16));
    EXPECT_TRUE(search_fonts(memory).empty()) << "one header too many before it";
    EXPECT_EQ(search_fonts(std::span(memory).subspan(16)).size(), 1u);
}

TEST(FontSearch, OnlySoManyFontsAreTaken) {
    std::vector<u8> glyphs(std::size_t{256} * 40, 0);
    std::vector<u8> memory;
    for (unsigned i = 0; i < 7; ++i) {  // each fits five widths
        glyphs[40] = static_cast<u8>(i + 1);
        std::vector<u8> font(16);
        put_words(font, 0, {kernel_crc(glyphs), 256, 256 * 40, 1});
        memory.insert(memory.end(), font.begin(), font.end());
        memory.insert(memory.end(), glyphs.begin(), glyphs.end());
    }
    EXPECT_EQ(search_fonts(memory).size(), kMostFonts);
}

}  // namespace
}  // namespace bantam::scenario
