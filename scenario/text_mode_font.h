// What the glyphs of a VGA text mode stand for. Code page 437 is certain of no font but the PC's own: programs load
// others (Linux' setfont, national code pages of DOS). Of those a glyph is known by Linux' own table or by its shape.
#pragma once

#include <span>
#include <vector>

#include "devices/frame.h"
#include "scenario/console_maps.h"
#include "scenario/font_search.h"

namespace bantam::scenario {

/// Fonts of the PC's character set, to compare with.
class PcFonts {
public:
    PcFonts();

    /// Learns from the ROMs. Where they have no font so high, `font` itself is one if it has the face (font_search.h):
    /// there may be no firmware, or it unpacks its fonts.
    void learn(const PhysicalMemory& memory, const devices::TextFont& font);

    /// U+FFFD: not known. Codes of ASCII are ASCII in every font.
    [[nodiscard]] devices::GlyphMeanings meanings(const devices::TextFont& font,
                                                  std::span<const ConsoleMap> maps) const;

private:
    void add(const FoundFont& font);
    [[nodiscard]] char16_t meaning(std::span<const u8> shape, unsigned glyph, std::span<const ConsoleMap> maps) const;

    std::vector<FoundFont> fonts_;
};

}  // namespace bantam::scenario
