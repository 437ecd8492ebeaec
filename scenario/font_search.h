// Looks for fonts in memory, by what only they have.
//
// Fonts of the PC's character set (in video BIOSes, in the system BIOS, in kernels): glyph 1 is the face, which is the
// same in all of them for each of the heights 8, 14 and 16, and glyph 0 before it is empty. Fonts that a Linux guest
// has loaded for its frame buffer console: a header of four words, of which the first is a CRC-32 of the glyphs
// (include/linux/font.h: FNTSUM, FNTCHARCNT, FNTSIZE, REFCOUNT; Linux 6.1 does not set the count). Those of GRUB's
// graphical terminal: grub_fonts.h; of UEFI firmware: efi_fonts.h.
#pragma once

#include <span>
#include <vector>

#include "mmu/physical_memory.h"
#include "scenario/console_maps.h"
#include "scenario/font.h"

namespace bantam::scenario {

struct FoundFont {
    u64 offset = 0;  // of glyph 0
    Font::Layout layout;
    std::vector<u8> glyphs;
};

/// All fonts in `memory`, kMostFonts at most.
[[nodiscard]] std::vector<FoundFont> search_fonts(std::span<const u8> memory);
inline constexpr std::size_t kMostFonts = 32;
/// So many headers of Linux' fonts are checked by their sums. A guest that fills its memory with what looks like them
/// would have gigabytes summed up.
inline constexpr unsigned kMostSums = 16384;

/// All fonts that the guest can see: between C0000h and FFFFFh, and in RAM. `maps` say what the glyphs of Linux' mean.
/// Nothing changes by looking.
[[nodiscard]] std::vector<Font> find_guest_fonts(const PhysicalMemory& memory, std::span<const ConsoleMap> maps);
/// Those between C0000h and FFFFFh alone.
[[nodiscard]] std::vector<FoundFont> find_rom_fonts(const PhysicalMemory& memory);

}  // namespace bantam::scenario
