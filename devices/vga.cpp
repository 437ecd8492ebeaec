// See vga.h. This file: the registers.
#include "devices/vga.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bits.h"
#include "base/log.h"

namespace bantam::devices {
namespace {
// Port offsets from 3B0h
constexpr u64 kMonoFirst = 0x00, kMonoLast = 0x0B;
constexpr u64 kColourFirst = 0x20;

// Bits that exist in each register.
constexpr u8 kSequencerMask[8] = {0x03, 0x3D, 0x0F, 0x3F, 0x0E, 0, 0, 0};
constexpr u8 kGraphicsMask[16] = {0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF};
constexpr unsigned kCrtcCount = 0x19;
constexpr unsigned kCrtcRetraceEnd = 0x11;

/// Bits 7-6 of a graphics mode register's memory map.
constexpr u8 memory_map_bits(u8 miscellaneous) { return (miscellaneous >> 2) & 3; }
}  // namespace

Vga::Vga(Scheduler& scheduler, Pins pins)
    : scheduler_(scheduler),
      pins_(std::move(pins)),
      retrace_timer_(scheduler, "vga.retrace", [this] { retrace_started(); }) {
    allocate_memory();
}

void Vga::reset() {
    const bool was_asserted =
        r_.retrace_latched && bit(r_.crtc[kCrtcRetraceEnd], 4) && !bit(r_.crtc[kCrtcRetraceEnd], 5);
    r_ = {};
    clear_memory();
    picture_changed();
    retrace_timer_.disarm();
    if (was_asserted && pins_.interrupt) pins_.interrupt(false);
    if (pins_.memory_map_changed) pins_.memory_map_changed();
}

void Vga::describe(Archive& archive) {
    archive.field("misc_output", r_.misc_output);
    archive.field("feature_control", r_.feature_control);
    archive.field("sequencer_index", r_.sequencer_index);
    archive.bytes("sequencer", r_.sequencer.data(), r_.sequencer.size());
    archive.field("crtc_index", r_.crtc_index);
    archive.bytes("crtc", r_.crtc.data(), r_.crtc.size());
    archive.field("graphics_index", r_.graphics_index);
    archive.bytes("graphics", r_.graphics.data(), r_.graphics.size());
    archive.field("attribute_index", r_.attribute_index);
    archive.field("attribute_data", r_.attribute_data);
    archive.bytes("attribute", r_.attribute.data(), r_.attribute.size());
    archive.field("dac_mask", r_.dac_mask);
    archive.field("dac_state", r_.dac_state);
    archive.field("dac_read_index", r_.dac_read_index);
    archive.field("dac_write_index", r_.dac_write_index);
    archive.field("dac_component", r_.dac_component);
    archive.bytes("dac_latch", r_.dac_latch.data(), r_.dac_latch.size());
    archive.bytes("dac", r_.dac.data(), r_.dac.size());
    archive.bytes("latch", r_.latch.data(), r_.latch.size());
    archive.field("retrace_latched", r_.retrace_latched);
    archive.field("frame_base_ns", r_.frame_base_ns);
    archive.field("dispi_index", r_.dispi_index);
    archive.field("dispi_low", r_.dispi_low);
    archive.field("dispi", r_.dispi);
    archive.bytes("memory", memory_.get(), kMemoryBytes);
    if (!archive.loading()) return;
    enable_dispi(r_.dispi[4] | 0x80);  // settles what a damaged file may hold; keeps memory
    picture_changed();
    r_.sequencer_index &= 0x07;
    r_.crtc_index &= 0x3F;
    r_.graphics_index &= 0x0F;
    r_.dac_component = static_cast<u8>(r_.dac_component % 3);
    if (pins_.memory_map_changed) pins_.memory_map_changed();
}

void Vga::warn_once(Unsupported what, std::string_view message) {
    if (std::exchange(warned_.at(what), true)) return;
    log::warning("vga: {} (told once)", message);
}

std::string Vga::info() const {
    const Geometry g = geometry();
    const Timing t = timing();
    const Cursor c = cursor();
    std::string text = fmt::format("vga: {} {}x{}, start {:#06x}, row {} addresses, {} Hz\n",
                                   graphics() ? "graphics" : "text", g.columns, graphics() ? g.lines : g.rows, g.start,
                                   g.row_bytes, t.frame_dots == 0 ? 0 : t.dots_per_second / t.frame_dots);
    if (!graphics()) {
        text += fmt::format("  cursor {} at column {} row {}\n", c.visible ? "on" : "off", c.column, c.row);
    }
    return text;
}

RegisterSpace Vga::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

/// The CRTC and input status 1 answer at 3Dxh in colour and at 3Bxh in monochrome emulation.
bool Vga::port_selected(u64 offset) const {
    if (offset >= kColourFirst) return colour();
    if (offset >= kMonoFirst && offset <= kMonoLast) return !colour();
    return true;
}

u8 Vga::peek(u64 offset) const {
    if (!port_selected(offset)) return 0xFF;
    switch (offset) {
        case 0x04:
        case 0x24:
            return r_.crtc_index;
        case 0x05:
        case 0x25:
            return r_.crtc_index < kCrtcCount ? r_.crtc[r_.crtc_index] : u8{0};
        case 0x0A:
        case 0x2A:
            return input_status_1();
        case 0x10:
            return r_.attribute_index;
        case 0x11:
            return (r_.attribute_index & 0x1F) < 0x15 ? r_.attribute[r_.attribute_index & 0x1F] : u8{0};
        case 0x12:
            return input_status_0();
        case 0x14:
            return r_.sequencer_index;
        case 0x15:
            return r_.sequencer[r_.sequencer_index];
        case 0x16:
            return r_.dac_mask;
        case 0x17:
            return r_.dac_state;
        case 0x18:
            return r_.dac_write_index;
        case 0x19:
            return r_.dac[r_.dac_read_index * 3u + r_.dac_component];
        case 0x1A:
            return r_.feature_control;
        case 0x1C:
            return r_.misc_output;
        case 0x1E:
            return r_.graphics_index;
        case 0x1F:
            return r_.graphics[r_.graphics_index];
        default:
            return 0xFF;
    }
}

u8 Vga::read(u64 offset) {
    const u8 value = offset == 0x19 ? read_dac() : peek(offset);
    if (port_selected(offset) && (offset == 0x0A || offset == 0x2A)) r_.attribute_data = false;
    return value;
}

/// Of what the guest may write, indexes and what steers its own accesses to memory leave the picture alone.
bool Vga::write_shows(u64 offset) const {
    switch (offset) {
        case 0x04:
        case 0x24:
        case 0x14:
        case 0x17:
        case 0x18:
        case 0x1E:
            return false;
        case 0x15:
            return r_.sequencer_index != 2;
        case 0x1F:
            return r_.graphics_index == 5 || r_.graphics_index == 6;
        default:
            return true;
    }
}

void Vga::write(u64 offset, u8 value) {
    if (!port_selected(offset)) return;
    if (write_shows(offset)) picture_changed();
    switch (offset) {
        case 0x04:
        case 0x24:
            r_.crtc_index = value & 0x3F;
            break;
        case 0x05:
        case 0x25:
            write_crtc(value);
            break;
        case 0x0A:
        case 0x2A:
            r_.feature_control = value & 0x0B;
            break;
        case 0x10:
            write_attribute(value);
            break;
        case 0x12: {
            const bool map_changed = ((value ^ r_.misc_output) & 0x02) != 0;
            r_.misc_output = value & 0xEF;
            r_.frame_base_ns = scheduler_.now();
            schedule_retrace();
            if (map_changed && pins_.memory_map_changed) pins_.memory_map_changed();
            break;
        }
        case 0x13:
            if (!bit(value, 0)) warn_once(kSubsystemOff, "port 3C3h bit 0 (the adapter switched off) has no effect");
            break;
        case 0x14:
            r_.sequencer_index = value & 0x07;
            break;
        case 0x15:
            r_.sequencer[r_.sequencer_index] = value & kSequencerMask[r_.sequencer_index];
            if (r_.sequencer_index == 1 && (value & 0x14) != 0) {
                warn_once(kSlowLoading, "sequencer 1 bits 2 and 4 (shift registers loaded seldom) have no effect");
            }
            if (r_.sequencer_index <= 1) schedule_retrace();
            break;
        case 0x16:
            r_.dac_mask = value;
            break;
        case 0x17:
            r_.dac_read_index = value;
            r_.dac_component = 0;
            r_.dac_state = 3;
            break;
        case 0x18:
            r_.dac_write_index = value;
            r_.dac_component = 0;
            r_.dac_state = 0;
            break;
        case 0x19:
            write_dac(value);
            break;
        case 0x1E:
            r_.graphics_index = value & 0x0F;
            break;
        case 0x1F:
            write_graphics(value);
            break;
        default:
            break;  // read-only or not there
    }
}

void Vga::write_attribute(u8 value) {
    r_.attribute_data = !r_.attribute_data;
    if (r_.attribute_data) {
        r_.attribute_index = value & 0x3F;
        return;
    }
    const unsigned index = r_.attribute_index & 0x1F;
    // While the palette address source bit is set the palette belongs to the display.
    if (index < 0x10 && (r_.attribute_index & 0x20) != 0) return;
    constexpr u8 kMask[5] = {0xEF, 0xFF, 0x3F, 0x0F, 0x0F};
    if (index < 0x10) {
        r_.attribute[index] = value & 0x3F;
    } else if (index < 0x15) {
        r_.attribute[index] = value & kMask[index - 0x10];
        if (index == 0x12 && (value & 0x30) != 0) {
            warn_once(kVideoFeedback, "the diagnostic bits of input status 1 (attribute 12h bits 5-4) read as 0");
        }
    }
}

void Vga::write_crtc(u8 value) {
    const unsigned index = r_.crtc_index;
    if (index >= kCrtcCount) return;
    // CR11 bit 7 protects CR0-CR7, except line compare bit 8 in CR7.
    if (index <= 7 && bit(r_.crtc[kCrtcRetraceEnd], 7)) {
        if (index == 7) r_.crtc[7] = replace_bits<u8>(r_.crtc[7], value, 0x10);
        return;
    }
    r_.crtc[index] = value;
    if (index == kCrtcRetraceEnd) {
        if (!bit(value, 4)) {  // "clear vertical interrupt" is active low
            if (r_.retrace_latched && pins_.interrupt) pins_.interrupt(false);
            r_.retrace_latched = false;
        }
        update_interrupt();
    }
    const bool moves_beam = index <= 7 || index == 9 || index == 0x10 || index == 0x11 || index == 0x17;
    if (moves_beam) schedule_retrace();
}

void Vga::write_graphics(u8 value) {
    const unsigned index = r_.graphics_index;
    const u8 before = r_.graphics[index];
    r_.graphics[index] = value & kGraphicsMask[index];
    if (index == 6 && memory_map_bits(before) != memory_map_bits(value) && pins_.memory_map_changed) {
        pins_.memory_map_changed();
    }
}

void Vga::write_dac(u8 value) {
    r_.dac_latch[r_.dac_component] = wide_dac() ? value : value & 0x3F;
    if (++r_.dac_component < 3) return;
    r_.dac_component = 0;
    std::copy(r_.dac_latch.begin(), r_.dac_latch.end(), r_.dac.begin() + r_.dac_write_index * 3);
    ++r_.dac_write_index;
}

u8 Vga::read_dac() {
    const u8 value = r_.dac[r_.dac_read_index * 3u + r_.dac_component];
    if (++r_.dac_component == 3) {
        r_.dac_component = 0;
        ++r_.dac_read_index;
    }
    return value;
}

}  // namespace bantam::devices
