// Vga's CRT controller: the beam's position from virtual time, retrace status and interrupt, and the counters that
// address memory scan line by scan line ("CRT Controller Registers" of IBM's reference).
#include <algorithm>

#include "base/bits.h"
#include "devices/vga.h"

namespace bantam::devices {
namespace {
constexpr u64 kNsPerSecond = 1'000'000'000;
// Dot clocks that misc output bits 3-2 select; 2 and 3 (external) run like the first here.
constexpr u64 kDotClockHz[4] = {25'175'000, 28'322'000, 25'175'000, 28'322'000};
constexpr unsigned kRetraceEnd = 0x11;
}  // namespace

// Whole seconds apart, so that no product grows with the time.
u64 Vga::Timing::dots_in(u64 ns) const {
    return ns / kNsPerSecond * dots_per_second + ns % kNsPerSecond * dots_per_second / kNsPerSecond;
}
u64 Vga::Timing::ns_of(u64 dots) const {
    const u64 part = dots % dots_per_second * kNsPerSecond;
    return dots / dots_per_second * kNsPerSecond + (part + dots_per_second - 1) / dots_per_second;
}

Vga::Timing Vga::timing() const {
    Timing t;
    const auto& c = r_.crtc;
    const bool running = bit(c[0x17], 7) && (r_.sequencer[0] & 3) == 3;
    if (!running) return t;
    const u64 dots = (bit(r_.sequencer[1], 0) ? 8u : 9u) * (bit(r_.sequencer[1], 3) ? 2u : 1u);
    t.dots_per_second = kDotClockHz[(r_.misc_output >> 2) & 3];
    t.line_dots = (u64{c[0]} + 5) * dots;
    t.display_dots = (u64{c[1]} + 1) * dots;
    // Mode control bit 2: the vertical counter is clocked by every second line.
    const unsigned twice = bit(c[0x17], 2) ? 2 : 1;
    const u8 overflow = c[7];
    const u64 retrace = c[0x10] | bits(overflow, 2, 1) << 8 | bits(overflow, 7, 1) << 9;
    const u64 length = (c[kRetraceEnd] - retrace) & 0x0F;
    const u64 total_lines = ((c[6] | bits(overflow, 0, 1) << 8 | bits(overflow, 5, 1) << 9) + 2) * twice;
    t.display_lines = ((c[0x12] | bits(overflow, 1, 1) << 8 | bits(overflow, 6, 1) << 9) + 1) * twice;
    t.retrace_start = retrace * twice;
    t.retrace_end = (retrace + (length == 0 ? 16 : length)) * twice;
    t.frame_dots = t.line_dots * total_lines;
    return t;
}

/// Since a moment when a frame began.
u64 Vga::elapsed_ns() const { return scheduler_.now() - std::min(scheduler_.now(), r_.frame_base_ns); }

/// Frames since the beam began. The CRTC runs.
u64 Vga::frames_shown() const {
    const Timing t = timing();
    return t.dots_in(elapsed_ns()) / t.frame_dots;
}

u8 Vga::input_status_0() const {
    // Switch sense: a colour monitor answers to the comparator; bit 7 is the retrace interrupt.
    return static_cast<u8>((r_.retrace_latched ? 0x80 : 0) | 0x10);
}

u8 Vga::input_status_1() const {
    const Timing t = timing();
    if (t.frame_dots == 0) return 0x01;  // no display: blanked
    const u64 dot = t.dots_in(elapsed_ns()) % t.frame_dots;
    const u64 line = dot / t.line_dots;
    const bool displaying = line < t.display_lines && dot % t.line_dots < t.display_dots;
    const bool retrace = line >= t.retrace_start && line < t.retrace_end;
    return static_cast<u8>((displaying ? 0 : 0x01) | (retrace ? 0x08 : 0));
}

/// The interrupt exists only while CR11 bit 5 (active low) enables it; otherwise a frame costs no event.
void Vga::schedule_retrace() {
    const Timing t = timing();
    if (t.frame_dots == 0 || bit(r_.crtc[kRetraceEnd], 5) || !bit(r_.crtc[kRetraceEnd], 4) || r_.retrace_latched) {
        retrace_timer_.disarm();
        return;
    }
    const u64 elapsed = elapsed_ns();
    const u64 begin = t.dots_in(elapsed) / t.frame_dots * t.frame_dots;
    const u64 retrace = t.retrace_start * t.line_dots;
    u64 next = t.ns_of(begin + retrace);
    if (next <= elapsed) next = t.ns_of(begin + t.frame_dots + retrace);
    retrace_timer_.arm(scheduler_.now() - elapsed + next);
}

void Vga::retrace_started() {
    r_.retrace_latched = true;
    update_interrupt();
}

void Vga::update_interrupt() {
    if (r_.retrace_latched && bit(r_.crtc[kRetraceEnd], 4) && pins_.interrupt) {
        pins_.interrupt(!bit(r_.crtc[kRetraceEnd], 5));
    }
}

Vga::Geometry Vga::geometry() const {
    const auto& c = r_.crtc;
    const unsigned twice = bit(c[0x17], 2) ? 2 : 1;
    const u64 compare = c[0x18] | bits(c[7], 4, 1) << 8 | bits(c[9], 6, 1) << 9;
    Geometry g;
    g.columns = c[1] + 1u;
    g.lines = static_cast<unsigned>((c[0x12] | bits(c[7], 1, 1) << 8 | bits(c[7], 6, 1) << 9) + 1) * twice;
    g.character_height = (c[9] & 0x1Fu) + 1;
    g.character_width = graphics() || bit(r_.sequencer[1], 0) ? 8 : 9;
    g.row_bytes = c[0x13] * 2u;
    g.start = static_cast<unsigned>(c[0x0C] << 8 | c[0x0D]);
    g.split_line = static_cast<unsigned>(compare + 1) * twice;
    g.double_scan = bit(c[9], 7);
    g.row_lines = g.character_height * (g.double_scan ? 2 : 1);
    g.rows = g.lines / g.row_lines;
    return g;
}

/// Dots that the attribute controller drops for a value of its panning register. With nine dots a character, 8 is none
/// and 0 is one.
unsigned Vga::pan_dots(u8 panning) const {
    if (graphics() || bit(r_.sequencer[1], 0)) return panning & 7;
    return bit(panning, 3) ? 0 : (panning & 7) + 1u;
}

std::vector<Vga::ScanLine> Vga::scan_lines(const Geometry& g) const {
    const auto& c = r_.crtc;
    // DEVIATION: a CRTC that is held in reset (mode control bit 7 clear) puts out its rows plainly instead of nothing:
    // GRUB built as firmware never starts it, nor sets line compare, panning and the bank bits.
    const bool held = !bit(c[0x17], 7);
    const u32 byte_panning = (c[8] >> 5) & 3u;
    const u32 last_row_scan = c[9] & 0x1Fu;
    std::vector<ScanLine> lines(g.lines);
    ScanLine now{.counter = g.start, .row_scan = c[8] & 0x1Fu, .pan = 0};
    if (!held) {
        now.counter += byte_panning;
        now.pan = pan_dots(r_.attribute[0x13]);
    }
    bool second = false;  // of two lines with the same row scan
    for (unsigned y = 0; y < g.lines; ++y) {
        if (y == g.split_line && !held) {
            const bool pans = !bit(r_.attribute[0x10], 5);
            now = {.counter = pans ? byte_panning : 0, .row_scan = 0, .pan = pans ? now.pan : pan_dots(0)};
            second = false;
        }
        lines[y] = now;
        if (g.double_scan) {
            second = !second;
            if (second) continue;
        }
        if (now.row_scan == last_row_scan) {
            now.row_scan = 0;
            now.counter += g.row_bytes;
        } else {
            now.row_scan = (now.row_scan + 1) & 0x1F;
        }
    }
    return lines;
}

Vga::Cell Vga::cell_at(const ScanLine& line, unsigned column) const {
    const auto& c = r_.crtc;
    const unsigned slower = bit(c[0x14], 5) ? 2 : bit(c[0x17], 3) ? 1 : 0;  // count by four, by two
    const u32 counter = (line.counter + (column >> slower)) & 0xFFFF;
    u32 address = counter;
    if (bit(c[0x14], 6)) {  // doublewords
        address = (counter << 2 | counter >> 14) & 0xFFFF;
    } else if (!bit(c[0x17], 6)) {  // words
        address = (counter << 1 | (bit(counter, bit(c[0x17], 5) ? 15 : 13) ? 1u : 0u)) & 0xFFFF;
    }
    // Compatibility with the CGA's and Hercules' banks of lines; see scan_lines() for the CRTC in reset.
    if (bit(c[0x17], 7)) {
        if (!bit(c[0x17], 0)) address = replace_bits<u32>(address, line.row_scan << 13, 1u << 13);
        if (!bit(c[0x17], 1)) address = replace_bits<u32>(address, line.row_scan << 13, 1u << 14);
    }
    return {.counter = counter, .address = address};
}

}  // namespace bantam::devices
