#include "scenario/font_search.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "scenario/efi_fonts.h"
#include "scenario/grub_fonts.h"
#include "scenario/guest_ram.h"

namespace bantam::scenario {
namespace {

constexpr u64 kRoms = 0xC0000, kRomsEnd = 0x100000;
constexpr unsigned kGlyphs = 256, kLessGlyphs = 128;  // the system BIOS has the first half at F000:FA6Eh

struct Face {
    unsigned height;
    std::array<u8, 8> rows;  // of glyph 1, without the empty ones above and below
    unsigned first;          // the row they begin in
};
constexpr std::array kFaces{
    Face{8, {0x7E, 0x81, 0xA5, 0x81, 0xBD, 0x99, 0x81, 0x7E}, 0},
    Face{14, {0x7E, 0x81, 0xA5, 0x81, 0x81, 0xBD, 0x99, 0x81}, 2},
    Face{16, {0x7E, 0x81, 0xA5, 0x81, 0x81, 0xBD, 0x99, 0x81}, 2},
};

bool empty(std::span<const u8> glyph) {
    return std::all_of(glyph.begin(), glyph.end(), [](u8 row) { return row == 0; });
}

/// Glyph 0 and the space are empty, letters and digits are not, and no two neighbours are the same.
bool plausible(std::span<const u8> glyphs, unsigned glyph_bytes) {
    const auto glyph = [&](unsigned code) { return glyphs.subspan(std::size_t{code} * glyph_bytes, glyph_bytes); };
    if (!empty(glyph(' '))) return false;
    for (const auto& [first, last] : {std::pair('0', '9'), std::pair('A', 'Z'), std::pair('a', 'z')}) {
        for (char c = first; c <= last; ++c) {
            const auto here = glyph(static_cast<unsigned char>(c)), next = glyph(static_cast<unsigned char>(c + 1));
            if (empty(here) || std::equal(here.begin(), here.end(), next.begin())) return false;
        }
    }
    return true;
}

void search_faces(std::span<const u8> memory, const Face& face, std::vector<FoundFont>& found) {
    if (memory.size() < face.rows.size()) return;
    const std::size_t before = face.height + face.first;  // glyph 0, and the empty rows of glyph 1
    const u8* from = memory.data();
    const u8* const end = memory.data() + memory.size();
    while (found.size() < kMostFonts) {
        const auto* at = static_cast<const u8*>(
            ::memmem(from, static_cast<std::size_t>(end - from), face.rows.data(), face.rows.size()));
        if (at == nullptr) return;
        from = at + 1;
        const auto place = static_cast<std::size_t>(at - memory.data());
        if (place < before) continue;
        const std::span<const u8> rest = memory.subspan(place - before);
        if (!empty(rest.first(before)) || rest.size() < std::size_t{kLessGlyphs} * face.height) continue;
        if (!plausible(rest, face.height)) continue;
        const std::size_t bytes = std::min(rest.size(), std::size_t{kGlyphs} * face.height);
        const std::span<const u8> glyphs = rest.first(bytes - bytes % face.height);
        found.push_back({.offset = place - before,
                         .layout = {.width = 8, .height = face.height, .glyph_bytes = face.height},
                         .glyphs = {glyphs.begin(), glyphs.end()}});
    }
}

/// The kernel's crc32(0, ...) neither begins nor ends with an inversion.
u32 linux_crc(std::span<const u8> bytes) {
    return ~static_cast<u32>(::crc32(0xFFFFFFFF, bytes.data(), static_cast<uInt>(bytes.size())));
}

/// No dot lies right of `width`.
bool fits(std::span<const u8> glyphs, unsigned width) {
    const u32 right = 0xFFFFu >> width;
    for (std::size_t i = 0; i + 1 < glyphs.size(); i += 2) {
        if (((glyphs[i] << 8u | glyphs[i + 1]) & right) != 0) return false;
    }
    return true;
}

/// What the header leaves open: rows of one byte, or of two with one of the usual widths.
void add_console_font(u64 offset, std::span<const u8> glyphs, unsigned count, std::vector<FoundFont>& found) {
    const auto glyph_bytes = static_cast<unsigned>(glyphs.size() / count);
    const auto add = [&](unsigned width, unsigned height) {
        if (found.size() == kMostFonts) return;
        found.push_back({.offset = offset,
                         .layout = {.width = width,
                                    .height = height,
                                    .glyph_bytes = glyph_bytes,
                                    .characters = Font::Characters::ascii},
                         .glyphs = {glyphs.begin(), glyphs.end()}});
    };
    if (glyph_bytes <= Font::kMostHeight) add(8, glyph_bytes);
    if (glyph_bytes % 2 != 0 || glyph_bytes < 24) return;
    for (const unsigned width : {10u, 11u, 12u, 14u, 16u}) {
        if (fits(glyphs, width)) add(width, glyph_bytes / 2);
    }
}

void search_console_fonts(std::span<const u8> memory, std::vector<FoundFont>& found) {
    constexpr std::size_t kHeader = 16;
    constexpr u32 kLeastHeight = 6, kMostGlyphBytes = 2 * Font::kMostHeight;
    constexpr std::size_t kAllocation = 2048;  // kmalloc's for the least of them, and where it then lies
    unsigned sums = 0;
    for (std::size_t at = 0; at + kHeader < memory.size() && found.size() < kMostFonts && sums < kMostSums; at += 4) {
        std::array<u32, 4> words;  // sum, count, size, users
        std::memcpy(&words[1], &memory[at + 4], 4);
        const bool counted = words[1] == 256 || words[1] == 512;
        if (!counted && at % kAllocation != 0) continue;
        std::memcpy(words.data(), &memory[at], kHeader);
        if (memory.size() - at - kHeader < words[2] || words[2] > 512 * kMostGlyphBytes) continue;
        const std::span<const u8> glyphs = memory.subspan(at + kHeader, words[2]);
        for (const u32 count : {256u, 512u}) {
            const u32 glyph_bytes = words[2] / count;
            if (words[2] % count != 0 || glyph_bytes < kLeastHeight || glyph_bytes > kMostGlyphBytes) continue;
            if (counted ? words[1] != count : !plausible(glyphs, glyph_bytes)) continue;
            ++sums;
            if (linux_crc(glyphs) == words[0]) add_console_font(at + kHeader, glyphs, count, found);
        }
    }
}

}  // namespace

std::vector<FoundFont> search_fonts(std::span<const u8> memory) {
    std::vector<FoundFont> found;
    search_console_fonts(memory, found);
    for (const Face& face : kFaces) search_faces(memory, face, found);
    return found;
}

std::vector<FoundFont> find_rom_fonts(const PhysicalMemory& memory) {
    std::vector<u8> roms(kRomsEnd - kRoms);
    memory.copy_out({kRoms}, roms);
    return search_fonts(roms);
}

std::vector<Font> find_guest_fonts(const PhysicalMemory& memory, std::span<const ConsoleMap> maps) {
    devices::GlyphMeanings linux_characters{};
    for (unsigned glyph = 0; glyph < linux_characters.size(); ++glyph)
        linux_characters.at(glyph) = character_of(maps, glyph);
    std::vector<Font> fonts;
    std::vector<std::vector<u8>> known;
    const auto add = [&](std::vector<FoundFont> found, u64 base, const char* where) {
        for (FoundFont& font : found) {
            const bool again = font.layout.characters == Font::Characters::code_page_437 &&
                               std::find(known.begin(), known.end(), font.glyphs) != known.end();
            if (again || fonts.size() == kMostFonts) continue;
            fonts.emplace_back(fmt::format("{}x{} font in {} at {:x}h", font.layout.width, font.layout.height, where,
                                           base + font.offset),
                               font.layout, font.glyphs, linux_characters);
            known.push_back(std::move(font.glyphs));
        }
    };
    add(find_rom_fonts(memory), kRoms, "ROM");
    const GuestRam ram(memory);
    for (const PhysicalMemory::Stretch& stretch : memory.backed()) {
        add(search_fonts(memory.ram().subspan(stretch.begin, stretch.end - stretch.begin)),
            ram.address_of(stretch.begin), "RAM");
    }
    Font::CharacterSet efi = no_efi_characters();
    for (const PhysicalMemory::Stretch& stretch : memory.backed()) {
        const u64 bytes = stretch.end - stretch.begin;
        search_efi_fonts(memory.ram().subspan(stretch.begin, bytes), efi);
        for (const GrubFont& font : search_grub_fonts(ram, ram.address_of(stretch.begin), bytes)) {
            if (fonts.size() == kMostFonts) return fonts;
            const Font::CharacterSet& set = font.characters;
            fonts.emplace_back(fmt::format("{}x{} font of GRUB at {:x}h", set.width, set.height, font.address), set);
        }
    }
    if (!efi.single.empty() && fonts.size() < kMostFonts) fonts.emplace_back("8x19 font of UEFI", efi);
    return fonts;
}

}  // namespace bantam::scenario
