#include "scenario/grub_fonts.h"

#include <algorithm>
#include <array>
#include <optional>

namespace bantam::scenario {
namespace {

/// Where things are in GRUB's records, which begin with pointers or are aligned for them.
struct Records {
    unsigned pointer_bytes;
    // grub_font: pointers to name, file and family, then 16 bits each, the count of characters, and their index
    u64 most_height, ascent, count, index, font_bytes;
    // char_index_entry: code, storage flags (8 bits), offset in the file, pointer to the glyph or 0
    u64 entry_bytes, glyph;
    // grub_font_glyph: pointer to the font, 16 bits each, then the dots without any padding
    u64 width, height, left, above_baseline, advance, dots;
};
constexpr std::array kRecords{
    Records{4, 18, 20, 28, 32, 36, 16, 12, 4, 6, 8, 10, 12, 14},
    Records{8, 30, 32, 40, 48, 56, 24, 16, 8, 10, 12, 14, 16, 18},
};
constexpr u32 kMostCharacters = 0x110000;
constexpr unsigned kCursorRows = 2;  // draw_cursor() in GRUB's term/gfxterm.c: below the baseline

/// Follows the records of one size.
class FontReader {
public:
    /// So many `glyphs` may still be read.
    FontReader(const GuestRam& ram, const Records& records, unsigned& glyphs)
        : ram_(ram), records_(records), glyphs_(glyphs) {}

    /// The letters' entries follow each other from `entry` on.
    [[nodiscard]] bool letters_at(u64 entry) const {
        for (u32 letter = 'A'; letter <= 'Z'; ++letter) {
            if (ram_.word(entry + (letter - 'A') * records_.entry_bytes) != letter) return false;
        }
        return true;
    }

    /// The font whose index has the entry of 'A' at `entry`.
    [[nodiscard]] std::optional<GrubFont> font_of(u64 entry) {
        const u64 letter = pointer(entry + records_.glyph), font = pointer(letter);
        if (letter == 0 || font == 0 || !ram_.holds(font, records_.font_bytes)) return std::nullopt;
        const unsigned ascent = ram_.half(font + records_.ascent);
        const u32 count = ram_.word(font + records_.count);
        const u64 index = pointer(font + records_.index);
        GrubFont found{.address = font, .characters = {}};
        Font::CharacterSet& set = found.characters;
        set.width = ram_.half(letter + records_.advance);
        set.height = ram_.half(font + records_.most_height);
        const bool sizes = set.width >= 4 && set.width <= Font::kMostWidth && set.height >= 4 &&
                           set.height <= Font::kMostHeight && ascent <= set.height;
        const bool ours = index <= entry && (entry - index) % records_.entry_bytes == 0 &&
                          (entry - index) / records_.entry_bytes < count;
        if (!sizes || !ours || count > kMostCharacters || !ram_.holds(index, count * records_.entry_bytes))
            return std::nullopt;
        set.cursor = {.first = std::min(ascent, set.height - kCursorRows), .rows = kCursorRows};
        return read_glyphs(index, count, ascent, found) ? std::optional(std::move(found)) : std::nullopt;
    }

private:
    [[nodiscard]] u64 pointer(u64 address) const { return ram_.pointer(address, records_.pointer_bytes); }

    [[nodiscard]] bool read_glyphs(u64 index, u32 count, unsigned ascent, GrubFont& found) {
        u32 before = 0;
        for (u32 i = 0; i < count; ++i) {
            const u64 entry = index + i * records_.entry_bytes;
            const u32 code = ram_.word(entry);
            const u64 glyph = pointer(entry + records_.glyph);
            if (i != 0 && code <= before) return false;
            before = code;
            if (glyph == 0 || code > 0xFFFF) continue;
            if (glyphs_ == 0) return false;
            --glyphs_;
            if (pointer(glyph) != found.address) continue;
            add_glyph(glyph, static_cast<char16_t>(code), ascent, found.characters);
        }
        return true;
    }

    /// As gfxterm draws it into its cells: on the baseline, which lies `ascent` below the top. Without effect where it
    /// does not lie within one or two of them.
    void add_glyph(u64 glyph, char16_t code, unsigned ascent, Font::CharacterSet& set) const {
        const unsigned width = ram_.half(glyph + records_.width), height = ram_.half(glyph + records_.height);
        const unsigned advance = ram_.half(glyph + records_.advance);
        const unsigned cells = advance == set.width ? 1 : 2;
        const int left = ram_.signed_half(glyph + records_.left);
        const int top =
            static_cast<int>(ascent) - ram_.signed_half(glyph + records_.above_baseline) - static_cast<int>(height);
        const unsigned room = cells * set.width;
        const bool within = left >= 0 && top >= 0 && static_cast<unsigned>(left) + width <= room &&
                            static_cast<unsigned>(top) + height <= set.height;
        if (advance != room || room > Font::kMostWidth || !within) return;
        if (!ram_.holds(glyph + records_.dots, (u64{width} * height + 7) / 8)) return;
        Font::Character character{code, {}};
        for (unsigned y = 0; y < height; ++y) {
            for (unsigned x = 0; x < width; ++x) {
                if (!ram_.bit(glyph + records_.dots, u64{y} * width + x)) continue;
                character.rows.at(static_cast<unsigned>(top) + y) |= 1u << (room - 1 - static_cast<unsigned>(left) - x);
            }
        }
        (cells == 1 ? set.single : set.wide).push_back(character);
    }

    const GuestRam& ram_;
    const Records& records_;
    unsigned& glyphs_;
};

}  // namespace

std::vector<GrubFont> search_grub_fonts(const GuestRam& ram, u64 address, u64 bytes) {
    std::vector<GrubFont> found;
    unsigned followed = 0, glyphs = kMostGlyphs;
    for (u64 at = (address + 3) & ~u64{3}; at + 4 <= address + bytes && followed < kMostIndexes; at += 4) {
        if (ram.word(at) != 'A') continue;
        for (const Records& records : kRecords) {
            FontReader reader(ram, records, glyphs);
            if (!reader.letters_at(at)) continue;
            ++followed;
            if (std::optional<GrubFont> font = reader.font_of(at)) found.push_back(std::move(*font));
        }
    }
    return found;
}

}  // namespace bantam::scenario
