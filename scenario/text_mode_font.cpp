#include "scenario/text_mode_font.h"

#include <algorithm>

#include "devices/code_page_437.h"
#include "devices/vga.h"

namespace bantam::scenario {
namespace {

constexpr unsigned kHalf = devices::TextFont::kGlyphs / 2;
constexpr unsigned kRows = devices::TextFont::kGlyphRows;
constexpr char16_t kUnknown = 0xFFFD;

std::span<const u8> shape_of(const devices::TextFont& font, unsigned glyph) {
    return std::span(font.rows).subspan(std::size_t{glyph} * kRows, std::min(font.glyph_height, kRows));
}

/// Whether a character of `font` begins with these rows.
bool begins(const FoundFont& font, unsigned code, std::span<const u8> rows) {
    const std::size_t at = std::size_t{code} * font.layout.height;
    if (font.layout.height < rows.size() || font.glyphs.size() < at + rows.size()) return false;
    return std::equal(rows.begin(), rows.end(), font.glyphs.begin() + static_cast<std::ptrdiff_t>(at));
}

/// The first 256 glyphs without gaps, as in memory.
std::vector<u8> packed(const devices::TextFont& font) {
    std::vector<u8> glyphs;
    for (unsigned glyph = 0; glyph < kHalf; ++glyph) {
        const std::span<const u8> shape = shape_of(font, glyph);
        glyphs.insert(glyphs.end(), shape.begin(), shape.end());
    }
    return glyphs;
}

}  // namespace

/// The one that Bantam loads where there is neither firmware nor a VGA BIOS.
PcFonts::PcFonts() {
    const devices::VgaFont plain = devices::make_plain_font();
    add({.offset = 0, .layout = {}, .glyphs = {plain.begin(), plain.end()}});
}

void PcFonts::add(const FoundFont& font) {
    const auto same = [&](const FoundFont& known) { return known.glyphs == font.glyphs; };
    if (font.layout.characters == Font::Characters::code_page_437 && fonts_.size() < kMostFonts &&
        std::none_of(fonts_.begin(), fonts_.end(), same))
        fonts_.push_back(font);
}

void PcFonts::learn(const PhysicalMemory& memory, const devices::TextFont& font) {
    bool in_rom = false;
    for (const FoundFont& found : find_rom_fonts(memory)) {
        in_rom |= found.layout.height >= font.glyph_height;
        add(found);
    }
    if (in_rom) return;
    for (const FoundFont& found : search_fonts(packed(font))) {
        if (found.offset == 0 && found.layout.height == font.glyph_height) add(found);
    }
}

devices::GlyphMeanings PcFonts::meanings(const devices::TextFont& font, std::span<const ConsoleMap> maps) const {
    const bool one_map = std::equal(font.rows.begin(), font.rows.begin() + font.rows.size() / 2,
                                    font.rows.begin() + font.rows.size() / 2);
    devices::GlyphMeanings meanings{};
    for (unsigned glyph = 0; glyph < meanings.size(); ++glyph)
        meanings.at(glyph) = meaning(shape_of(font, glyph), one_map ? glyph % kHalf : glyph, maps);
    return meanings;
}

char16_t PcFonts::meaning(std::span<const u8> shape, unsigned glyph, std::span<const ConsoleMap> maps) const {
    if (glyph >= 0x20 && glyph <= 0x7E) return static_cast<char16_t>(glyph);
    const unsigned code = glyph % kHalf;
    for (const FoundFont& font : fonts_) {
        if (begins(font, code, shape)) return devices::kCodePage437.at(code);
    }
    if (const char16_t character = character_of(maps, glyph); character != kUnknown) return character;
    for (const FoundFont& font : fonts_) {
        for (unsigned other = 0; font.layout.height == shape.size() && other < kHalf; ++other) {
            if (begins(font, other, shape)) return devices::kCodePage437.at(other);
        }
    }
    return kUnknown;
}

}  // namespace bantam::scenario
