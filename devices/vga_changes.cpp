// Vga's picture for viewers that look many times a second: what has changed since a viewer looked last.
//
// Every change counts picture_version_ up. Registers and the window at A0000h pass through the chip. The linear frame
// buffer is the guest's to write directly; a page of it that is shown is watched from when it was drawn until its next
// write, which the board tells. In between it is known to be as it was drawn; after that write it may go on changing
// untold, so the next look takes it for changed, and watches it again. The planes are looked at by the same pages: a
// page is 1024 addresses of all four.
#include <algorithm>

#include "base/bits.h"
#include "devices/vga.h"

namespace bantam::devices {

/// What blinks, as a number that is the same whenever it shows the same.
unsigned Vga::blink_phase() const {
    const bool cursor = !graphics() && !bit(r_.crtc[0x0A], 5);
    if (dispi_linear() || (!bit(r_.attribute[0x10], 3) && !cursor) || timing().frame_dots == 0) return 0;
    return static_cast<unsigned>(frames_shown() / kBlinkStepFrames % (1u << kPhaseBits));
}

/// The CPU wrote a byte of some planes through the window. In text modes planes 2 and 3 hold what is shown everywhere.
void Vga::cell_written(u32 address, u8 planes) {
    if (!graphics() && (planes & 0x0C) != 0) {
        picture_changed();
    } else {
        page_versions_[address * u64{4} / kPageSize] = ++picture_version_;
    }
}

void Vga::memory_written(u64 offset) {
    const u64 page = offset / kPageSize;
    page_watched_.at(page) = false;
    page_versions_[page] = ++picture_version_;
}

void Vga::memory_remapped() {
    page_watched_.fill(false);
    picture_changed();
}

/// Watches every page that the picture comes from. Those that were not may have changed; false: there were none.
bool Vga::watch_picture() {
    u64 begin = 0, end = kPlanesBytes;
    if (dispi_linear()) {
        begin = std::min<u64>(dispi_row(0), kMemoryBytes);
        end = std::min<u64>(dispi_row(r_.dispi[2]), kMemoryBytes);
    }
    u64 first = kMemoryBytes / kPageSize, last = 0;
    for (u64 page = begin / kPageSize; page * kPageSize < end; ++page) {
        if (page_watched_[page]) continue;
        page_watched_[page] = true;
        page_versions_[page] = picture_version_ + 1;
        first = std::min(first, page);
        last = page;
    }
    if (first > last) return false;
    ++picture_version_;
    if (pins_.watch_writes) pins_.watch_writes(first * kPageSize, (last - first + 1) * kPageSize);
    return true;
}

bool Vga::bytes_changed(u64 begin, u64 end, u64 seen) const {
    for (u64 page = begin / kPageSize; page * kPageSize < end; ++page) {
        if (page_versions_[page] > seen) return true;
    }
    return false;
}

/// Whether a scan line may look different from when picture_version_ was `seen`; `blinked`: so does what blinks.
bool Vga::line_changed(const Painter& painter, const ScanLine& line, u64 seen, bool blinked) const {
    if (blinked && graphics()) return true;
    const bool characters_blink = blinked && bit(r_.attribute[0x10], 3);
    for (unsigned column = 0; column <= painter.geometry.columns; ++column) {
        const u32 address = cell_at(line, column).address;
        if (page_versions_[address * u64{4} / kPageSize] > seen) return true;
        if (characters_blink && bit(plane_byte(address, 1), 7)) return true;
        if (blinked && cursor_at(painter, line, column)) return true;
    }
    return false;
}

bool Vga::render_changes(Picture& picture) {
    picture.first_row = picture.end_row = 0;
    if (picture.version == picture_version()) return false;
    const u64 seen = picture.version >> kPhaseBits;
    const bool blinked = (picture.version & ((1u << kPhaseBits) - 1)) != blink_phase();
    // Fonts are written directly where text is on, so that any page may show everywhere.
    const bool fonts = watch_picture() && !graphics();
    picture.version = picture_version();
    if (seen < whole_version_ || fonts || (!dispi_linear() && shows_nothing())) return redraw(picture);
    if (!dispi_linear()) return redraw_lines(picture, seen, blinked);
    Frame& frame = picture.frame;
    bool any = false;
    for (u32 y = 0; y < frame.height; ++y) {
        const u64 begin = dispi_row(y);
        if (!bytes_changed(begin, std::min<u64>(begin + dispi_shown_bytes(), kMemoryBytes), seen)) continue;
        render_dispi_row(y, &frame.pixels[std::size_t{y} * frame.width]);
        if (!any) picture.first_row = y;
        any = true;
        picture.end_row = y + 1;
    }
    return any;
}

/// Draws the scan lines of a VGA mode whose memory was written to, and finds those that differ.
bool Vga::redraw_lines(Picture& picture, u64 seen, bool blinked) const {
    const Painter paint = painter();
    Frame& frame = picture.frame;
    std::vector<u32> dots;
    bool any = false;
    for (unsigned y = 0; y < frame.height; ++y) {
        const ScanLine& line = paint.lines[y];
        if (!line_changed(paint, line, seen, blinked)) continue;
        draw_line(paint, line, dots);
        const auto shown = dots.begin() + line.pan;
        const auto row = frame.pixels.begin() + static_cast<std::ptrdiff_t>(std::size_t{y} * frame.width);
        if (std::equal(row, row + frame.width, shown)) continue;
        std::copy_n(shown, frame.width, row);
        if (!any) picture.first_row = y;
        any = true;
        picture.end_row = y + 1;
    }
    return any;
}

/// Draws everything and finds the rows that differ.
bool Vga::redraw(Picture& picture) const {
    Frame next = render();
    std::swap(next, picture.frame);
    const Frame& now = picture.frame;
    if (next.width != now.width || next.height != now.height) {
        picture.end_row = now.height;
        return true;
    }
    const auto [here, there] = std::mismatch(now.pixels.begin(), now.pixels.end(), next.pixels.begin());
    if (here == now.pixels.end()) return false;
    const auto [back, other] = std::mismatch(now.pixels.rbegin(), now.pixels.rend(), next.pixels.rbegin());
    picture.first_row = static_cast<unsigned>(here - now.pixels.begin()) / now.width;
    picture.end_row = static_cast<unsigned>(now.pixels.rend() - back - 1) / now.width + 1;
    return true;
}

}  // namespace bantam::devices
