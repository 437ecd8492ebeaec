// Fuzz target: fonts in the guest's memory. RAM holds GRUB's records of both kinds, a package of UEFI's, and a console
// font of Linux' with tables of both kinds that say what its glyphs mean; the input changes bytes of them, as triples
// of an offset and a value. Whatever is found must read a picture.
#include <zlib.h>

#include <cstring>
#include <vector>

#include "base/check.h"
#include "scenario/console_maps.h"
#include "scenario/efi_fonts.h"
#include "scenario/font_search.h"
#include "scenario/glyph_reader.h"
#include "scenario/grub_fonts.h"

using namespace bantam;
using namespace bantam::scenario;

namespace {

class Ram {
public:
    Ram() {
        add_grub_font(0x1000, 4);
        add_grub_font(0x4000, 8);
        add_efi_package(0x8000);
        add_console_font(0xA000);
        add_console_map(0xB400, 0xB600, 4);
        add_console_map(0xBA00, 0xBC00, 8);
    }
    std::vector<u8> bytes = std::vector<u8>(0x10000);

private:
    template <class T>
    void put(u64 at, T value) {
        std::memcpy(&bytes[at], &value, sizeof value);
    }
    void pointer(u64 at, u64 value, unsigned size) { std::memcpy(&bytes[at], &value, size); }

    /// ASCII's capitals and a character of two cells; the record, the index 100h behind it, glyphs 1000h behind it.
    void add_grub_font(u64 font, unsigned size) {
        const bool wide = size == 8;
        const u64 index = font + 0x100, glyphs = font + 0x1000, entry_bytes = wide ? 24 : 16;
        put<u16>(font + (wide ? 30 : 18), 16);
        put<u16>(font + (wide ? 32 : 20), 14);
        put<u32>(font + (wide ? 40 : 28), 27);
        pointer(font + (wide ? 48 : 32), index, size);
        for (u32 i = 0; i < 27; ++i) {
            const u64 entry = index + i * entry_bytes, glyph = glyphs + u64{i} * 64;
            const bool two = i == 26;
            put<u32>(entry, two ? 0x65E5 : 'A' + i);
            pointer(entry + (wide ? 16 : 12), glyph, size);
            pointer(glyph, font, size);
            const u16 fields[] = {static_cast<u16>(two ? 16 : 8), 16, 0, static_cast<u16>(-2),
                                  static_cast<u16>(two ? 16 : 8)};
            std::memcpy(&bytes[glyph + size], fields, sizeof fields);
            for (unsigned k = 0; k < 16; ++k) bytes[glyph + size + sizeof fields + k] = static_cast<u8>(i * 37 + k);
        }
    }
    void add_efi_package(u64 at) {
        constexpr u32 kNarrow = 26, kWide = 1;
        put<u32>(at, (8 + 22 * kNarrow + 44 * kWide) | 7u << 24);
        put<u16>(at + 4, kNarrow);
        put<u16>(at + 6, kWide);
        for (u32 i = 0; i <= kNarrow; ++i) {
            const u64 glyph = at + 8 + u64{22} * i;
            put<u16>(glyph, static_cast<u16>(i == kNarrow ? 0x65E5 : 'A' + i));
            for (unsigned k = 3; k < 22; ++k) bytes[glyph + k] = static_cast<u8>(i * 29 + k);
        }
    }
    void add_console_font(u64 at) {
        constexpr u32 kBytes = 256 * 16;
        for (u32 i = 0; i < kBytes; ++i) bytes[at + 16 + i] = static_cast<u8>(i * 7 >> 2);
        const u32 header[] = {~static_cast<u32>(::crc32(0xFFFFFFFF, &bytes[at + 16], kBytes)), 256, kBytes, 1};
        std::memcpy(&bytes[at], header, sizeof header);
    }
    /// The record, then one directory with the two rows of ASCII.
    void add_console_map(u64 record, u64 directory, unsigned size) {
        const u64 base = size == 8 ? 0xFFFF888000000000 : 0xC0000000, rows = directory + 0x100;
        pointer(record, base + directory, size);
        for (const u64 row : {u64{0}, u64{1}}) pointer(directory + row * size, base + rows + row * 128, size);
        for (unsigned code = 0; code < 0x80; ++code) put<u16>(rows + u64{2} * code, static_cast<u16>(code));
    }
};

void read_with(const Font& font) {
    devices::Frame frame{.width = 80, .height = 48, .pixels = {}};
    for (unsigned i = 0; i < frame.width * frame.height; ++i) frame.pixels.push_back(i * 0x9E3779B1u >> 31);
    const GlyphText read = read_glyphs(frame, font, 0, 0);
    for (const std::size_t at : read.wide) CHECK(at < read.text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    static const Ram good;
    std::vector<u8> ram = good.bytes;
    for (std::size_t i = 0; i + 3 <= size; i += 3) ram[data[i] | data[i + 1] << 8] = data[i + 2];
    std::size_t found = 0;
    for (const FoundFont& font : search_fonts(ram)) {
        read_with(Font("found", font.layout, font.glyphs));
        ++found;
    }
    // Some of RAM lies above 4 GiB.
    const std::span<const u8> low = std::span<const u8>(ram).first(0xC000);
    const GuestRam guest(low, std::span<const u8>(ram).subspan(low.size()));
    for (const u64 base : {u64{0}, PhysicalMemory::kHighRamBase}) {
        for (const ConsoleMap& map : search_console_maps(guest, base, 0xC000)) {
            CHECK(map.current(guest));
            ++found;
        }
        for (const GrubFont& font : search_grub_fonts(guest, base, 0xC000)) {
            read_with(Font("grub", font.characters));
            ++found;
        }
    }
    Font::CharacterSet set = no_efi_characters();
    search_efi_fonts(ram, set);
    if (!set.single.empty()) {
        read_with(Font("efi", set));
        ++found;
    }
    CHECK(size >= 3 || found == 6);  // all are there before the input changes them
    return 0;
}
