// ReferenceVga's picture: the beam goes down the lines, character clock by character clock, dot by dot.
#include "tests/vga/reference_vga.h"

namespace reference {

/// What the counters hold at the left of a scan line.
struct ReferenceVga::Beam {
    unsigned counter = 0;
    unsigned row_scan = 0;
    unsigned panning = 0;  // as in the pixel panning register
};

ReferenceVga::Rgb ReferenceVga::dac(unsigned index) const {
    const Rgb entry = dac_[index & pel_mask_];
    if ((dispi_[4] & 0x20) != 0) return entry;
    // Six bits drive eight: full scale is full scale.
    const auto eight = [](unsigned six) { return static_cast<std::uint8_t>(six << 2 | six >> 4); };
    return {eight(entry.red), eight(entry.green), eight(entry.blue)};
}

/// The attribute controller: a four-bit value becomes a colour.
ReferenceVga::Rgb ReferenceVga::attribute(unsigned four_bits, unsigned phase) const {
    unsigned index = four_bits & attribute_[0x12] & 15;
    const bool graphics = (graphics_[6] & 1) != 0;
    if (graphics && (attribute_[0x10] & 8) != 0 && (phase & 2) != 0) index ^= 8;
    unsigned colour = attribute_[index] & 0x3F;
    if ((attribute_[0x10] & 0x80) != 0) colour = (colour & 0x0F) | (attribute_[0x14] & 3u) << 4;
    return dac(colour | (attribute_[0x14] & 0x0Cu) << 4);
}

/// CRTC 17h and 14h: bytes, words or doublewords, and the row scan in place of address bits 13 and 14.
unsigned ReferenceVga::memory_address(unsigned counter, unsigned row_scan) const {
    const unsigned mode = crtc_[0x17];
    unsigned address = counter & 0xFFFF;
    if ((crtc_[0x14] & 0x40) != 0) {
        address = (address << 2) | (address >> 14);
    } else if ((mode & 0x40) == 0) {
        const unsigned wrapped = (mode & 0x20) != 0 ? address >> 15 : address >> 13;
        address = (address << 1) | (wrapped & 1);
    }
    address &= 0xFFFF;
    if ((mode & 1) == 0) address = (address & ~0x2000u) | (row_scan & 1) << 13;
    if ((mode & 2) == 0) address = (address & ~0x4000u) | (row_scan >> 1 & 1) << 14;
    return address;
}

void ReferenceVga::text_clock(const Beam& beam, unsigned counter, unsigned column, unsigned phase,
                              std::vector<Rgb>& line) const {
    const unsigned address = memory_address(counter, beam.row_scan);
    const unsigned code = plane_[0][address], look = plane_[1][address];
    // Sequencer 3: map A (attribute bit 3 set) in bits 5, 3, 2; map B in bits 4, 1, 0. Maps 0-3 are 16 KiB apart, 4-7
    // lie 8 KiB above them. Only with extended memory.
    const unsigned choice = sequencer_[3];
    const unsigned select =
        (look & 8) != 0 ? (choice >> 2 & 3) | (choice >> 5 & 1) << 2 : (choice & 3) | (choice >> 4 & 1) << 2;
    unsigned font = 0;
    if ((sequencer_[4] & 2) != 0) font = (select & 3) * 0x4000 + (select >> 2) * 0x2000;
    const unsigned row = plane_[2][(font + code * 32 + beam.row_scan) & 0xFFFF];
    // Cursor: its place is compared with the counter, `skew` character clocks ago.
    const unsigned skew = crtc_[0x0B] >> 5 & 3;
    bool cursor = (crtc_[0x0A] & 0x20) == 0 && (phase & 1) == 0 && column >= skew;
    cursor = cursor && beam.row_scan >= (crtc_[0x0A] & 31u) && beam.row_scan <= (crtc_[0x0B] & 31u);
    if (cursor) {
        const unsigned place = crtc_[0x0E] * 256u + crtc_[0x0F];
        unsigned clocks = column - skew;
        if ((crtc_[0x14] & 0x20) != 0) {
            clocks /= 4;
        } else if ((crtc_[0x17] & 8) != 0) {
            clocks /= 2;
        }
        cursor = ((beam.counter + clocks) & 0xFFFF) == place;
    }
    const bool blinks = (attribute_[0x10] & 8) != 0;
    const unsigned front = look & 15, back = blinks ? look >> 4 & 7 : look >> 4;
    const unsigned dots = (sequencer_[1] & 1) != 0 ? 8 : 9;
    for (unsigned dot = 0; dot < dots; ++dot) {
        bool lit = dot < 8 && (row >> (7 - dot) & 1) != 0;
        if (dot == 8 && (attribute_[0x10] & 4) != 0 && code >= 0xC0 && code <= 0xDF) lit = (row & 1) != 0;
        if ((look & 7) == 1 && (look & 0x70) == 0 && beam.row_scan == (crtc_[0x14] & 31u)) lit = true;
        if (blinks && (look & 0x80) != 0 && (phase & 2) != 0) lit = false;
        if (cursor) lit = true;
        line.push_back(attribute(lit ? front : back, phase));
    }
}

void ReferenceVga::graphics_clock(const Beam& beam, unsigned counter, unsigned phase, std::vector<Rgb>& line) const {
    const unsigned address = memory_address(counter, beam.row_scan);
    unsigned stream[8] = {};
    for (unsigned dot = 0; dot < 8; ++dot) {
        if ((graphics_[5] & 0x40) != 0) {
            const unsigned byte = plane_[dot / 2][address];
            stream[dot] = dot % 2 == 0 ? byte / 16 : byte % 16;
        } else if ((graphics_[5] & 0x20) != 0) {
            const unsigned low = plane_[dot < 4 ? 0 : 1][address], high = plane_[dot < 4 ? 2 : 3][address];
            const unsigned place = (3 - dot % 4) * 2;
            stream[dot] = (low >> place & 3) + 4 * (high >> place & 3);
        } else {
            for (unsigned p = 0; p < 4; ++p) stream[dot] += (plane_[p][address] >> (7 - dot) & 1u) << p;
        }
    }
    for (unsigned dot = 0; dot < 8; ++dot) {
        if ((attribute_[0x10] & 0x40) != 0) {  // two four-bit values make a colour
            line.push_back(dac(stream[dot & ~1u] * 16 + stream[dot | 1u]));
        } else {
            line.push_back(attribute(stream[dot], phase));
        }
    }
}

std::vector<ReferenceVga::Rgb> ReferenceVga::scan_line(const Beam& beam, unsigned phase) const {
    const unsigned clocks = crtc_[1] + 1u;
    std::vector<Rgb> line;
    unsigned counter = beam.counter;
    for (unsigned column = 0; column <= clocks; ++column) {
        if ((graphics_[6] & 1) != 0) {
            graphics_clock(beam, counter, phase, line);
        } else {
            text_clock(beam, counter, column, phase, line);
        }
        unsigned divided = 1;
        if ((crtc_[0x14] & 0x20) != 0) {
            divided = 4;
        } else if ((crtc_[0x17] & 8) != 0) {
            divided = 2;
        }
        if ((column + 1) % divided == 0) counter = (counter + 1) & 0xFFFF;
    }
    const bool nine = (graphics_[6] & 1) == 0 && (sequencer_[1] & 1) == 0;
    unsigned dropped = beam.panning & 7;
    if (nine) dropped = (beam.panning & 8) != 0 ? 0 : dropped + 1;
    line.erase(line.begin(), line.begin() + dropped);
    line.resize(clocks * (nine ? 9 : 8));
    return line;
}

Picture ReferenceVga::picture(unsigned phase) const {
    if (linear()) return linear_picture();
    // Vertical fields have their high bits in the overflow register (7) and maximum scan line (9).
    const unsigned over = crtc_[7];
    unsigned shown = (crtc_[0x12] + (over >> 1 & 1) * 256 + (over >> 6 & 1) * 512) + 1;
    unsigned compare = crtc_[0x18] + (over >> 4 & 1) * 256 + (crtc_[9] >> 6 & 1u) * 512;
    const unsigned lines_per_count = (crtc_[0x17] & 4) != 0 ? 2 : 1;
    shown *= lines_per_count;
    const unsigned byte_panning = crtc_[8] >> 5 & 3;
    Beam beam{crtc_[0x0C] * 256u + crtc_[0x0D] + byte_panning, crtc_[8] & 31u, attribute_[0x13]};
    unsigned row_counter = beam.counter;
    bool repeated = false;
    Picture result;
    result.height = shown;
    for (unsigned y = 0; y < shown; ++y) {
        beam.counter = row_counter;
        const std::vector<Rgb> line = scan_line(beam, phase);
        result.width = static_cast<unsigned>(line.size());
        const bool dark = (sequencer_[1] & 0x20) != 0 || (attribute_index_ & 0x20) == 0;
        for (const Rgb& dot : line) {
            result.rgb.push_back(dark ? 0 : dot.red);
            result.rgb.push_back(dark ? 0 : dot.green);
            result.rgb.push_back(dark ? 0 : dot.blue);
        }
        if (y / lines_per_count == compare && (y + 1) % lines_per_count == 0) {  // the split screen begins below
            const bool pans = (attribute_[0x10] & 0x20) == 0;
            row_counter = pans ? byte_panning : 0;
            beam.row_scan = 0;
            if (!pans) beam.panning = 0;
            repeated = false;
            continue;
        }
        if ((crtc_[9] & 0x80) != 0 && !repeated) {
            repeated = true;
            continue;
        }
        repeated = false;
        if (beam.row_scan == (crtc_[9] & 31u)) {
            beam.row_scan = 0;
            row_counter += crtc_[0x13] * 2u;
        } else {
            beam.row_scan = (beam.row_scan + 1) % 32;
        }
    }
    return result;
}

/// Bochs's modes: one colour after the other, little-endian, in rows of the virtual width.
Picture ReferenceVga::linear_picture() const {
    Picture result{.width = dispi_[1], .height = dispi_[2], .rgb = {}};
    const unsigned depth = dispi_[3], bytes = (depth + 7) / 8;
    for (unsigned y = 0; y < result.height; ++y) {
        for (unsigned x = 0; x < result.width; ++x) {
            const std::size_t at = (std::size_t{y + dispi_[9]} * dispi_[6] + x + dispi_[8]) * bytes;
            std::uint32_t dot = 0;
            for (unsigned i = 0; i < bytes; ++i) dot |= std::uint32_t{linear_.at(at + i)} << (8 * i);
            const auto five = [](unsigned v) { return static_cast<std::uint8_t>((v & 31) << 3 | (v & 31) >> 2); };
            Rgb colour;
            if (depth == 8) colour = dac(dot);
            if (depth == 15) colour = {five(dot >> 10), five(dot >> 5), five(dot)};
            if (depth == 16) {
                const unsigned green = dot >> 5 & 63;
                colour = {five(dot >> 11), static_cast<std::uint8_t>(green << 2 | green >> 4), five(dot)};
            }
            if (depth >= 24) {
                colour = {static_cast<std::uint8_t>(dot >> 16), static_cast<std::uint8_t>(dot >> 8),
                          static_cast<std::uint8_t>(dot)};
            }
            result.rgb.insert(result.rgb.end(), {colour.red, colour.green, colour.blue});
        }
    }
    return result;
}

}  // namespace reference
