// Fonts of GRUB's graphical terminal (gfxterm) in the guest's memory. GRUB reads characters of a PF2 file one by one
// when they are first drawn (all of ASCII when the terminal begins), so the file as a whole is not there; what is there
// is an index of its characters, each with a pointer to its bitmap once it was read ("GRUB Font Format (PF2)" in GRUB's
// developer manual; the records are those of GRUB 2.06 with pointers of 32 bits, as on BIOSes, or 64, as on UEFI). GRUB
// runs without paging, on UEFI with linear addresses that are the physical ones.
#pragma once

#include <vector>

#include "scenario/font.h"
#include "scenario/guest_ram.h"

namespace bantam::scenario {

struct GrubFont {
    u64 address = 0;                // of its record
    Font::CharacterSet characters;  // that have been read, by rising code
};

/// The fonts whose index begins in `bytes` bytes of `ram` from `address` on. At most kMostIndexes are followed, and
/// kMostGlyphs glyphs read, whatever a guest fills its memory with.
[[nodiscard]] std::vector<GrubFont> search_grub_fonts(const GuestRam& ram, u64 address, u64 bytes);
inline constexpr unsigned kMostIndexes = 64, kMostGlyphs = 1u << 18;

}  // namespace bantam::scenario
