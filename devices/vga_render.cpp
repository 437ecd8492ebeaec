// Vga's picture: memory as the CRTC's counters address it, through the shift registers, the attribute controller and
// the DAC, scan line by scan line.
#include <algorithm>

#include "base/bits.h"
#include "devices/vga.h"

namespace bantam::devices {
namespace {
constexpr u8 kScreenOff = 0x20;

u32 font_base(u64 select) { return static_cast<u32>((select & 3) * 0x4000 + (select >> 2) * 0x2000); }
}  // namespace

u32 Vga::dac_colour(u8 index) const {
    const u8* rgb = &r_.dac[(index & r_.dac_mask) * 3u];
    if (wide_dac()) return static_cast<u32>(rgb[0]) << 16 | static_cast<u32>(rgb[1]) << 8 | rgb[2];
    const auto widen = [](u8 six) { return static_cast<u32>((six & 0x3F) << 2 | (six & 0x3F) >> 4); };
    return widen(rgb[0]) << 16 | widen(rgb[1]) << 8 | widen(rgb[2]);
}

/// A palette register's colour, with colour select.
u32 Vga::colour_of(u8 palette_register) const {
    u8 index = r_.attribute[palette_register & 0x0F] & 0x3F;
    const u8 select = r_.attribute[0x14];
    if (bit(r_.attribute[0x10], 7)) index = static_cast<u8>((index & 0x0F) | (select & 3) << 4);
    return dac_colour(static_cast<u8>(index | (select & 0x0C) << 4));
}

/// The font maps can be chosen with extended memory alone (sequencer 4 bit 1).
u32 Vga::font_a_base() const {
    if (!bit(r_.sequencer[4], 1)) return 0;
    return font_base(bits(r_.sequencer[3], 2, 2) | bits(r_.sequencer[3], 5, 1) << 2);
}
u32 Vga::font_b_base() const {
    if (!bit(r_.sequencer[4], 1)) return 0;
    return font_base(bits(r_.sequencer[3], 0, 2) | bits(r_.sequencer[3], 4, 1) << 2);
}

/// Blanked: the CRTC does not run, screen off (sequencer), or the palette belongs to the CPU.
bool Vga::shows_nothing() const {
    return timing().frame_dots == 0 || (r_.sequencer[1] & kScreenOff) != 0 || !bit(r_.attribute_index, 5);
}

Frame Vga::render() const {
    if (dispi_linear()) return render_dispi();
    Frame frame;
    const Geometry g = geometry();
    const bool running = timing().frame_dots != 0;
    frame.width = running ? g.columns * g.character_width : 640;
    frame.height = running ? g.lines : 480;
    frame.pixels.assign(std::size_t{frame.width} * frame.height, 0);
    if (shows_nothing()) return frame;
    const Painter paint = painter();
    std::vector<u32> dots;
    auto out = frame.pixels.begin();
    for (const ScanLine& line : paint.lines) {
        draw_line(paint, line, dots);
        out = std::copy_n(dots.begin() + line.pan, frame.width, out);
    }
    return frame;
}

Vga::Painter Vga::painter() const {
    const u64 steps = frames_shown() / kBlinkStepFrames;
    Painter p;
    p.geometry = geometry();
    p.lines = scan_lines(p.geometry);
    p.blink_off = bit(r_.attribute[0x10], 3) && bit(steps, 1);
    p.cursor_shown = !bit(r_.crtc[0x0A], 5) && !bit(steps, 0);
    p.cursor = static_cast<u32>(r_.crtc[0x0E] << 8 | r_.crtc[0x0F]);
    p.cursor_skew = static_cast<unsigned>(bits(r_.crtc[0x0B], 5, 2));
    // In graphics modes blinking turns the highest bit of every pixel over, whether that plane is enabled or not.
    const unsigned turned = p.blink_off && graphics() ? 8 : 0;
    for (unsigned i = 0; i < 16; ++i) p.palette[i] = colour_of(static_cast<u8>((i & r_.attribute[0x12]) ^ turned));
    return p;
}

/// One scan line with a character clock more than is shown, for panning.
void Vga::draw_line(const Painter& painter, const ScanLine& line, std::vector<u32>& dots) const {
    dots.resize((painter.geometry.columns + 1) * std::size_t{painter.geometry.character_width});
    if (graphics()) {
        draw_graphics(painter, line, dots);
    } else {
        draw_text(painter, line, dots);
    }
}

/// The cursor's character clock on a scan line that it has.
bool Vga::cursor_at(const Painter& painter, const ScanLine& line, unsigned column) const {
    const unsigned first = r_.crtc[0x0A] & 0x1F, last = r_.crtc[0x0B] & 0x1F;
    if (line.row_scan < first || line.row_scan > last || column < painter.cursor_skew) return false;
    return cell_at(line, column - painter.cursor_skew).counter == painter.cursor;
}

void Vga::draw_text(const Painter& painter, const ScanLine& line, std::vector<u32>& dots) const {
    const bool blink_enabled = bit(r_.attribute[0x10], 3);
    const bool line_graphics = bit(r_.attribute[0x10], 2);
    const bool underline = line.row_scan == (r_.crtc[0x14] & 0x1Fu);
    const u32 font_a = font_a_base(), font_b = font_b_base();
    auto out = dots.begin();
    for (unsigned column = 0; column <= painter.geometry.columns; ++column) {
        const u32 address = cell_at(line, column).address;
        const u8 character = plane_byte(address, 0);
        const u8 attribute = plane_byte(address, 1);
        const u8 background = blink_enabled ? attribute >> 4 & 7 : attribute >> 4;
        const u32 font = bit(attribute, 3) ? font_a : font_b;
        u32 glyph = plane_byte(font + character * 32u + line.row_scan, 2) * 2u;
        if (line_graphics && character >= 0xC0 && character <= 0xDF) glyph |= glyph >> 1 & 1;
        // Underline shows with the attribute's foreground 1 on background 0 (monochrome).
        if (underline && (attribute & 0x77) == 0x01) glyph = 0x1FF;
        if (painter.blink_off && bit(attribute, 7)) glyph = 0;
        if (painter.cursor_shown && cursor_at(painter, line, column)) glyph = 0x1FF;
        const u32 colours[2] = {painter.palette[background], painter.palette[attribute & 0x0F]};
        for (unsigned x = 0; x < painter.geometry.character_width; ++x) *out++ = colours[glyph >> (8 - x) & 1];
    }
}

/// The four-bit values that the graphics controller puts out in a character clock.
std::array<u8, 8> Vga::shifted_out(u32 address) const {
    std::array<u8, 8> values{};
    const u8* plane = &memory_[address * std::size_t{4}];
    if (bit(r_.graphics[5], 6)) {  // the planes one after the other, high halves first
        for (unsigned x = 0; x < 8; ++x) values[x] = x % 2 == 0 ? plane[x / 2] >> 4 : plane[x / 2] & 0x0F;
    } else if (bit(r_.graphics[5], 5)) {  // even planes hold the first four pixels, odd ones the next four
        for (unsigned x = 0; x < 8; ++x) {
            const unsigned odd = x / 4, shift = 6 - 2 * (x % 4);
            values[x] = static_cast<u8>((plane[odd] >> shift & 3) | (plane[odd + 2] >> shift & 3) << 2);
        }
    } else {
        for (unsigned x = 0; x < 8; ++x) {
            for (unsigned p = 0; p < 4; ++p) values[x] |= static_cast<u8>((plane[p] >> (7 - x) & 1) << p);
        }
    }
    return values;
}

void Vga::draw_graphics(const Painter& painter, const ScanLine& line, std::vector<u32>& dots) const {
    // Eight-bit colour: two values are one colour, two dots wide, past the palette.
    const bool pairs = bit(r_.attribute[0x10], 6);
    auto out = dots.begin();
    for (unsigned column = 0; column <= painter.geometry.columns; ++column) {
        const std::array<u8, 8> values = shifted_out(cell_at(line, column).address);
        for (unsigned x = 0; x < values.size(); x += 2) {
            const u8 first = values[x], second = values[x + 1];
            const u32 pair = pairs ? dac_colour(static_cast<u8>(first << 4 | second)) : 0;
            *out++ = pairs ? pair : painter.palette[first];
            *out++ = pairs ? pair : painter.palette[second];
        }
    }
}

}  // namespace bantam::devices
