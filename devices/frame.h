// Frame: the picture a display adapter sends to its monitor.
#pragma once

#include <array>
#include <vector>

#include "base/types.h"

namespace bantam::devices {

struct Frame {
    unsigned width = 0;
    unsigned height = 0;
    std::vector<u32> pixels;  // row by row, 0x00RRGGBB
};

/// What a text mode draws its cells with, in dots of the picture. Glyphs from 256 up are those of characters with
/// attribute bit 3 set: others, or the same once more.
struct TextFont {
    unsigned cell_width = 0, cell_height = 0;
    unsigned glyph_height = 0;  // rows of a glyph that show
    static constexpr unsigned kGlyphs = 512, kGlyphRows = 32;
    std::array<u8, kGlyphs * kGlyphRows> rows{};  // leftmost dot in bit 7
};
/// The character that each glyph of a TextFont stands for.
using GlyphMeanings = std::array<char16_t, TextFont::kGlyphs>;

/// What a viewer has of the picture. It belongs to one Vga; start a new one for another.
struct Picture {
    Frame frame;
    u64 version = 0;  // Vga::picture_version() when `frame` was drawn; 0: not yet
    /// Rows that the last Vga::render_changes() drew anew.
    unsigned first_row = 0, end_row = 0;
};

}  // namespace bantam::devices
