// Linux' tables of what the glyphs of its console fonts mean, with pointers of either size, and what only looks like
// one.
#include "scenario/console_maps.h"

#include <gtest/gtest.h>

#include <cstring>

namespace bantam::scenario {
namespace {

constexpr char16_t kUnknown = 0xFFFD;

/// RAM with a table of ASCII, ä, ─ and characters that share glyphs; the parameter: bytes of a pointer.
class ConsoleMapsTest : public testing::TestWithParam<unsigned> {
protected:
    static constexpr u64 kRecord = 0x1040, kDirectory = 0x2000, kLines = 0x3000, kRowBytes = 128;

    ConsoleMapsTest() : ram_(0x10000) { add_table(kRecord, kDirectory, kLines, 0x8000); }

    /// Rows begin at `rows`.
    void add_table(u64 record, u64 directory, u64 lines, u64 rows) {
        pointer(record, 0, kBase + directory);
        pointer(record, 0x2500 >> 11, kBase + lines);
        rows_ = rows;
        for (unsigned code = 0x20; code < 0x7F; ++code) set(directory, code, code);
        set(directory, u'ä', 0x84);
        set(lines, u'─', 0xC4);
        pointer(record, 32, 1);
    }
    void set(u64 directory, unsigned code, unsigned glyph) {
        const unsigned number = code >> 6 & 31;
        if (read(directory, number) == 0) {
            std::fill_n(&ram_[rows_], kRowBytes, u8{0xFF});
            pointer(directory, number, kBase + rows_);
            rows_ += kRowBytes;
        }
        const auto half = static_cast<u16>(glyph);
        std::memcpy(&ram_[read(directory, number) - kBase + 2 * (code & 63)], &half, sizeof half);
    }
    u64 read(u64 table, unsigned number) const {
        u64 value = 0;
        std::memcpy(&value, &ram_[table + u64{number} * bytes_], bytes_);
        return value;
    }
    void pointer(u64 table, unsigned number, u64 value) {
        std::memcpy(&ram_[table + u64{number} * bytes_], &value, bytes_);
    }
    std::vector<ConsoleMap> search() const {
        const GuestRam ram(ram_);
        return search_console_maps(ram, 0, ram_.size());
    }

    /// Once more behind the rest of RAM, so often.
    void repeat_record(std::size_t count) {
        const std::vector<u8> record(ram_.begin() + kRecord, ram_.begin() + kRecord + 39 * bytes_);
        for (std::size_t i = 0; i < count; ++i) {
            ram_.resize(ram_.size() + step_);
            std::copy(record.begin(), record.end(), ram_.end() - static_cast<std::ptrdiff_t>(step_));
        }
    }

