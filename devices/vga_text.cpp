// Vga's text mode as text: screen contents as UTF-8, the cursor, and the state a BIOS leaves after setting mode 3.
#include <algorithm>

#include "base/bits.h"
#include "devices/code_page_437.h"
#include "devices/vga.h"

namespace bantam::devices {
namespace {

// Register values of mode 3 with 400 scan lines, IBM PS/2 Technical Reference, "BIOS video mode tables".
constexpr u8 kMode3MiscOutput = 0x67;
constexpr std::array<u8, 5> kMode3Sequencer{0x03, 0x00, 0x03, 0x00, 0x02};
constexpr std::array<u8, 25> kMode3Crtc{0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00,
                                        0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF};
constexpr std::array<u8, 9> kMode3Graphics{0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x00, 0xFF};
constexpr std::array<u8, 21> kMode3Attribute{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A,
                                             0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x0C, 0x00, 0x0F, 0x08, 0x00};

}  // namespace

Vga::Cursor Vga::cursor() const {
    const Geometry g = geometry();
    Cursor c;
    if (graphics() || g.row_bytes == 0) return c;
    const u32 location = static_cast<u32>(r_.crtc[0x0E] << 8 | r_.crtc[0x0F]);
    const u32 relative = (location - g.start) & 0xFFFF;
    c.row = relative / g.row_bytes;
    c.column = relative % g.row_bytes + static_cast<unsigned>(bits(r_.crtc[0x0B], 5, 2));
    const unsigned first = r_.crtc[0x0A] & 0x1F, last = r_.crtc[0x0B] & 0x1F;
    const bool on_screen = c.column < g.columns && c.row < g.rows;
    c.visible = !bit(r_.crtc[0x0A], 5) && first <= last && first < g.character_height && on_screen;
    return c;
}

std::optional<TextFont> Vga::text_font() const {
    if (graphics()) return std::nullopt;
    const Geometry g = geometry();
    TextFont font{
        .cell_width = g.character_width, .cell_height = g.row_lines, .glyph_height = g.character_height, .rows = {}};
    auto row = font.rows.begin();
    for (const u32 base : {font_b_base(), font_a_base()}) {
        for (unsigned i = 0; i < font.rows.size() / 2; ++i) *row++ = plane_byte(base + i, 2);
    }
    return font;
}

std::string Vga::text_screen(const GlyphMeanings& meanings) const {
    std::string text;
    if (graphics()) return text;
    const Geometry g = geometry();
    const std::vector<ScanLine> lines = scan_lines(g);
    for (unsigned row = 0; row < g.rows; ++row) {
        const std::size_t begin = text.size();
        std::size_t end = begin;  // behind the last character that is not blank
        for (unsigned column = 0; column < g.columns; ++column) {
            const Cell cell = cell_at(lines[row * g.row_lines], column);
            const bool font_a = bit(plane_byte(cell.address, 1), 3);
            const char16_t code = meanings[plane_byte(cell.address, 0) + (font_a ? TextFont::kGlyphs / 2 : 0)];
            append_utf8(text, code);
            if (code != u' ') end = text.size();
        }
        text.resize(end);
        text += '\n';
    }
    return text;
}

void Vga::set_text_mode_3(const VgaFont& font) {
    r_ = {};
    r_.misc_output = kMode3MiscOutput;
    std::copy(kMode3Sequencer.begin(), kMode3Sequencer.end(), r_.sequencer.begin());
    std::copy(kMode3Crtc.begin(), kMode3Crtc.end(), r_.crtc.begin());
    std::copy(kMode3Graphics.begin(), kMode3Graphics.end(), r_.graphics.begin());
    std::copy(kMode3Attribute.begin(), kMode3Attribute.end(), r_.attribute.begin());
    r_.attribute_index = 0x20;
    // The EGA's 64 colours: bits 2-0 are the strong, bits 5-3 the weak red, green, blue.
    for (unsigned colour = 0; colour < 64; ++colour) {
        for (unsigned component = 0; component < 3; ++component) {
            const unsigned level = (bit(colour, 2 - component) ? 2u : 0u) + (bit(colour, 5 - component) ? 1u : 0u);
            r_.dac[colour * 3 + component] = static_cast<u8>(level * 0x15);
        }
    }
    clear_memory();
    for (unsigned cell = 0; cell < 0x4000; ++cell) {
        memory_[cell * 8] = ' ';
        memory_[cell * 8 + 1] = 0x07;
    }
    for (unsigned glyph = 0; glyph < 256; ++glyph) {
        for (unsigned row = 0; row < 16; ++row) memory_[(glyph * 32 + row) * 4 + 2] = font[glyph * 16 + row];
    }
    r_.frame_base_ns = scheduler_.now();
    picture_changed();
    schedule_retrace();
    if (pins_.memory_map_changed) pins_.memory_map_changed();
}

}  // namespace bantam::devices
