// Firmware: finds and reads the BIOS and VGA BIOS images a machine starts from.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace bantam {

/// The BIOS called `name` ("seabios": from the distribution's package) or the file of that path. A multiple of 4 KiB up
/// to 16 MiB. Errors: host_resource when the package is missing, bad_input for an unsuitable file.
Result<std::vector<u8>> load_bios(const std::string& name);

/// The VGA BIOS in `path`; when empty, that of the distribution's package, or nothing when there is none.
Result<std::vector<u8>> load_vga_bios(const std::string& path);

/// The 8x16 font for text: 256 glyphs of 16 rows, leftmost dot in bit 7. That of `vga_bios`; a plain one when it has
/// none.
std::array<u8, 256 * 16> bios_font(std::span<const u8> vga_bios);

struct OptionRom {
    std::string name;  // of the file, without its folder
    std::vector<u8> image;
};

/// The option ROMs in `paths`: signature 55h AAh, a length in units of 512 bytes that the file has, and bytes that add
/// up to 0 (Plug and Play BIOS Specification 1.0A, 3.1); what follows the length is cut off. Errors: bad_input, which
/// name the file, the cause and the way out.
Result<std::vector<OptionRom>> load_option_roms(const std::vector<std::string>& paths);

}  // namespace bantam
