// Which characters the glyphs of Linux' console fonts stand for. Programs load a font (setfont, loadfont) and then the
// table from Unicode to its glyphs, which the kernel keeps in three levels: struct uni_pagedict in
// drivers/tty/vt/consolemap.c, uni_pagedir before Linux 6.0. It is found by what it says of ASCII's letters and digits,
// which all these fonts have at their own codes. Its pointers lie in the kernel's map of all RAM, which begins at a
// multiple of 1 GiB, with and without KASLR.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "devices/frame.h"
#include "scenario/guest_ram.h"

namespace bantam::scenario {

struct ConsoleMap {
    /// Directories of 2,048 characters, the count of users, the sum of the entries, tables for the other direction.
    static constexpr unsigned kWords = 32 + 1 + 1 + 5;

    u64 address = 0;  // of the record
    unsigned pointer_bytes = 0;
    std::array<u64, kWords> words{};      // of it: whoever changes the table changes them
    devices::GlyphMeanings characters{};  // U+FFFD: none; of several that of code page 437, else the lowest

    /// It is in `ram` as it was when it was found.
    [[nodiscard]] bool current(const GuestRam& ram) const;
};

/// The tables in `bytes` bytes of `ram` from `address` on; there are several when consoles have different fonts. At
/// most kMostConsoleMaps are read, and kMostConsoleMapTries looked at for letters, whatever a guest fills its memory
/// with.
[[nodiscard]] std::vector<ConsoleMap> search_console_maps(const GuestRam& ram, u64 address, u64 bytes);
inline constexpr std::size_t kMostConsoleMaps = 64;
inline constexpr unsigned kMostConsoleMapTries = 16384;

/// The character that all tables which know the glyph agree upon; U+FFFD: none.
[[nodiscard]] char16_t character_of(std::span<const ConsoleMap> maps, unsigned glyph);

/// All tables that the guest has.
[[nodiscard]] std::vector<ConsoleMap> find_console_maps(const PhysicalMemory& memory);

}  // namespace bantam::scenario
