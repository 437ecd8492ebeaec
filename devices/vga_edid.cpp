#include "devices/vga_edid.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace bantam::devices {
namespace {

/// A timing of VESA's Display Monitor Timing standard, in dots and lines; both synchronisations are negative.
struct DetailedTiming {
    unsigned clock_10khz = 0;
    unsigned width = 0, horizontal_blank = 0, horizontal_front = 0, horizontal_sync = 0;
    unsigned height = 0, vertical_blank = 0, vertical_front = 0, vertical_sync = 0;
    unsigned width_mm = 0, height_mm = 0;
};
// DMT 10h: 1024x768 at 60 Hz; about 96 dots an inch.
constexpr DetailedTiming kPreferred{6500, 1024, 320, 24, 136, 768, 38, 3, 6, 270, 203};

constexpr u8 low(unsigned value) { return static_cast<u8>(value & 0xFF); }

/// Section 3.10.2: 18 bytes.
void put_timing(u8* out, const DetailedTiming& t) {
    const auto halves = [](unsigned first, unsigned second) { return low(first >> 8 << 4 | second >> 8); };
    const std::array<u8, 18> bytes{
        low(t.clock_10khz),
        low(t.clock_10khz >> 8),
        low(t.width),
        low(t.horizontal_blank),
        halves(t.width, t.horizontal_blank),
        low(t.height),
        low(t.vertical_blank),
        halves(t.height, t.vertical_blank),
        low(t.horizontal_front),
        low(t.horizontal_sync),
        low((t.vertical_front & 0xF) << 4 | (t.vertical_sync & 0xF)),
        low((t.horizontal_front >> 8) << 6 | (t.horizontal_sync >> 8) << 4 | (t.vertical_front >> 4) << 2 |
            t.vertical_sync >> 4),
        low(t.width_mm),
        low(t.height_mm),
        halves(t.width_mm, t.height_mm),
        0,  // no border
        0,
        0x18,  // digital separate synchronisation
    };
    std::copy(bytes.begin(), bytes.end(), out);
}

/// Section 3.10.3: a descriptor of text, at most 13 characters.
void put_text(u8* out, u8 tag, std::string_view text) {
    std::fill_n(out, 18, u8{0});
    out[3] = tag;
    std::fill_n(out + 5, 13, u8{' '});
    std::copy(text.begin(), text.end(), out + 5);
    if (text.size() < 13) out[5 + text.size()] = '\n';
}

/// Section 3.9: a standard timing at 60 Hz; `aspect` 0: 16:10, 1: 4:3, 2: 5:4, 3: 16:9.
void put_standard(u8* out, unsigned width, unsigned aspect) {
    out[0] = low(width / 8 - 31);
    out[1] = low(aspect << 6);
}

}  // namespace

std::array<u8, 128> monitor_edid() {
    std::array<u8, 128> e{};
    std::fill_n(&e[1], 6, u8{0xFF});
    // Maker "BTM" in three letters of five bits. DEVIATION: no such maker is registered.
    constexpr unsigned kMaker = 2u << 10 | 20u << 5 | 13u;
    e[8] = low(kMaker >> 8);
    e[9] = low(kMaker);
    e[10] = 1;             // product
    e[17] = 2024 - 1990;   // year; no week
    e[18] = 1, e[19] = 3;  // EDID 1.3
    e[20] = 0x08;          // analog, 0.7 V, separate synchronisation
    e[21] = low((kPreferred.width_mm + 5) / 10), e[22] = low((kPreferred.height_mm + 5) / 10);
    e[23] = 220 - 100;  // gamma 2.2
    e[24] = 0x0E;       // RGB colour, sRGB, the first detailed timing is the preferred one
    // sRGB's primaries and white point: x and y of red, green, blue and white in 1/1024, their low bits first.
    constexpr std::array<u8, 10> kChromaticity{0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54};
    std::copy(kChromaticity.begin(), kChromaticity.end(), &e[25]);
    e[35] = 0xA1;                    // 720x400 at 70 Hz, 640x480 and 800x600 at 60 Hz
    e[36] = 0x08;                    // 1024x768 at 60 Hz
    std::fill_n(&e[38], 16, u8{1});  // unused
    put_standard(&e[38], 1280, 2);
    put_standard(&e[40], 1280, 0);
    put_standard(&e[42], 1600, 1);
    put_standard(&e[44], 1920, 3);
    put_standard(&e[46], 1920, 0);
    put_timing(&e[54], kPreferred);
    // Range limits: 50-75 Hz, 30-110 kHz, dot clock up to 350 MHz, no secondary formula.
    constexpr std::array<u8, 18> kLimits{0, 0, 0, 0xFD, 0, 50, 75, 30, 110, 35, 0, '\n', ' ', ' ', ' ', ' ', ' ', ' '};
    std::copy(kLimits.begin(), kLimits.end(), &e[72]);
    put_text(&e[90], 0xFC, "Bantam");
    e[108 + 3] = 0x10;  // dummy descriptor
    e[127] = low(0u - std::accumulate(e.begin(), e.end() - 1, 0u));
    return e;
}

}  // namespace bantam::devices
