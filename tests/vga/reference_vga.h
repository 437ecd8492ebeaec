// ReferenceVga: a VGA written from the register description alone (IBM PS/2 Hardware Interface Technical Reference,
// "Video Subsystem"; FreeVGA's register pages), to judge the one in devices/. It shares nothing with that one: the
// planes are four arrays, an access to memory follows the description step by step, and a picture is made dot by dot
// the way the beam goes. It is slow and has no notion of what changed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace reference {

struct Picture {
    unsigned width = 0, height = 0;
    std::vector<std::uint8_t> rgb;  // three bytes a dot
    bool operator==(const Picture&) const = default;
};

class ReferenceVga {
public:
    /// CPU's OUT and IN of a byte, ports 3B0h-3DFh. Of what can be read only the attribute flip-flop's reset is here.
    void out(unsigned port, unsigned value);
    void in(unsigned port);
    /// Bochs's display interface: `value` to its register `index`.
    void out_dispi(unsigned index, unsigned value);
    /// CPU's accesses to a byte at A0000h-BFFFFh.
    void write(std::uint32_t address, unsigned value);
    unsigned read(std::uint32_t address);
    /// A byte of the linear frame buffer.
    void write_linear(std::uint32_t offset, unsigned value);
    /// `phase` counts steps of eight frames: the cursor turns at each, characters at every second.
    [[nodiscard]] Picture picture(unsigned phase) const;
    /// A dot lasts two of the dot clock's periods (sequencer 1 bit 3).
    [[nodiscard]] bool wide_dots() const { return (sequencer_[1] & 8) != 0 && !linear(); }
    [[nodiscard]] bool linear() const { return (dispi_[4] & 1) != 0; }

private:
    using Planes = std::array<std::uint8_t, 4>;
    struct Rgb {
        std::uint8_t red = 0, green = 0, blue = 0;
    };
    struct Beam;
    [[nodiscard]] bool map(std::uint32_t address, std::uint32_t& offset) const;
    [[nodiscard]] Planes load(std::uint32_t offset) const;
    [[nodiscard]] Rgb dac(unsigned index) const;
    [[nodiscard]] Rgb attribute(unsigned four_bits, unsigned phase) const;
    [[nodiscard]] unsigned memory_address(unsigned counter, unsigned row_scan) const;
    void text_clock(const Beam& beam, unsigned counter, unsigned column, unsigned phase, std::vector<Rgb>& line) const;
    void graphics_clock(const Beam& beam, unsigned counter, unsigned phase, std::vector<Rgb>& line) const;
    [[nodiscard]] std::vector<Rgb> scan_line(const Beam& beam, unsigned phase) const;
    [[nodiscard]] Picture linear_picture() const;

    std::uint8_t misc_ = 0;
    unsigned sequencer_index_ = 0, crtc_index_ = 0, graphics_index_ = 0, attribute_index_ = 0;
    bool attribute_data_ = false;
    std::array<std::uint8_t, 8> sequencer_{};
    std::array<std::uint8_t, 64> crtc_{};
    std::array<std::uint8_t, 16> graphics_{};
    std::array<std::uint8_t, 32> attribute_{};
    std::uint8_t pel_mask_ = 0xFF;
    unsigned dac_index_ = 0, dac_component_ = 0;
    std::array<Rgb, 256> dac_{};
    Rgb dac_written_;
    Planes latch_{};
    std::vector<std::uint8_t> plane_[4] = {std::vector<std::uint8_t>(65536), std::vector<std::uint8_t>(65536),
                                           std::vector<std::uint8_t>(65536), std::vector<std::uint8_t>(65536)};
    std::array<unsigned, 16> dispi_{};
    std::vector<std::uint8_t> linear_ = std::vector<std::uint8_t>(16 << 20);
};

}  // namespace reference