    const unsigned bytes_ = GetParam();
    const std::size_t step_ = bytes_ == 8 ? 320 : 192;
    const u64 kBase = bytes_ == 8 ? 0xFFFF9A4C40000000 : 0xC0000000;
    std::vector<u8> ram_;
    u64 rows_ = 0;
};

TEST_P(ConsoleMapsTest, TellsTheCharacterOfEachGlyph) {
    set(kDirectory, u'α', 'a' + 0x80);
    set(kDirectory, u'Ж', 300);
    const std::vector<ConsoleMap> maps = search();
    ASSERT_EQ(maps.size(), 1u);
    EXPECT_EQ(maps[0].address, kRecord);
    const auto& characters = maps[0].characters;
    EXPECT_EQ(characters['A'], u'A');
    EXPECT_EQ(characters[0x84], u'ä');
    EXPECT_EQ(characters[0xC4], u'─');
    EXPECT_EQ(characters[300], u'Ж');
    EXPECT_EQ(characters[0x85], kUnknown);
    EXPECT_EQ(character_of(maps, 300), u'Ж');
}

TEST_P(ConsoleMapsTest, OfSeveralCharactersTheUsualOneOrTheLowestIsMeant) {
    set(kDirectory, u'А', 'A');  // Cyrillic
    set(kDirectory, u'Α', 'A');  // Greek
    set(kDirectory, u'Ð', 0xB6);
    set(kDirectory, u'Đ', 0xB6);
    set(kLines, u'◈', 4);
    set(kLines, u'♦', 4);
    const auto characters = search().at(0).characters;
    EXPECT_EQ(characters['A'], u'A');
    EXPECT_EQ(characters[0xB6], u'Ð');
    EXPECT_EQ(characters[4], u'♦') << "as in code page 437";
}

TEST_P(ConsoleMapsTest, WhatIsNoCharacterOrNoGlyphIsLeftOut) {
    set(kDirectory, 0x1B, 0x90);
    set(kDirectory, 0x9F, 0x91);
    set(kDirectory, 0x100, 512);
    const u64 high = 0x4000;
    pointer(kRecord, 0xF000 >> 11, kBase + high);
    pointer(kRecord, 0xD800 >> 11, kBase + high + 0x800);
    set(high, 0xF000, 0x92);
    set(high + 0x800, 0xD800, 0x93);
    const auto characters = search().at(0).characters;
    for (const unsigned glyph : {0x90u, 0x91u, 0x92u, 0x93u}) EXPECT_EQ(characters.at(glyph), kUnknown) << glyph;
}

TEST_P(ConsoleMapsTest, RamMayBeginInAnyGiB) {
    const GuestRam high({}, ram_);
    const std::vector<ConsoleMap> maps = search_console_maps(high, PhysicalMemory::kHighRamBase, ram_.size());
    ASSERT_EQ(maps.size(), 1u);
    EXPECT_EQ(maps[0].address, PhysicalMemory::kHighRamBase + kRecord);
    EXPECT_EQ(maps[0].characters[0x84], u'ä');
}

TEST_P(ConsoleMapsTest, AChangedTableIsNoLongerCurrent) {
    const ConsoleMap map = search().at(0);
    EXPECT_TRUE(map.current(GuestRam(ram_)));
    pointer(kRecord, 33, 0x12345678);  // the sum
    EXPECT_FALSE(map.current(GuestRam(ram_)));
    EXPECT_FALSE(map.current(GuestRam(std::span<const u8>{}))) << "RAM is gone";
}

TEST_P(ConsoleMapsTest, TablesThatDifferLeaveAGlyphUnknown) {
    add_table(0x5000, 0x6000, 0x7000, 0xC000);
    set(0x6000, u'ß', 0x84);
    set(0x6000, u'ä', 0x90);
    set(0x6000, u'ö', 0x94);
    const std::vector<ConsoleMap> maps = search();
    ASSERT_EQ(maps.size(), 2u);
    EXPECT_EQ(character_of(maps, 0x84), kUnknown);
    EXPECT_EQ(character_of(maps, 0x94), u'ö') << "one alone knows it";
    EXPECT_EQ(character_of(maps, 0xC4), u'─') << "both say so";
}

TEST_P(ConsoleMapsTest, WhatOnlyLooksLikeATableIsNone) {
    const std::vector<u8> good = ram_;
    const auto refused = [&](const char* why) {
        EXPECT_TRUE(search().empty()) << why;
        ram_ = good;
    };
    set(kDirectory, 'Q', 0x80);
    refused("a letter elsewhere");
    set(kDirectory, '7', 0xFFFF);
    refused("a digit without a glyph");
    pointer(kRecord, 1, 0x1000);
    refused("a directory in user space");
    pointer(kRecord, 31, kBase + 0x3001);
    refused("a directory that is not aligned");
    pointer(kRecord, 31, kBase + ram_.size() - 8);
    refused("a directory that ends outside RAM");
    pointer(kDirectory, 31, kBase + ram_.size() - 2);
    refused("a row that ends outside RAM");
    ram_.resize(kRecord + 100);
    refused("a record that ends outside RAM");
    ASSERT_EQ(search().size(), 1u);
}

TEST_P(ConsoleMapsTest, OnlySoManyAreRead) {
    repeat_record(kMostConsoleMaps + 1);
    EXPECT_EQ(search().size(), kMostConsoleMaps);
}

TEST_P(ConsoleMapsTest, OnlySoManyAreLookedAt) {
    // So many bad ones, of which the record is the first, and a good one behind them.
    for (const std::size_t bad : {kMostConsoleMapTries - 1, kMostConsoleMapTries}) {
        add_table(kRecord, 0x4000, kLines, 0xA000);
        set(0x4000, 'z', 0);
        ram_.resize(0x10000);
        repeat_record(bad - 1);
        add_table(kRecord, kDirectory, kLines, 0x8000);
        repeat_record(1);
        pointer(kRecord, 0, kBase + 0x4000);
        EXPECT_EQ(search().size(), bad < kMostConsoleMapTries ? 1u : 0u);
    }
}

INSTANTIATE_TEST_SUITE_P(PointerBytes, ConsoleMapsTest, testing::Values(4u, 8u));

}  // namespace
}  // namespace bantam::scenario
