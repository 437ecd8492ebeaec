#include "machine/firmware.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/file.h"

namespace bantam {
namespace {

constexpr const char* kSeaBios = "/usr/share/seabios/bios-256k.bin";
constexpr const char* kSeaVgaBios = "/usr/share/seabios/vgabios-stdvga.bin";
constexpr u64 kBiosMax = u64{16} << 20;
constexpr u64 kBiosUnit = 4096;
constexpr u64 kVgaBiosMax = u64{64} << 10;

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
    if (image && image.value().size() % kBiosUnit != 0) {
        return Error{ExitStatus::bad_input,
                     fmt::format("'{}' is no BIOS image: its size, {} bytes, is no multiple of {}", path,
                                 image.value().size(), kBiosUnit)};
    }
    return image;
}

Result<std::vector<u8>> load_vga_bios(const std::string& path) {
    if (path.empty() && ::access(kSeaVgaBios, R_OK) != 0) return std::vector<u8>{};
    const std::string file = path.empty() ? kSeaVgaBios : path;
    Result<std::vector<u8>> image = read_file(file, kVgaBiosMax);
    if (image && (image.value().size() < 3 || image.value()[0] != 0x55 || image.value()[1] != 0xAA)) {
        return Error{ExitStatus::bad_input,
                     fmt::format("'{}' is no VGA BIOS: it does not begin with the option ROM signature 55h AAh", file)};
    }
    return image;
}

}  // namespace bantam
