// Vga: IBM's video graphics array (IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"; also Ferraro,
// "Programmer's Guide to the EGA, VGA and Super VGA Cards"): all registers, 256 KiB in four planes with latches, write
// modes 0-3, read modes, odd/even and chain-4, text and all graphics modes, retrace bits from virtual time.
// vga_memory.cpp holds the planes, vga_crtc.cpp the counters, vga_text.cpp and vga_render.cpp the picture,
// vga_changes.cpp what of it is new. vga_dispi.cpp adds the Bochs/QEMU display interface (DISPI) with 16 MiB of linear
// memory, vga_mmio.cpp the registers as memory, with the monitor's EDID. Left out: light pen, border, skew of display
// enable, the DAC's sense circuit; what warn_once() tells.
#pragma once

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "devices/device.h"
#include "devices/frame.h"

namespace bantam::devices {

/// 256 glyphs of 16 rows, leftmost dot in bit 7.
using VgaFont = std::array<u8, 256 * 16>;
/// The 8x16 font inside a VGA BIOS image, if one is there.
[[nodiscard]] std::optional<VgaFont> find_rom_font(std::span<const u8> rom);
/// Letters drawn from line segments; used when no VGA BIOS is installed.
[[nodiscard]] VgaFont make_plain_font();

class Vga final : public Device {
public:
    /// Memory: the first 256 KiB are the four planes.
    static constexpr u32 kMemoryBytes = 16 << 20;

    struct Pins {
        OutputLine interrupt;                      // vertical retrace, IRQ2/9 where wired
        std::function<void()> memory_map_changed;  // memory_window() is different now
        /// The next write to each page of these bytes of linear_memory() is to be told to memory_written(). Null:
        /// nobody writes there but through the chip.
        std::function<void(u64 offset, u64 bytes)> watch_writes = nullptr;
    };
    Vga(Scheduler& scheduler, Pins pins);

