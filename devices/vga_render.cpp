// Vga's picture: the CRTC's address counter, the shift registers, the attribute controller and the DAC, walked line by
// line over what memory and registers hold now.
#include <algorithm>

#include "base/bits.h"
#include "devices/vga.h"

namespace bantam::devices {
namespace {
constexpr u8 kScreenOff = 0x20;

u32 font_base(u64 select) { return static_cast<u32>((select & 3) * 0x4000 + (select >> 2) * 0x2000); }
}  // namespace

Vga::Geometry Vga::geometry() const {
    const auto& c = r_.crtc;
    Geometry g;
    g.columns = c[1] + 1u;
    g.lines = static_cast<unsigned>((c[0x12] | bits(c[7], 1, 1) << 8 | bits(c[7], 6, 1) << 9) + 1);
    g.character_height = (c[9] & 0x1Fu) + 1;
    g.character_width = graphics() || bit(r_.sequencer[1], 0) ? 8 : 9;
    g.row_bytes = c[0x13] * 2u;
    g.start = static_cast<unsigned>(c[0x0C] << 8 | c[0x0D]);
    g.line_compare = static_cast<unsigned>(c[0x18] | bits(c[7], 4, 1) << 8 | bits(c[9], 6, 1) << 9);
    g.double_scan = bit(c[9], 7);
    g.row_lines = g.character_height * (g.double_scan ? 2 : 1);
    g.rows = g.lines / g.row_lines;
    return g;
}

/// The memory address, and the row within a character, that the CRTC puts out on scan line `line` at character
/// `column`.
Vga::Cell Vga::cell_at(const Geometry& g, unsigned line, unsigned column) const {
    const auto& c = r_.crtc;
    u32 counter = g.start + ((c[8] >> 5) & 3u);  // byte panning
    u32 row_scan = c[8] & 0x1Fu;                 // preset row scan
    // DEVIATION: a CRTC that is held in reset (mode control bit 7 clear) puts out its rows plainly instead of nothing:
    // GRUB built as firmware never starts it, nor sets line compare and the bank bits.
    const bool held = !bit(c[0x17], 7);
    if (line > g.line_compare && !held) {  // split screen: the lower part begins at address 0
        line -= g.line_compare + 1;
        counter = 0;
        row_scan = 0;
    }
    if (g.double_scan) line /= 2;
    const u32 scan = line + std::min(row_scan, g.character_height - 1);
    counter += scan / g.character_height * g.row_bytes + column;
    Cell cell;
    cell.scan = scan % g.character_height;
    u32 address = counter;
    if (bit(c[0x14], 6)) {
        address = counter << 2;
    } else if (!bit(c[0x17], 6)) {
        address = counter << 1 | (bit(counter, bit(c[0x17], 5) ? 15 : 13) ? 1u : 0u);
    }
    // Compatibility with the CGA's and Hercules' banks of lines.
    if (held) {
        cell.address = address & 0xFFFF;
        return cell;
    }
    if (!bit(c[0x17], 0)) address = replace_bits<u32>(address, cell.scan << 13, 1u << 13);
    if (!bit(c[0x17], 1)) address = replace_bits<u32>(address, cell.scan << 13, 1u << 14);
    cell.address = address & 0xFFFF;
    return cell;
}

u32 Vga::dac_colour(u8 index) const {
    const u8* rgb = &r_.dac[(index & r_.dac_mask) * 3u];
    if (wide_dac()) return static_cast<u32>(rgb[0]) << 16 | static_cast<u32>(rgb[1]) << 8 | rgb[2];
    const auto widen = [](u8 six) { return static_cast<u32>((six & 0x3F) << 2 | (six & 0x3F) >> 4); };
    return widen(rgb[0]) << 16 | widen(rgb[1]) << 8 | widen(rgb[2]);
}

/// Four bits of a pixel through colour plane enable, palette and colour select.
u32 Vga::colour_of(u8 attribute_pixel) const {
    u8 index = r_.attribute[attribute_pixel & r_.attribute[0x12] & 0x0F] & 0x3F;
    const u8 select = r_.attribute[0x14];
    if (bit(r_.attribute[0x10], 7)) index = static_cast<u8>((index & 0x0F) | (select & 3) << 4);
    return dac_colour(static_cast<u8>(index | (select & 0x0C) << 4));
}

Frame Vga::render() const {
    if (dispi_linear()) return render_dispi();
    Frame frame;
    const Geometry g = geometry();
    const bool running = timing().frame_ns != 0;
    frame.width = running ? g.columns * g.character_width : 640;
    frame.height = running ? g.lines : 480;
    frame.pixels.assign(std::size_t{frame.width} * frame.height, 0);
    // Blanked: screen off (sequencer), or the palette belongs to the CPU.
    if (!running || (r_.sequencer[1] & kScreenOff) != 0 || !bit(r_.attribute_index, 5)) return frame;
    if (!graphics()) {
        render_text(frame, g);
    } else if (bit(r_.graphics[5], 6)) {
        render_256(frame, g);
    } else {
        render_planar(frame, g);
    }
    return frame;
}

/// Frames since the beam began. The CRTC runs.
u64 Vga::frames_shown() const {
    return (scheduler_.now() - std::min(scheduler_.now(), r_.frame_base_ns)) / timing().frame_ns;
}

u32 Vga::font_a_base() const { return font_base(bits(r_.sequencer[3], 2, 2) | bits(r_.sequencer[3], 5, 1) << 2); }
u32 Vga::font_b_base() const { return font_base(bits(r_.sequencer[3], 0, 2) | bits(r_.sequencer[3], 4, 1) << 2); }

void Vga::render_text(Frame& frame, const Geometry& g) const {
    std::array<u32, 16> palette{};
    for (u8 i = 0; i < 16; ++i) palette[i] = colour_of(i);
    const u64 steps = frames_shown() / kBlinkStepFrames;
    const bool blink_enabled = bit(r_.attribute[0x10], 3);
    const bool blink_off = bit(steps, 1);
    const bool cursor_on = !bit(steps, 0);
    const bool line_graphics = bit(r_.attribute[0x10], 2);
    const u32 font_a = font_a_base(), font_b = font_b_base();
    const Cursor c = cursor();
    const unsigned cursor_first = r_.crtc[0x0A] & 0x1F, cursor_last = r_.crtc[0x0B] & 0x1F;

    for (unsigned y = 0; y < g.lines; ++y) {
        u32* out = &frame.pixels[std::size_t{y} * frame.width];
        for (unsigned column = 0; column < g.columns; ++column) {
            const Cell cell = cell_at(g, y, column);
            const u8 character = plane_byte(cell.address, 0);
            const u8 attribute = plane_byte(cell.address, 1);
            u8 background = attribute >> 4;
            bool hidden = false;
            if (blink_enabled) {
                hidden = blink_off && bit(attribute, 7);
                background &= 7;
            }
            u32 dots = plane_byte((bit(attribute, 3) ? font_a : font_b) + character * 32u + cell.scan, 2) * 2u;
            if (line_graphics && character >= 0xC0 && character <= 0xDF) dots |= dots >> 1 & 1;
            // Underline shows with the attribute's foreground 1 on background 0 (monochrome).
            if (cell.scan == (r_.crtc[0x14] & 0x1Fu) && (attribute & 0x77) == 0x01) dots = 0x1FF;
            if (hidden) dots = 0;
            const bool cursor_here = c.visible && cursor_on && column == c.column && y / g.row_lines == c.row &&
                                     cell.scan >= cursor_first && cell.scan <= cursor_last;
            if (cursor_here) dots = 0x1FF;
            const u32 colours[2] = {palette[background], palette[attribute & 0x0F]};
            for (unsigned x = 0; x < g.character_width; ++x) *out++ = colours[dots >> (8 - x) & 1];
        }
    }
}

/// Sixteen colours from four planes, or (shift register mode 1) four colours interleaved as on the CGA.
void Vga::render_planar(Frame& frame, const Geometry& g) const {
    std::array<u32, 16> palette{};
    for (u8 i = 0; i < 16; ++i) palette[i] = colour_of(i);
    const bool interleaved = bit(r_.graphics[5], 5);
    std::vector<u8> line((g.columns + 1) * std::size_t{8});
    for (unsigned y = 0; y < g.lines; ++y) {
        for (unsigned column = 0; column <= g.columns; ++column) {
            const Cell cell = cell_at(g, y, column);
            u8* dots = &line[column * std::size_t{8}];
            std::array<u8, 4> plane{};
            for (unsigned p = 0; p < 4; ++p) plane[p] = plane_byte(cell.address, p);
            for (unsigned x = 0; x < 8; ++x) {
                u8 pixel = 0;
                if (interleaved) {
                    // Even planes hold the first four pixels of a character clock, odd ones the next four.
                    const unsigned odd = x / 4, shift = 6 - 2 * (x % 4);
                    pixel = static_cast<u8>((plane[odd] >> shift & 3) | (plane[odd + 2] >> shift & 3) << 2);
                } else {
                    for (unsigned p = 0; p < 4; ++p) pixel |= static_cast<u8>((plane[p] >> (7 - x) & 1) << p);
                }
                dots[x] = pixel;
            }
        }
        const bool split = y > g.line_compare && bit(r_.attribute[0x10], 5);
        const unsigned pan = split ? 0 : r_.attribute[0x13] & 7;
        u32* out = &frame.pixels[std::size_t{y} * frame.width];
        for (unsigned x = 0; x < frame.width; ++x) out[x] = palette[line[x + pan]];
    }
}

/// 256 colours: a character clock shows the four planes' bytes as four pixels, two dots wide each.
void Vga::render_256(Frame& frame, const Geometry& g) const {
    for (unsigned y = 0; y < g.lines; ++y) {
        const bool split = y > g.line_compare && bit(r_.attribute[0x10], 5);
        const unsigned pan = split ? 0 : r_.attribute[0x13] & 7;
        u32* out = &frame.pixels[std::size_t{y} * frame.width];
        for (unsigned x = 0; x < frame.width; ++x) {
            const unsigned dot = x + pan;
            const Cell cell = cell_at(g, y, dot / 8);
            out[x] = dac_colour(plane_byte(cell.address, dot / 2 % 4));
        }
    }
}

}  // namespace bantam::devices
