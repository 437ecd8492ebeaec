#include "machine/images.h"

#include <fmt/format.h>

#include "storage/raw_image.h"

namespace bantam {
namespace {

Result<Images::Device> open_device(const ImageConfig& image, bool readonly) {
    Result<std::unique_ptr<storage::RawImage>> opened = storage::RawImage::open(
        image.path, {.readonly = image.readonly || readonly, .temporary_overlay = image.temporary_overlay});
    if (!opened) return opened.error();
    return storage::BlockDevice::create(std::move(opened.value()));
}

}  // namespace

Result<Images::Device> Images::open_removable(const ImageConfig& image, bool readonly) {
    if (image.path == kNoMedium) return Device();
    return open_device(image, readonly);
}

std::optional<storage::FloppyFormat> diskette_format(const Images::Device& medium) {
    if (!medium) return std::nullopt;
    return storage::floppy_format_of(medium->sector_count() * storage::kSectorSize);
}

Result<Images::Device> Images::open_diskette(const ImageConfig& image) {
    Result<Device> opened = open_removable(image, false);
    if (!opened || !opened.value() || diskette_format(opened.value())) return opened;
    return Error{
        ExitStatus::bad_input,
        fmt::format("floppy image '{}': no diskette has {} bytes; known are {}; give another file, or bring it "
                    "to one of these sizes with: truncate -s 1474560 FILE",
                    image.path, opened.value()->sector_count() * storage::kSectorSize, storage::known_floppy_sizes())};
}

Result<Images> Images::open(const MachineConfig& config) {
    Images images;
    const auto keep = [](std::vector<Device>& into, Result<Device> opened) {
        if (!opened) return Result<void>(opened.error());
        into.push_back(std::move(opened.value()));
        return Result<void>();
    };
    for (const ImageConfig& image : config.disks) {
        if (const Result<void> kept = keep(images.disks, open_device(image, false)); !kept) return kept.error();
    }
    for (const ImageConfig& image : config.cdroms) {
        if (const Result<void> kept = keep(images.cdroms, open_removable(image, true)); !kept) return kept.error();
    }
    for (const ImageConfig& image : config.floppies) {
        if (const Result<void> kept = keep(images.floppies, open_diskette(image)); !kept) return kept.error();
    }
    return images;
}

}  // namespace bantam
