// Fonts of UEFI firmware: the simplified font packages of its database, with which its console is drawn, in cells of
// 8x19 dots, East Asian characters in two of them (UEFI Specification 2.10, 33.3.2 "Simplified Font Package").
#pragma once

#include <span>

#include "scenario/font.h"

namespace bantam::scenario {

/// A set for search_efi_fonts(). Its cursor is that of TianoCore's console.
[[nodiscard]] Font::CharacterSet no_efi_characters();

/// Adds to `set` the characters of all packages in `memory`. A package is one if its lengths agree and it has the
/// letters A to Z. Of whatever a guest fills its memory with no more than kMostEfiGlyphs are looked at.
void search_efi_fonts(std::span<const u8> memory, Font::CharacterSet& set);
inline constexpr std::size_t kMostEfiGlyphs = std::size_t{1} << 18;

}  // namespace bantam::scenario
