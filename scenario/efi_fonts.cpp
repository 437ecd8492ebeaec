#include "scenario/efi_fonts.h"

#include <cstring>

namespace bantam::scenario {
namespace {

constexpr unsigned kWidth = 8, kHeight = 19;
// EFI_HII_SIMPLE_FONT_PACKAGE_HDR: length (24 bits) and type (8), then 16 bits each
constexpr u32 kSimpleFonts = 7;
constexpr std::size_t kNarrowCountAt = 4, kWideCountAt = 6, kHeaderBytes = 8;
// EFI_NARROW_GLYPH and EFI_WIDE_GLYPH: character (16 bits), attributes (8), the dots, leftmost in the highest bit: of
// the left half, and of the right half
constexpr std::size_t kDotsAt = 3, kNarrowBytes = kDotsAt + kHeight, kRightDotsAt = kDotsAt + kHeight;
constexpr std::size_t kWideBytes = 44;  // three bytes of padding

u16 half(std::span<const u8> bytes, std::size_t at) { return static_cast<u16>(bytes[at] | bytes[at + 1] << 8); }

struct Package {
    std::span<const u8> narrow, wide;  // whole glyphs
};

/// The package that begins `memory`, empty if none does.
Package package_at(std::span<const u8> memory) {
    u32 header = 0;
    std::memcpy(&header, memory.data(), sizeof header);
    if (header >> 24 != kSimpleFonts) return {};
    const std::size_t narrow = half(memory, kNarrowCountAt) * kNarrowBytes;
    const std::size_t wide = half(memory, kWideCountAt) * kWideBytes;
    const std::size_t length = kHeaderBytes + narrow + wide;
    if ((header & 0xFFFFFF) != length || length > memory.size()) return {};
    return {memory.subspan(kHeaderBytes, narrow), memory.subspan(kHeaderBytes + narrow, wide)};
}

bool has_letters(std::span<const u8> narrow) {
    u32 letters = 0;
    for (std::size_t at = 0; at < narrow.size(); at += kNarrowBytes) {
        const u16 code = half(narrow, at);
        if (code >= 'A' && code <= 'Z') letters |= 1u << (code - 'A');
    }
    return letters == (1u << 26) - 1;
}

void add(const Package& package, Font::CharacterSet& set) {
    for (std::size_t at = 0; at < package.narrow.size(); at += kNarrowBytes) {
        Font::Character character{static_cast<char16_t>(half(package.narrow, at)), {}};
        for (unsigned y = 0; y < kHeight; ++y) character.rows.at(y) = package.narrow[at + kDotsAt + y];
        set.single.push_back(character);
    }
    for (std::size_t at = 0; at < package.wide.size(); at += kWideBytes) {
        Font::Character character{static_cast<char16_t>(half(package.wide, at)), {}};
        for (unsigned y = 0; y < kHeight; ++y) {
            character.rows.at(y) = u32{package.wide[at + kDotsAt + y]} << kWidth | package.wide[at + kRightDotsAt + y];
        }
        set.wide.push_back(character);
    }
}

}  // namespace

Font::CharacterSet no_efi_characters() {
    constexpr unsigned kCursorRows = 3;  // mCursorGlyph in EDK II's GraphicsConsoleDxe
    return {.width = kWidth,
            .height = kHeight,
            .cursor = {.first = kHeight - kCursorRows, .rows = kCursorRows},
            .single = {},
            .wide = {}};
}

void search_efi_fonts(std::span<const u8> memory, Font::CharacterSet& set) {
    for (std::size_t at = 0; at + kHeaderBytes <= memory.size(); at += 4) {
        const Package package = package_at(memory.subspan(at));
        if (package.narrow.empty()) continue;
        const std::size_t more = package.narrow.size() / kNarrowBytes + package.wide.size() / kWideBytes;
        if (set.single.size() + set.wide.size() + more > kMostEfiGlyphs) return;
        if (has_letters(package.narrow)) add(package, set);
    }
}

}  // namespace bantam::scenario
