// The meanings of a PC's own font, for tests that read text modes.
#pragma once

#include "devices/code_page_437.h"
#include "devices/frame.h"

namespace bantam::devices {

inline GlyphMeanings code_page_437_glyphs() {
    GlyphMeanings meanings{};
    for (unsigned glyph = 0; glyph < meanings.size(); ++glyph) meanings.at(glyph) = kCodePage437.at(glyph % 256);
    return meanings;
}

}  // namespace bantam::devices
