// Vga's display interface of Bochs and QEMU (DISPI, "VBE extensions" in Bochs's published interface description): ten
// 16-bit registers behind an index, modes of 8, 15, 16, 24 and 32 bits a pixel in linear memory, a bank register for
// the 64 KiB window. In 4-bit modes the planes stay in charge.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/check.h"
#include "devices/vga.h"

namespace bantam::devices {
namespace {
enum Index : u16 {
    kId,
    kXres,
    kYres,
    kBpp,
    kEnable,
    kBank,
    kVirtualWidth,
    kVirtualHeight,
    kXoffset,
    kYoffset,
    kMemory
};
constexpr u16 kEnabled = 0x01, kGetCapabilities = 0x02, kKeepMemory = 0x80, kEnableBits = 0x63;
constexpr u16 kNewestId = 0xB0C5, kOldestId = 0xB0C0;
constexpr u16 kMaxXres = 2560, kMaxYres = 1600, kMaxBpp = 32;
constexpr u32 kBankBytes = 0x10000;

bool valid_depth(u16 bpp) { return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32; }

u32 bytes_for(u32 pixels, u16 bpp) { return bpp == 4 ? pixels / 2 : pixels * ((bpp + 7u) / 8); }
}  // namespace

void Vga::allocate_memory() {
    memory_.reset(static_cast<u8*>(std::aligned_alloc(kPageSize, kMemoryBytes)));
    CHECK(memory_ != nullptr);
    clear_memory();
}

/// Untouched memory costs the host nothing, so its pages are given back, zero again, instead of being written. The
/// guest's mapping of them stays.
void Vga::clear_memory() { CHECK(madvise(memory_.get(), kMemoryBytes, MADV_DONTNEED) == 0); }

u16 Vga::read_dispi(u16 index) const {
    switch (index) {
        case kId:
            return r_.dispi[kId] == 0 ? kNewestId : r_.dispi[kId];
        case kMemory:
            return kMemoryBytes / kBankBytes;
        default:
            break;
    }
    if (index > kYoffset) return 0;
    if ((r_.dispi[kEnable] & kGetCapabilities) != 0) {
        if (index == kXres) return kMaxXres;
        if (index == kYres) return kMaxYres;
        if (index == kBpp) return kMaxBpp;
    }
    return r_.dispi[index];
}

void Vga::write_dispi(u16 index, u16 value) {
    auto& d = r_.dispi;
    if (index != kBank) picture_changed();
    switch (index) {
        case kId:
            if (value >= kOldestId && value <= kNewestId) d[kId] = value;
            break;
        case kXres:
        case kYres:
        case kBpp:  // a mode is set while the interface is off
            if (!dispi_enabled()) d[index] = value;
            break;
        case kEnable:
            enable_dispi(value);
            if (!dispi_enabled()) d[kBank] = 0;
            break;
        case kBank:
            d[kBank] = std::min<u16>(value, kMemoryBytes / kBankBytes - 1);
            break;
        case kVirtualWidth:
            if (!dispi_enabled() || value < d[kXres] || bytes_for(value, d[kBpp]) == 0) break;
            if (u64{bytes_for(value, d[kBpp])} * d[kYres] > kMemoryBytes) break;
            d[kVirtualWidth] = value;
            d[kVirtualHeight] = static_cast<u16>(std::min(kMemoryBytes / dispi_row_bytes(), 0xFFFFu));
            break;
        case kXoffset:
        case kYoffset:
            d[index] = value;
            break;
        default:
            break;  // read-only or not there
    }
}

/// Switches a mode on or off; a mode that does not fit the memory stays off.
void Vga::enable_dispi(u16 value) {
    auto& d = r_.dispi;
    const bool fits = valid_depth(d[kBpp]) && d[kXres] >= 8 && d[kXres] <= kMaxXres && d[kYres] >= 1 &&
                      d[kYres] <= kMaxYres && u64{bytes_for(d[kXres], d[kBpp])} * d[kYres] <= kMemoryBytes;
    const bool on = (value & kEnabled) != 0 && fits;
    const bool was_on = dispi_enabled();
    d[kEnable] = static_cast<u16>((value & kEnableBits & ~kEnabled) | (on ? kEnabled : 0));
    d[kBank] = std::min<u16>(d[kBank], kMemoryBytes / kBankBytes - 1);
    if (!on) return;
    const bool row_fits =
        d[kVirtualWidth] >= d[kXres] && u64{bytes_for(d[kVirtualWidth], d[kBpp])} * d[kYres] <= kMemoryBytes;
    if (!was_on || !row_fits) {
        d[kVirtualWidth] = d[kXres];
        d[kXoffset] = d[kYoffset] = 0;
    }
    d[kVirtualHeight] = static_cast<u16>(std::min(kMemoryBytes / dispi_row_bytes(), 0xFFFFu));
    if ((value & kKeepMemory) == 0) clear_memory();
}

u32 Vga::dispi_row_bytes() const { return std::max(1u, bytes_for(r_.dispi[kVirtualWidth], r_.dispi[kBpp])); }

u32 Vga::banked(u64 offset) const {
    return offset < kBankBytes ? static_cast<u32>(r_.dispi[kBank] * kBankBytes + offset) : kMemoryBytes;
}

Frame Vga::render_dispi() const {
    const auto& d = r_.dispi;
    Frame frame;
    frame.width = d[kXres];
    frame.height = d[kYres];
    frame.pixels.assign(std::size_t{frame.width} * frame.height, 0);
    for (u32 y = 0; y < frame.height; ++y) render_dispi_row(y, &frame.pixels[std::size_t{y} * frame.width]);
    return frame;
}

u64 Vga::dispi_row(u32 y) const {
    const auto& d = r_.dispi;
    return (y + u64{d[kYoffset]}) * dispi_row_bytes() + u64{d[kXoffset]} * ((d[kBpp] + 7u) / 8);
}

u32 Vga::dispi_shown_bytes() const { return r_.dispi[kXres] * ((r_.dispi[kBpp] + 7u) / 8); }

void Vga::render_dispi_row(u32 y, u32* out) const {
    const auto& d = r_.dispi;
    const u32 pixel_bytes = (d[kBpp] + 7u) / 8;
    const u64 row = dispi_row(y);
    if (row + dispi_shown_bytes() > kMemoryBytes) return;
    if (d[kBpp] == 32) {  // most guests' depth: a pixel is what a frame has, but for its unused byte
        for (u32 x = 0; x < d[kXres]; ++x) {
            u32 raw = 0;
            std::memcpy(&raw, &memory_[row + x * sizeof raw], sizeof raw);
            out[x] = raw & 0xFFFFFF;
        }
        return;
    }
    const auto widen = [](u32 value, unsigned count) { return value << (8 - count) | value >> (2 * count - 8); };
    for (u32 x = 0; x < d[kXres]; ++x) {
        u32 raw = 0;
        std::memcpy(&raw, &memory_[row + x * pixel_bytes], pixel_bytes);
        u32 colour = raw & 0xFFFFFF;
        if (d[kBpp] == 8) colour = dac_colour(static_cast<u8>(raw));
        if (d[kBpp] == 15) {
            colour = widen(raw >> 10 & 31, 5) << 16 | widen(raw >> 5 & 31, 5) << 8 | widen(raw & 31, 5);
        }
        if (d[kBpp] == 16) {
            colour = widen(raw >> 11 & 31, 5) << 16 | widen(raw >> 5 & 63, 6) << 8 | widen(raw & 31, 5);
        }
        out[x] = colour;
    }
}

RegisterSpace Vga::dispi() {
    const auto read = [this](u64 offset, unsigned size) -> u64 {
        if (offset == 0) return size == 2 ? r_.dispi_index : 0xFF;
        if (offset == 3) return 0xFF;
        return u64{read_dispi(r_.dispi_index)} >> (offset == 2 && size == 1 ? 8 : 0);
    };
    return {.read = read,
            .write =
                [this](u64 offset, unsigned size, u64 value) {
                    if (offset == 0 && size == 2) r_.dispi_index = static_cast<u16>(value);
                    if (offset == 1) r_.dispi_low = static_cast<u8>(value);
                    if (offset != 2) return;
                    const u64 data = size == 2 ? value : (value & 0xFF) << 8 | r_.dispi_low;
                    write_dispi(r_.dispi_index, static_cast<u16>(data));
                },
            .peek = read,
            .max_size = 2};
}

}  // namespace bantam::devices
