// Vga's picture for viewers that look many times a second: what has changed since a viewer looked last.
//
// Every change counts picture_version_ up. Registers and the window at A0000h pass through the chip. The linear frame
// buffer is the guest's to write directly; a page of it that is shown is watched from when it was drawn until its next
// write, which the board tells. In between it is known to be as it was drawn; after that write it may go on changing
// untold, so the next look takes it for changed, and watches it again.
#include <algorithm>

#include "base/bits.h"
#include "devices/vga.h"

namespace bantam::devices {

/// What blinks, as a number that is the same whenever it shows the same.
unsigned Vga::blink_phase() const {
    const bool blinks = bit(r_.attribute[0x10], 3) || !bit(r_.crtc[0x0A], 5);
    if (graphics() || !blinks || timing().frame_ns == 0) return 0;
    return static_cast<unsigned>(frames_shown() / kBlinkStepFrames % (1u << kPhaseBits));
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

/// Watches every page that the picture comes from. Those that were not may have changed.
void Vga::watch_picture() {
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
    if (first > last) return;
    ++picture_version_;
    if (pins_.watch_writes) pins_.watch_writes(first * kPageSize, (last - first + 1) * kPageSize);
}

bool Vga::row_changed(u32 y, u64 seen) const {
    const u64 begin = dispi_row(y);
    const u64 end = std::min<u64>(begin + dispi_shown_bytes(), kMemoryBytes);
    for (u64 page = begin / kPageSize; page * kPageSize < end; ++page) {
        if (page_versions_[page] > seen) return true;
    }
    return false;
}

bool Vga::render_changes(Picture& picture) {
    picture.first_row = picture.end_row = 0;
    if (picture.version == picture_version()) return false;
    const u64 seen = picture.version >> kPhaseBits;
    watch_picture();
    picture.version = picture_version();
    if (!dispi_linear() || seen < whole_version_) return redraw(picture);
    Frame& frame = picture.frame;
    bool any = false;
    for (u32 y = 0; y < frame.height; ++y) {
        if (!row_changed(y, seen)) continue;
        render_dispi_row(y, &frame.pixels[std::size_t{y} * frame.width]);
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
