#include "frontend/window/panel.h"

#include <algorithm>
#include <iterator>

#include "devices/code_page_437.h"
#include "frontend/window/utf8.h"

namespace bantam::frontend {

std::string to_glyphs(std::string_view utf8) {
    std::string glyphs;
    while (!utf8.empty()) {
        const char32_t character = take_character(utf8);
        const auto& table = devices::kCodePage437;
        const auto* found = std::find(std::next(table.begin(), ' '), table.end(), character);
        glyphs += found == table.end() ? '?' : static_cast<char>(found - table.begin());
    }
    return glyphs;
}

std::string shorten(std::string glyphs, std::size_t columns, Keep keep) {
    constexpr std::string_view kDots = "...";
    if (glyphs.size() <= columns) return glyphs;
    if (columns <= kDots.size()) return glyphs.substr(0, columns);
    const std::size_t kept = columns - kDots.size();
    if (keep == Keep::end) return std::string(kDots) + glyphs.substr(glyphs.size() - kept);
    return glyphs.substr(0, kept) + std::string(kDots);
}

Panel::Panel(const Glyphs& glyphs, unsigned width, unsigned height)
    : glyphs_(glyphs), frame_{.width = width, .height = height, .pixels = std::vector<u32>(width * height)} {}

void Panel::fill(unsigned x, unsigned y, unsigned width, unsigned height, u32 colour) {
    for (unsigned row = y; row < y + height; ++row)
        std::fill_n(frame_.pixels.begin() + row * frame_.width + x, width, colour);
}

void Panel::text(unsigned x, unsigned y, std::string_view glyphs, u32 colour) {
    for (const char glyph : glyphs) {
        if (x + kGlyphWidth > frame_.width) return;
        const unsigned first = static_cast<u8>(glyph) * kGlyphHeight;
        for (unsigned row = 0; row < kGlyphHeight; ++row) {
            u32* to = &frame_.pixels[(y + row) * frame_.width + x];
            for (unsigned dot = 0; dot < kGlyphWidth; ++dot) {
                if ((glyphs_[first + row] << dot & 0x80) != 0) to[dot] = colour;
            }
        }
        x += kGlyphWidth;
    }
}

}  // namespace bantam::frontend
