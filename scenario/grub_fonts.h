// Fonts of GRUB's graphical terminal (gfxterm) in the guest's memory. GRUB reads characters of a PF2 file one by one
// when they are first drawn (all of ASCII when the terminal begins), so the file as a whole is not there; what is there
// is an index of its characters, each with a pointer to its bitmap once it was read ("GRUB Font Format (PF2)" in GRUB's
// developer manual; the records are those of GRUB 2.06 for i386-pc). GRUB runs without paging: pointers are physical
// addresses. Left out: GRUB for 64-bit UEFI, whose records differ, and characters that take two cells.
#pragma once

#include <span>
#include <vector>

#include "scenario/font.h"

namespace bantam::scenario {

struct GrubFont {
    u64 offset = 0;                           // of its record
    unsigned width = 0, height = 0;           // of a cell of the terminal
    std::vector<Font::Character> characters;  // that have been read, by rising code
};

/// The fonts whose index lies in [begin, end) of `ram`, which begins at address 0. At most kMostIndexes are followed,
/// and kMostGlyphs glyphs read, whatever a guest fills its memory with.
[[nodiscard]] std::vector<GrubFont> search_grub_fonts(std::span<const u8> ram, u64 begin, u64 end);
inline constexpr unsigned kMostIndexes = 64, kMostGlyphs = 1u << 18;

}  // namespace bantam::scenario
