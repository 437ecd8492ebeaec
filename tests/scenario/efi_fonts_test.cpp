// Fonts of UEFI firmware: packages in memory, and what only looks like one.
#include "scenario/efi_fonts.h"

#include <gtest/gtest.h>

namespace bantam::scenario {
namespace {

constexpr unsigned kHeight = 19;

void half(std::vector<u8>& bytes, std::size_t value) {
    bytes.push_back(static_cast<u8>(value));
    bytes.push_back(static_cast<u8>(value >> 8));
}

/// Row `y` of a narrow glyph, different in each.
u8 dots(char16_t code, unsigned y) { return static_cast<u8>(code + y); }

std::vector<u8> package(std::u16string_view narrow, std::u16string_view wide) {
    const std::size_t length = 8 + 22 * narrow.size() + 44 * wide.size();
    std::vector<u8> bytes;
    half(bytes, length & 0xFFFF);
    half(bytes, length >> 16 | 7 << 8);
    half(bytes, narrow.size());
    half(bytes, wide.size());
    for (const char16_t code : narrow) {
        half(bytes, code);
        bytes.push_back(0);
        for (unsigned y = 0; y < kHeight; ++y) bytes.push_back(dots(code, y));
    }
    for (const char16_t code : wide) {
        half(bytes, code);
        bytes.push_back(2);  // EFI_GLYPH_WIDE
        for (unsigned y = 0; y < kHeight; ++y) bytes.push_back(static_cast<u8>(0x80 + y));
        for (unsigned y = 0; y < kHeight; ++y) bytes.push_back(static_cast<u8>(y));
        bytes.insert(bytes.end(), 3, 0xFF);
    }
    return bytes;
}

const std::u16string kLetters = u"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

std::vector<u8> surrounded(const std::vector<u8>& package, std::size_t before = 64) {
    std::vector<u8> memory(before, 7);
    memory.insert(memory.end(), package.begin(), package.end());
    memory.insert(memory.end(), 64, 0);
    return memory;
}

std::size_t characters(const std::vector<u8>& memory) {
    Font::CharacterSet set = no_efi_characters();
    search_efi_fonts(memory, set);
    return set.single.size() + set.wide.size();
}

TEST(EfiFonts, APackage) {
    Font::CharacterSet set = no_efi_characters();
    search_efi_fonts(surrounded(package(kLetters + u"\u2500", u"\u65E5")), set);
    const Font font("test", set);
    EXPECT_EQ(font.width(), 8u);
    EXPECT_EQ(font.height(), kHeight);
    EXPECT_EQ(set.single.size(), 27u);
    for (const char16_t code : {u'A', u'\u2500'}) {
        Font::Rows rows{};
        for (unsigned y = 0; y < kHeight; ++y) rows.at(y) = dots(code, y);
        EXPECT_EQ(font.find(rows), code);
    }
    Font::Rows rows{};
    for (unsigned y = 0; y < kHeight; ++y) rows.at(y) = (0x80 + y) << 8 | y;
    EXPECT_EQ(font.find_wide(rows), u'\u65E5');
    EXPECT_EQ(font.cursor().first, 16u);
}

TEST(EfiFonts, SeveralPackagesAreOneFont) {
    std::vector<u8> memory = surrounded(package(kLetters, u""));
    const std::vector<u8> more = surrounded(package(u"\u00C4" + kLetters, u""));
    memory.resize(memory.size() & ~std::size_t{3});
    memory.insert(memory.end(), more.begin(), more.end());
    EXPECT_EQ(characters(memory), 26u + 27u);
}

TEST(EfiFonts, WhatIsNone) {
    const std::vector<u8> good = package(kLetters, u"");
    EXPECT_EQ(characters(surrounded(good)), 26u);
    EXPECT_EQ(characters(surrounded(good, 66)), 0u) << "not aligned";
    EXPECT_EQ(characters(good), 26u) << "to the end of memory";
    EXPECT_EQ(characters({good.begin(), good.end() - 1}), 0u) << "cut off";
    EXPECT_EQ(characters(surrounded(package(kLetters.substr(1), u""))), 0u) << "A is missing";
    for (const std::size_t at : {0u, 3u, 4u, 6u}) {
        std::vector<u8> bad = good;
        ++bad[at];
        EXPECT_EQ(characters(surrounded(bad)), 0u) << at;
    }
    EXPECT_EQ(characters({}), 0u);
    EXPECT_EQ(characters(std::vector<u8>(8, 7)), 0u);
}

TEST(EfiFonts, MemoryFullOfThem) {
    std::vector<u8> memory;
    std::u16string many(0xFFFF, u'x');
    many.replace(0, kLetters.size(), kLetters);
    const std::vector<u8> one = package(many, u"");
    for (int i = 0; i < 6; ++i) {
        memory.insert(memory.end(), one.begin(), one.end());
        memory.resize((memory.size() + 3) & ~std::size_t{3});
    }
    EXPECT_EQ(characters(memory), 4u * 0xFFFF) << "kMostEfiGlyphs";
}

}  // namespace
}  // namespace bantam::scenario