    [[nodiscard]] std::string_view name() const override { return "vga"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Offset = port - 3B0h, 0..2Fh. Registers at 3Bxh or 3Dxh that the colour bit deselects read FFh.
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;
    RegisterSpace registers();

    /// Offset = address - A0000h, 0..1FFFFh.
    u8 read_memory(u64 offset);
    void write_memory(u64 offset, u8 value);
    [[nodiscard]] u8 peek_memory(u64 offset) const;
    /// 128 KiB at A0000h, accesses of up to 8 bytes.
    RegisterSpace memory();

    /// Ports 1CEh-1D1h: the DISPI index as a word at offset 0, its data as a word at offset 1 (two bytes, low first),
    /// and as in QEMU at offset 2, where UEFI's driver has it.
    RegisterSpace dispi();
    /// The registers as memory, 4 KiB: the monitor's EDID, ports 3C0h-3DFh, DISPI's registers side by side.
    RegisterSpace mmio();
    /// The whole memory, as the linear frame buffer shows it; it stays where it is.
    [[nodiscard]] std::span<u8> linear_memory() { return {memory_.get(), kMemoryBytes}; }

    /// Programs 80x25 text, palette and font as a BIOS's mode 3 does, with a cleared screen; for kernels booted without
    /// one.
    void set_text_mode_3(const VgaFont& font);

    [[nodiscard]] bool graphics() const { return dispi_enabled() || (r_.graphics[6] & 1) != 0; }
    struct Cursor {
        bool visible = false;
        unsigned column = 0;
        unsigned row = 0;
    };
    [[nodiscard]] Cursor cursor() const;
    /// Nothing in a graphics mode.
    [[nodiscard]] std::optional<TextFont> text_font() const;
    /// The text screen as UTF-8, rows ending in \n, trailing blanks removed. Empty in a graphics mode.
    [[nodiscard]] std::string text_screen(const GlyphMeanings& meanings) const;
    /// The picture as the monitor shows it now, text and graphics; 640x480 black when the CRTC is not set up.
    [[nodiscard]] Frame render() const;
    /// Different after whatever may have changed the picture since the last render_changes(): registers, memory, the
    /// phase of what blinks. Cheap.
    [[nodiscard]] u64 picture_version() const { return picture_version_ << kPhaseBits | blink_phase(); }
    /// Brings `picture` up to date and tells whether anything of it is different. When nothing happened it costs a
    /// comparison; otherwise the rows are drawn whose memory was written to. Not seen by the guest.
    [[nodiscard]] bool render_changes(Picture& picture);
    /// The page at `offset` of linear_memory(), one of those that watch_writes() asked for, is about to be written.
    void memory_written(u64 offset);
    /// linear_memory() is mapped elsewhere or not at all: no write to it is watched any more.
    void memory_remapped();

    struct Registers {
        u8 misc_output = 0;
        u8 feature_control = 0;
        u8 sequencer_index = 0;
        std::array<u8, 8> sequencer{};
        u8 crtc_index = 0;
        std::array<u8, 32> crtc{};
        u8 graphics_index = 0;
        std::array<u8, 16> graphics{};
        u8 attribute_index = 0;       // with bit 5, palette address source
        bool attribute_data = false;  // flip-flop: the next write of 3C0h is data
        std::array<u8, 32> attribute{};
        u8 dac_mask = 0xFF;
        u8 dac_state = 0;  // 0 after a write index, 3 after a read index
        u8 dac_read_index = 0, dac_write_index = 0;
        u8 dac_component = 0;
        std::array<u8, 3> dac_latch{};
        std::array<u8, 768> dac{};
        std::array<u8, 4> latch{};
        bool retrace_latched = false;  // vertical retrace interrupt waits
        u64 frame_base_ns = 0;         // a moment when a frame began
        u16 dispi_index = 0;
        u8 dispi_low = 0;             // low data byte waiting for the high one
        std::array<u16, 10> dispi{};  // by index; 0 (id) is the version written last
    };

private:
    /// The beam's way in dots, as the CRTC registers say; exact over any time.
    struct Timing {
        u64 frame_dots = 0;  // 0: the CRTC does not run
        u64 dots_per_second = 0;
        u64 line_dots = 0, display_dots = 0;
        u64 display_lines = 0;
        u64 retrace_start = 0, retrace_end = 0;  // lines
        [[nodiscard]] u64 dots_in(u64 ns) const;
        /// The first nanosecond when `dots` have passed.
        [[nodiscard]] u64 ns_of(u64 dots) const;
    };
    struct Geometry {
        unsigned columns = 0;  // character clocks shown
        unsigned lines = 0;    // scan lines shown
        unsigned character_height = 0;
        unsigned character_width = 0;
        unsigned row_bytes = 0;  // addresses from row to row
        unsigned start = 0;
        unsigned split_line = 0;  // the first scan line of the lower part
        bool double_scan = false;
        unsigned row_lines = 1;  // scan lines of a character row
        unsigned rows = 0;       // whole character rows shown
    };
    /// What the CRTC's counters and the attribute controller's panning hold when a scan line begins.
    struct ScanLine {
        u32 counter = 0;   // memory address counter
        u32 row_scan = 0;  // row within the character
        unsigned pan = 0;  // dots that are dropped at the left
        bool operator==(const ScanLine&) const = default;
    };
    struct Cell {
        u32 counter = 0;
        u32 address = 0;  // in each plane
    };
    /// What all scan lines of a picture are drawn by.
    struct Painter {
        Geometry geometry;
        std::vector<ScanLine> lines;
        std::array<u32, 16> palette{};
        bool blink_off = false;  // what blinks is in its other half
        bool cursor_shown = false;
        u32 cursor = 0;            // where the address counter is at it
        unsigned cursor_skew = 0;  // character clocks
    };
    [[nodiscard]] bool dispi_enabled() const { return (r_.dispi[4] & 1) != 0; }
    /// The frame buffer is linear: DISPI is on with at least 8 bits a pixel.
    [[nodiscard]] bool dispi_linear() const { return dispi_enabled() && r_.dispi[3] != 4; }
    /// DAC components have 8 bits instead of 6.
    [[nodiscard]] bool wide_dac() const { return (r_.dispi[4] & 0x20) != 0; }
    [[nodiscard]] u16 read_dispi(u16 index) const;
    void write_dispi(u16 index, u16 value);
    void enable_dispi(u16 value);
    [[nodiscard]] u32 dispi_row_bytes() const;
    [[nodiscard]] Frame render_dispi() const;
    /// Where row y of a linear mode begins in memory_, and its bytes; the row shows nothing when that is outside.
    [[nodiscard]] u64 dispi_row(u32 y) const;
    [[nodiscard]] u32 dispi_shown_bytes() const;
    void render_dispi_row(u32 y, u32* out) const;
    void allocate_memory();
    void clear_memory();
    /// Address in memory_ that the 64 KiB window shows at `offset` of A0000h in a linear mode; kMemoryBytes: none.
    [[nodiscard]] u32 banked(u64 offset) const;
    [[nodiscard]] Timing timing() const;
    [[nodiscard]] Geometry geometry() const;
    [[nodiscard]] std::vector<ScanLine> scan_lines(const Geometry& g) const;
    [[nodiscard]] Cell cell_at(const ScanLine& line, unsigned column) const;
    [[nodiscard]] unsigned pan_dots(u8 panning) const;
    [[nodiscard]] u64 elapsed_ns() const;
    [[nodiscard]] u8 input_status_1() const;
    [[nodiscard]] u8 input_status_0() const;
    [[nodiscard]] bool colour() const { return (r_.misc_output & 1) != 0; }
    [[nodiscard]] bool port_selected(u64 offset) const;
    [[nodiscard]] bool write_shows(u64 offset) const;
    void write_attribute(u8 value);
    void write_crtc(u8 value);
    void write_graphics(u8 value);
    void write_dac(u8 value);
    u8 read_dac();
    void retrace_started();
    void schedule_retrace();
    void update_interrupt();

    /// Where a CPU address falls: byte of a plane, and which planes.
    struct Decoded {
        bool hit = false;
        u32 address = 0;
        u8 planes = 0;  // mask for writing
        u8 read_plane = 0;
    };
    [[nodiscard]] Decoded decode(u64 offset, bool write) const;
    [[nodiscard]] u8 plane_byte(u32 address, unsigned plane) const { return memory_[(address & 0xFFFF) * 4 + plane]; }

    // --- what is new in the picture
    static constexpr unsigned kPhaseBits = 2;
    /// Frames after which something that blinks may change: the cursor is on for as long, characters twice as long.
    static constexpr unsigned kBlinkStepFrames = 8;
    static constexpr u64 kPlanesBytes = 256 << 10;
    [[nodiscard]] u64 frames_shown() const;
    [[nodiscard]] unsigned blink_phase() const;
    void picture_changed() { whole_version_ = ++picture_version_; }
    void cell_written(u32 address, u8 planes);
    [[nodiscard]] bool bytes_changed(u64 begin, u64 end, u64 seen) const;
    [[nodiscard]] bool line_changed(const Painter& painter, const ScanLine& line, u64 seen, bool blinked) const;
    bool redraw(Picture& picture) const;
    bool redraw_lines(Picture& picture, u64 seen, bool blinked) const;
    bool watch_picture();

    /// Where plane 2 has the fonts that the character map select register chooses (sequencer 3).
    [[nodiscard]] u32 font_a_base() const;
    [[nodiscard]] u32 font_b_base() const;
    [[nodiscard]] u32 colour_of(u8 palette_register) const;
    [[nodiscard]] u32 dac_colour(u8 index) const;
    [[nodiscard]] Painter painter() const;
    [[nodiscard]] bool shows_nothing() const;
    [[nodiscard]] bool cursor_at(const Painter& painter, const ScanLine& line, unsigned column) const;
    void draw_line(const Painter& painter, const ScanLine& line, std::vector<u32>& dots) const;
    void draw_text(const Painter& painter, const ScanLine& line, std::vector<u32>& dots) const;
    void draw_graphics(const Painter& painter, const ScanLine& line, std::vector<u32>& dots) const;
    [[nodiscard]] std::array<u8, 8> shifted_out(u32 address) const;

    /// What a guest asks for and does not get.
    enum Unsupported : u8 { kSubsystemOff, kSlowLoading, kVideoFeedback, kBigEndian, kUnsupportedCount };
    void warn_once(Unsupported what, std::string_view message);

    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
    struct Free {
        void operator()(u8* block) const { std::free(block); }
    };
    std::unique_ptr<u8[], Free>
        memory_;  // kMemoryBytes, whole pages; four planes interleaved: byte a of plane p at 4a + p
    Timer retrace_timer_;
    std::array<bool, kUnsupportedCount> warned_{};
    // What viewers have seen; no part of the machine's state.
    u64 picture_version_ = 1;
    u64 whole_version_ = 1;                                      // when more changed than bytes of the linear memory
    std::array<u64, kMemoryBytes / kPageSize> page_versions_{};  // when a page's bytes changed, as far as is known
    std::array<bool, kMemoryBytes / kPageSize> page_watched_{};  // its next write will be told
};

}  // namespace bantam::devices
