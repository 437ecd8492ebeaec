// Images: the disk, CD-ROM, floppy and flash images of the configuration, opened, locked, each behind its BlockDevice.
// Which drive a device ends up in is the board's business (machine/assembly.cpp).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "machine/config.h"
#include "storage/block_device.h"
#include "storage/floppy_format.h"

namespace bantam {

/// The format of an opened diskette; none for no medium.
[[nodiscard]] std::optional<storage::FloppyFormat> diskette_format(const std::unique_ptr<storage::BlockDevice>& medium);

/// The path that stands for a removable drive without a medium.
inline constexpr const char* kNoMedium = "none";

struct Images {
    using Device = std::unique_ptr<storage::BlockDevice>;
    std::vector<Device> disks;     // by order of configuration, as the other two
    std::vector<Device> cdroms;    // null: no medium
    std::vector<Device> floppies;  // null: no medium
    struct Flash {
        Device device;
        std::vector<u8> contents;  // of the device
    };
    std::vector<Flash> flashes;

    /// Opens all images of `config`. Errors name the file, the cause and the way out; a file that is named twice and
    /// writable is refused as in use.
    static Result<Images> open(const MachineConfig& config);
    /// Opens a CD-ROM image, read-only whatever `image` says. Null for kNoMedium. Warns of a truncated one.
    static Result<Device> open_disc(const ImageConfig& image);
    /// Opens a diskette's image, whose size must be that of a diskette. Null for kNoMedium.
    static Result<Device> open_diskette(const ImageConfig& image);
    /// Opens and reads a flash memory's image; its size must be whole blocks.
    static Result<Flash> open_flash(const ImageConfig& image);
};

}  // namespace bantam
