#include "machine/firmware.h"

#include <fmt/format.h>
#include <unistd.h>

#include <numeric>

#include "base/file.h"
#include "devices/vga.h"

namespace bantam {
namespace {

constexpr const char* kSeaBios = "/usr/share/seabios/bios-256k.bin";
constexpr const char* kSeaVgaBios = "/usr/share/seabios/vgabios-stdvga.bin";
constexpr u64 kBiosMax = u64{16} << 20;
constexpr u64 kBiosUnit = 4096;
constexpr u64 kVgaBiosMax = u64{64} << 10;
constexpr u64 kOptionRomMax = u64{1} << 20;  // a file may hold images for other kinds of firmware behind the first
constexpr u64 kRomUnit = 512;

/// What the BIOS looks at before it runs a ROM; `noun` says what is wrong. Cuts off what follows the ROM's length.
Result<void> check_option_rom(const char* noun, const std::string& path, std::vector<u8>& image) {
    const auto unfit = [&](std::string_view cause) {
        return Error{ExitStatus::bad_input, fmt::format("{} '{}': {}", noun, path, cause)};
    };
    if (image.size() < 3 || image[0] != 0x55 || image[1] != 0xAA)
        return unfit("does not begin with the signature 55h AAh; give an image for PC BIOSes");
    const u64 length = image[2] * kRomUnit;
    if (length == 0) return unfit("its third byte says that it is 0 bytes long; give an image for PC BIOSes");
    if (length > image.size()) {
        return unfit(fmt::format("is truncated: its third byte says {} bytes, the file has {}; fetch it again", length,
                                 image.size()));
    }
    image.resize(length);
    const u8 sum =
        std::accumulate(image.begin(), image.end(), u8{0}, [](u8 a, u8 b) { return static_cast<u8>(a + b); });
    if (sum != 0) {
        return unfit(
            fmt::format("its {} bytes add up to {:02x}h, not 0, so a BIOS would pass it over; it is damaged, or "
                        "lacks its checksum",
                        length, sum));
    }
    return {};
}

}  // namespace

Result<std::vector<u8>> load_bios(const std::string& name) {
    const bool packaged = name == "seabios";
    if (packaged && ::access(kSeaBios, R_OK) != 0) {
        return Error{
            ExitStatus::host_resource,
            fmt::format("firmware seabios not found at {}; install the package seabios, or give --firmware FILE or "
                        "--kernel FILE",
                        kSeaBios)};
    }
    const std::string path = packaged ? kSeaBios : name;
    Result<std::vector<u8>> image = read_file(path, kBiosMax);
    constexpr const char* kWayOut = "give another file, or leave --firmware away for SeaBIOS";
    if (!image) return Error{image.error().status, fmt::format("firmware: {}; {}", image.error().message, kWayOut)};
    if (image.value().size() % kBiosUnit != 0) {
        return Error{ExitStatus::bad_input,
                     fmt::format("firmware '{}': its size, {} bytes, is no multiple of {}, so it is no whole ROM; {}",
                                 path, image.value().size(), kBiosUnit, kWayOut)};
    }
    return image;
}

Result<std::vector<u8>> load_vga_bios(const std::string& path) {
    if (path.empty() && ::access(kSeaVgaBios, R_OK) != 0) return std::vector<u8>{};
    const std::string file = path.empty() ? kSeaVgaBios : path;
    Result<std::vector<u8>> image = read_file(file, kVgaBiosMax);
    if (!image) return Error{image.error().status, fmt::format("VGA BIOS: {}", image.error().message)};
    if (const Result<void> fit = check_option_rom("VGA BIOS", file, image.value()); !fit) return fit.error();
    return image;
}

std::array<u8, 256 * 16> bios_font(std::span<const u8> vga_bios) {
    const std::optional<devices::VgaFont> found = devices::find_rom_font(vga_bios);
    return found ? *found : devices::make_plain_font();
}

Result<std::vector<OptionRom>> load_option_roms(const std::vector<std::string>& paths) {
    std::vector<OptionRom> roms;
    for (const std::string& path : paths) {
        Result<std::vector<u8>> image = read_file(path, kOptionRomMax);
        if (!image) return image.error();
        if (const Result<void> fit = check_option_rom("option ROM", path, image.value()); !fit) return fit.error();
        roms.push_back({path.substr(path.rfind('/') + 1), std::move(image.value())});
    }
    return roms;
}

}  // namespace bantam
