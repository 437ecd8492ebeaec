// Fonts for text mode. The usual one comes from the host's VGA BIOS image at run time. The plain one is drawn here from
// line segments, as a sixteen-segment display would: capitals, digits, punctuation, small letters as small capitals,
// and the box and block graphics.
#include <algorithm>
#include <string_view>

#include "base/bits.h"
#include "devices/vga.h"

namespace bantam::devices {
namespace {

// Segments: A B top (left, right half), C D right (upper, lower), E F bottom (right, left half), G H left (lower,
// upper), I J K the upper diagonals and centre, L middle right, M N O the lower diagonals and centre, P middle left.
// '.' a dot.
constexpr std::array<std::string_view, 64> kSegments{
    "",           "J.",        "JC",        "JNLPCDEF", "ABHPLDEFJN", "HKOD",     "AHIMEFGP",  "J",         //  !"#$%&'
    "KM",         "IO",        "IJKMNOLP",  "JNLP",     "O",          "LP",       ".",         "KO",        // ()*+,-./
    "ABCDEFGHKO", "CDK",       "ABCLPGEF",  "ABCDEFL",  "HPLCD",      "ABHPLDEF", "ABHGFEDLP", "ABCD",      // 01234567
    "ABCDEFGHLP", "ABCDEFHLP", "JN",        "JO",       "KM",         "LPEF",     "IO",        "ABCLN",     // 89:;<=>?
    "ABCEFGHLJ",  "ABCDGHLP",  "ABCDEFJNL", "ABHGFE",   "ABCDEFJN",   "ABHGFEP",  "ABHGP",     "ABHGFEDL",  // @ABCDEFG
    "HGCDLP",     "ABJNEF",    "CDEFG",     "HGPKM",    "HGFE",       "HGCDIK",   "HGCDIM",    "ABCDEFGH",  // HIJKLMNO
    "ABCHGLP",    "ABCDEFGHM", "ABCHGLPM",  "ABHPLDEF", "ABJN",       "HGFEDC",   "HGOK",      "HGCDOM",    // PQRSTUVW
    "IKMO",       "IKN",       "ABKOEF",    "AHGF",     "IM",         "BCDE",     "OM",        "EF",        // XYZ[\]^_
};

struct Glyph {
    std::array<u8, 16> rows{};
    void dot(unsigned x, unsigned y) { rows[y] = static_cast<u8>(rows[y] | 0x80u >> x); }
    void line(unsigned x0, unsigned y0, unsigned x1, unsigned y1) {
        const int dx = static_cast<int>(x1) - static_cast<int>(x0), dy = static_cast<int>(y1) - static_cast<int>(y0);
        const int steps = std::max({std::abs(dx), std::abs(dy), 1});
        for (int i = 0; i <= steps; ++i) {
            dot(static_cast<unsigned>(static_cast<int>(x0) + dx * i / steps),
                static_cast<unsigned>(static_cast<int>(y0) + dy * i / steps));
        }
    }
};

void draw_segments(Glyph& glyph, std::string_view segments, unsigned top, unsigned bottom) {
    const unsigned middle = (top + bottom) / 2;
    for (const char segment : segments) {
        switch (segment) {
            case 'A':
                glyph.line(0, top, 3, top);
                break;
            case 'B':
                glyph.line(3, top, 6, top);
                break;
            case 'C':
                glyph.line(6, top, 6, middle);
                break;
            case 'D':
                glyph.line(6, middle, 6, bottom);
                break;
            case 'E':
                glyph.line(3, bottom, 6, bottom);
                break;
            case 'F':
                glyph.line(0, bottom, 3, bottom);
                break;
            case 'G':
                glyph.line(0, middle, 0, bottom);
                break;
            case 'H':
                glyph.line(0, top, 0, middle);
                break;
            case 'I':
                glyph.line(0, top, 3, middle);
                break;
            case 'J':
                glyph.line(3, top, 3, middle);
                break;
            case 'K':
                glyph.line(6, top, 3, middle);
                break;
            case 'L':
                glyph.line(3, middle, 6, middle);
                break;
            case 'M':
                glyph.line(3, middle, 6, bottom);
                break;
            case 'N':
                glyph.line(3, middle, 3, bottom);
                break;
            case 'O':
                glyph.line(3, middle, 0, bottom);
                break;
            case 'P':
                glyph.line(0, middle, 3, middle);
                break;
            default:
                glyph.line(3, bottom, 4, bottom);
                break;
        }
    }
}

// Arms of the box characters B3h-DAh: bit 0 up, 1 down, 2 left, 3 right.
constexpr std::array<u8, 40> kBoxArms{3,  7, 7,  7,  6,  6,  7,  3,  6,  5,  5,  5,  6, 9, 13, 14, 11, 12, 15, 11,
                                      11, 9, 10, 13, 14, 11, 12, 15, 13, 13, 14, 14, 9, 9, 10, 10, 15, 15, 5,  10};

void draw_graphics(Glyph& glyph, unsigned code) {
    for (unsigned y = 0; y < 16; ++y) {
        switch (code) {
            case 0xB0:
                glyph.rows[y] = (y & 1) != 0 ? 0x88 : 0x22;
                break;
            case 0xB1:
                glyph.rows[y] = (y & 1) != 0 ? 0xAA : 0x55;
                break;
            case 0xB2:
                glyph.rows[y] = (y & 1) != 0 ? 0x77 : 0xDD;
                break;
            case 0xDB:
                glyph.rows[y] = 0xFF;
                break;
            case 0xDC:
                glyph.rows[y] = y >= 8 ? 0xFF : 0;
                break;
            case 0xDD:
                glyph.rows[y] = 0xF0;
                break;
            case 0xDE:
                glyph.rows[y] = 0x0F;
                break;
            default:
                glyph.rows[y] = y < 8 ? 0xFF : 0;
                break;
        }
    }
}

Glyph draw(unsigned code) {
    Glyph glyph;
    if (code >= 0x20 && code < 0x60) {
        draw_segments(glyph, kSegments[code - 0x20], 2, 12);
    } else if (code > 0x60 && code < 0x7B) {
        draw_segments(glyph, kSegments[code - 0x40], 6, 12);
    } else if (code >= 0xB3 && code <= 0xDA) {
        const u8 arms = kBoxArms[code - 0xB3];
        if (bit(arms, 0)) glyph.line(3, 0, 3, 7);
        if (bit(arms, 1)) glyph.line(3, 7, 3, 15);
        if (bit(arms, 2)) glyph.line(0, 7, 3, 7);
        if (bit(arms, 3)) glyph.line(3, 7, 7, 7);
    } else if (code >= 0xB0 && code <= 0xDF) {
        draw_graphics(glyph, code);
    } else if (code == '|') {
        glyph.line(3, 2, 3, 12);
    } else if (code == '`') {
        glyph.line(2, 2, 4, 4);
    } else if (code == '{' || code == '}') {
        draw_segments(glyph, code == '{' ? "BJNEP" : "AJNFL", 2, 12);
    } else if (code == '~') {
        draw_segments(glyph, "PI", 5, 9);
        glyph.line(3, 9, 6, 5);
    } else if (code == 0xFE) {
        for (unsigned y = 5; y < 11; ++y) glyph.line(1, y, 6, y);
    } else if (code == 0xFA || code == 0xF9) {
        glyph.line(3, 7, 4, 7);
    } else if (code != 0 && code != 0xFF) {
        // No drawing of its own: a hollow box.
        glyph.line(1, 4, 5, 4);
        glyph.line(1, 12, 5, 12);
        glyph.line(1, 4, 1, 12);
        glyph.line(5, 4, 5, 12);
    }
    return glyph;
}

}  // namespace

std::optional<VgaFont> find_rom_font(std::span<const u8> rom) {
    // The table that INT 10h AX=1130h BH=06h points to begins with the empty glyph 0 and the face of glyph 1; these are
    // the face's rows. Glyph 'A' must then not be empty and a space must be.
    constexpr std::array<u8, 14> kFace{0x00, 0x00, 0x7E, 0x81, 0xA5, 0x81, 0x81,
                                       0xBD, 0x99, 0x81, 0x81, 0x7E, 0x00, 0x00};
    VgaFont font{};
    auto from = rom.begin();
    for (;;) {
        const auto at = std::search(from, rom.end(), kFace.begin(), kFace.end());
        if (at == rom.end()) return std::nullopt;
        const auto offset = static_cast<std::size_t>(at - rom.begin());
        if (offset >= 16 && rom.size() - offset >= font.size() - 16) {
            std::copy_n(at - 16, font.size(), font.begin());
            const auto blank = [&](unsigned glyph) {
                return std::all_of(&font[glyph * 16u], &font[glyph * 16u] + 16, [](u8 row) { return row == 0; });
            };
            if (blank(0) && blank(' ') && !blank('A') && !blank('z')) return font;
        }
        from = at + 1;
    }
}

VgaFont make_plain_font() {
    VgaFont font{};
    for (unsigned code = 0; code < 256; ++code) {
        const Glyph glyph = draw(code);
        std::copy(glyph.rows.begin(), glyph.rows.end(), font.begin() + code * 16);
    }
    return font;
}

}  // namespace bantam::devices
