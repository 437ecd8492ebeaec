#include "scenario/grub_fonts.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace bantam::scenario {
namespace {

// grub_font: pointers to name, file and family, then 16 bits each
constexpr u64 kMostHeightAt = 18, kAscentAt = 20, kCountAt = 28, kIndexAt = 32, kFontBytes = 36;
// char_index_entry: code, storage flags (8 bits), offset in the file, pointer to the glyph or 0
constexpr u64 kEntryBytes = 16, kGlyphAt = 12;
// grub_font_glyph: pointer to the font, 16 bits each, then the dots without any padding, leftmost in the highest bit
constexpr u64 kWidthAt = 4, kHeightAt = 6, kLeftAt = 8, kAboveBaselineAt = 10, kAdvanceAt = 12, kDotsAt = 14;
constexpr u32 kMostCharacters = 0x110000;

class Reader {
public:
    explicit Reader(std::span<const u8> ram) : ram_(ram) {}

    [[nodiscard]] bool holds(u64 at, u64 bytes) const { return at <= ram_.size() && bytes <= ram_.size() - at; }
    /// 0 outside.
    [[nodiscard]] u32 word(u64 at) const { return read<u32>(at); }
    [[nodiscard]] unsigned half(u64 at) const { return read<u16>(at); }
    [[nodiscard]] int signed_half(u64 at) const { return static_cast<i16>(read<u16>(at)); }
    [[nodiscard]] bool dot(u64 at, u64 number) const { return (ram_[at + number / 8] >> (7 - number % 8) & 1) != 0; }

private:
    template <class T>
    [[nodiscard]] T read(u64 at) const {
        T value = 0;
        if (holds(at, sizeof value)) std::memcpy(&value, &ram_[at], sizeof value);
        return value;
    }
    std::span<const u8> ram_;
};

/// As gfxterm draws it into a cell: on the baseline, which lies `ascent` below the top. Nothing: no glyph of `font`, or
/// it does not lie within one cell.
std::optional<Font::Rows> cell_of(const Reader& ram, u64 glyph, u64 font, const GrubFont& cell, unsigned ascent) {
    const unsigned width = ram.half(glyph + kWidthAt), height = ram.half(glyph + kHeightAt);
    const int left = ram.signed_half(glyph + kLeftAt);
    const int top = static_cast<int>(ascent) - ram.signed_half(glyph + kAboveBaselineAt) - static_cast<int>(height);
    const bool within = left >= 0 && top >= 0 && static_cast<unsigned>(left) + width <= cell.width &&
                        static_cast<unsigned>(top) + height <= cell.height;
    if (ram.word(glyph) != font || ram.half(glyph + kAdvanceAt) != cell.width || !within) return std::nullopt;
    if (!ram.holds(glyph + kDotsAt, (u64{width} * height + 7) / 8)) return std::nullopt;
    Font::Rows rows{};
    for (unsigned y = 0; y < height; ++y) {
        for (unsigned x = 0; x < width; ++x) {
            if (!ram.dot(glyph + kDotsAt, u64{y} * width + x)) continue;
            rows.at(static_cast<unsigned>(top) + y) |= 1u << (cell.width - 1 - static_cast<unsigned>(left) - x);
        }
    }
    return rows;
}

/// The font whose index has the entry of 'A' at `entry`. So many `glyphs` may still be read.
std::optional<GrubFont> font_of(const Reader& ram, u64 entry, unsigned& glyphs) {
    const u32 letter = ram.word(entry + kGlyphAt);
    const u64 font = ram.word(letter);
    if (letter == 0 || font == 0 || !ram.holds(font, kFontBytes)) return std::nullopt;
    const unsigned ascent = ram.half(font + kAscentAt);
    const u32 count = ram.word(font + kCountAt);
    const u64 index = ram.word(font + kIndexAt);
    GrubFont found{.offset = font,
                   .width = ram.half(letter + kAdvanceAt),
                   .height = ram.half(font + kMostHeightAt),
                   .characters = {}};
    const bool sizes = found.width >= 4 && found.width <= Font::kMostWidth && found.height >= 4 &&
                       found.height <= Font::kMostHeight && ascent <= found.height;
    const bool ours = index <= entry && (entry - index) % kEntryBytes == 0 && (entry - index) / kEntryBytes < count;
    if (!sizes || !ours || count > kMostCharacters || !ram.holds(index, count * kEntryBytes)) return std::nullopt;
    u32 before = 0;
    for (u32 i = 0; i < count; ++i) {
        const u64 at = index + i * kEntryBytes;
        const u32 code = ram.word(at), glyph = ram.word(at + kGlyphAt);
        if (i != 0 && code <= before) return std::nullopt;
        before = code;
        if (glyph == 0 || code > 0xFFFF) continue;
        if (glyphs == 0) return std::nullopt;
        --glyphs;
        if (const auto rows = cell_of(ram, glyph, font, found, ascent))
            found.characters.push_back({static_cast<char16_t>(code), *rows});
    }
    return found;
}

}  // namespace

std::vector<GrubFont> search_grub_fonts(std::span<const u8> ram, u64 begin, u64 end) {
    const Reader reader(ram);
    std::vector<GrubFont> found;
    unsigned followed = 0, glyphs = kMostGlyphs;
    end = std::min<u64>(end, ram.size());
    for (u64 at = (begin + 3) & ~u64{3}; at + 4 <= end && followed < kMostIndexes; at += 4) {
        if (reader.word(at) != 'A') continue;
        bool letters = true;
        for (u32 letter = 'B'; letter <= 'Z' && letters; ++letter)
            letters = reader.word(at + (letter - 'A') * kEntryBytes) == letter;
        if (!letters) continue;
        ++followed;
        if (std::optional<GrubFont> font = font_of(reader, at, glyphs)) found.push_back(std::move(*font));
    }
    return found;
}

}  // namespace bantam::scenario
