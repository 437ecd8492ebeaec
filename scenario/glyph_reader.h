// Glyph reader: text out of a picture, exactly: a cell, or two, show a character if their dots are the character's in
// some font, in one colour before anything else. Cells lie in a grid; where it begins may have to be searched for.
// Pictures whose dots are doubled (320x200 modes on a VGA) are read as if they were not.
#pragma once

#include <string>
#include <vector>

#include "devices/frame.h"
#include "scenario/font.h"

namespace bantam::scenario {

/// Where the cells lie, in dots of the picture.
struct CellGrid {
    unsigned x = 0, y = 0;           // of the first cell
    unsigned width = 0, height = 0;  // of a cell
    bool operator==(const CellGrid&) const = default;
};

struct GlyphText {
    std::string text = {};               // UTF-8, lines joined by \n; unknown glyphs are U+FFFD
    std::size_t letters = 0;             // letters and digits of ASCII, and characters of two cells
    std::size_t unknown = 0;             // cells of two colours that are no character
    std::vector<std::size_t> wide = {};  // where in `text` characters of two cells begin, rising
    const Font* font = nullptr;
    CellGrid grid = {};

    /// Hardly anything is unknown: it is this font, and not one that resembles it.
    [[nodiscard]] bool fits() const { return unknown * 50 <= letters; }
};

/// The text in `frame` by `font` with cells from x, y on (in dots before any doubling).
[[nodiscard]] GlyphText read_glyphs(const devices::Frame& frame, const Font& font, unsigned x, unsigned y);

/// The text in `frame` by the font that fits best, its cells beginning in the corner or, if `anywhere`, at any place;
/// without letters when none fits. `last` is tried first: it is taken while it fits.
[[nodiscard]] GlyphText read_glyphs(const devices::Frame& frame, const std::vector<const Font*>& fonts,
                                    const GlyphText& last, bool anywhere);

}  // namespace bantam::scenario
