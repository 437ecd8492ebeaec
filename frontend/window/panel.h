// Panel: what Bantam itself draws into its window: filled rectangles, and text by the 8x16 font of the VGA BIOS.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/types.h"
#include "devices/frame.h"

namespace bantam::frontend {

/// 256 glyphs of code page 437, 16 rows each, leftmost dot in bit 7.
using Glyphs = std::array<u8, 256 * 16>;

/// UTF-8 as code page 437, a byte a glyph: '?' for what it lacks, control characters and what is no UTF-8. The text may
/// come from anywhere, so this is also what makes it harmless.
std::string to_glyphs(std::string_view utf8);

/// `glyphs` in at most so many columns, with "..." for what was left out: the end, or the beginning.
enum class Keep { beginning, end };
std::string shorten(std::string glyphs, std::size_t columns, Keep keep = Keep::beginning);

class Panel {
public:
    static constexpr unsigned kGlyphWidth = 8, kGlyphHeight = 16;

    Panel(const Glyphs& glyphs, unsigned width, unsigned height);

    /// All of it must lie inside.
    void fill(unsigned x, unsigned y, unsigned width, unsigned height, u32 colour);
    /// Text in code page 437, clipped at the right edge.
    void text(unsigned x, unsigned y, std::string_view glyphs, u32 colour);
    [[nodiscard]] devices::Frame& frame() { return frame_; }

private:
    const Glyphs& glyphs_;
    devices::Frame frame_;
};

}  // namespace bantam::frontend
