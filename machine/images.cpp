#include "machine/images.h"

#include <fmt/format.h>

#include "base/log.h"
#include "machine/pc.h"
#include "storage/image_format.h"
#include "storage/raw_image.h"

namespace bantam {
namespace {

Result<Images::Device> open_device(const ImageConfig& image, storage::ImageKind kind) {
    Result<std::unique_ptr<storage::RawImage>> opened =
        storage::RawImage::open(image.path, {.readonly = image.readonly || kind == storage::ImageKind::cdrom,
                                             .temporary_overlay = image.temporary_overlay,
                                             .kind = kind});
    if (!opened) return opened.error();
    return storage::BlockDevice::create(std::move(opened.value()));
}

u64 bytes_of(const storage::BlockDevice& device) { return device.sector_count() * storage::kSectorSize; }

/// A disc that ends before its volume does reads well for a while: better said now than found out by the guest.
void warn_if_truncated(const std::string& path, storage::BlockDevice& disc) {
    constexpr u64 kDescriptorSector = 16 * 2048 / storage::kSectorSize;
    if (disc.sector_count() <= kDescriptorSector) return;
    const storage::BlockDevice::Request descriptor = disc.read(kDescriptorSector, 1);
    if (!descriptor->finish()) return;
    const std::optional<u64> volume = storage::iso_volume_bytes(descriptor->data());
    if (!volume || *volume <= bytes_of(disc)) return;
    log::warning("CD-ROM image '{}': is truncated: its volume has {} bytes, the file only {}; fetch it again", path,
                 *volume, bytes_of(disc));
}

}  // namespace

Result<Images::Device> Images::open_disc(const ImageConfig& image) {
    if (image.path == kNoMedium) return Device();
    Result<Device> opened = open_device(image, storage::ImageKind::cdrom);
    if (opened) warn_if_truncated(image.path, *opened.value());
    return opened;
}

std::optional<storage::FloppyFormat> diskette_format(const Images::Device& medium) {
    if (!medium) return std::nullopt;
    return storage::floppy_format_of(bytes_of(*medium));
}

Result<Images::Device> Images::open_diskette(const ImageConfig& image) {
    if (image.path == kNoMedium) return Device();
    Result<Device> opened = open_device(image, storage::ImageKind::floppy);
    if (!opened || diskette_format(opened.value())) return opened;
    return Error{
        ExitStatus::bad_input,
        fmt::format("floppy image '{}': no diskette has {} bytes; known are {}; give another file, or bring it "
                    "to one of these sizes with: truncate -s 1474560 FILE",
                    image.path, bytes_of(*opened.value()), storage::known_floppy_sizes())};
}

Result<Images::Flash> Images::open_flash(const ImageConfig& image) {
    Result<Device> opened = open_device(image, storage::ImageKind::flash);
    if (!opened) return opened.error();
    storage::BlockDevice& device = *opened.value();
    const u64 bytes = bytes_of(device);
    if (bytes % devices::IntelFlash::kBlockBytes != 0 || bytes > Pc::kFlashMax) {
        return Error{
            ExitStatus::bad_input,
            fmt::format("flash image '{}': {} bytes are no flash memory's size; it must be a multiple of {} and "
                        "at most {}: give the firmware's own image",
                        image.path, bytes, devices::IntelFlash::kBlockBytes, Pc::kFlashMax)};
    }
    const storage::BlockDevice::Request contents = device.read(0, static_cast<u32>(device.sector_count()));
    if (const Result<void>& read = contents->finish(); !read) return read.error();
    return Flash{std::move(opened.value()), {contents->data().begin(), contents->data().end()}};
}

Result<Images> Images::open(const MachineConfig& config) {
    Images images;
    const auto keep = [](std::vector<Device>& into, Result<Device> opened) {
        if (!opened) return Result<void>(opened.error());
        into.push_back(std::move(opened.value()));
        return Result<void>();
    };
    for (const ImageConfig& image : config.disks) {
        if (const Result<void> kept = keep(images.disks, open_device(image, storage::ImageKind::disk)); !kept)
            return kept.error();
    }
    for (const ImageConfig& image : config.cdroms) {
        if (const Result<void> kept = keep(images.cdroms, open_disc(image)); !kept) return kept.error();
    }
    for (const ImageConfig& image : config.floppies) {
        if (const Result<void> kept = keep(images.floppies, open_diskette(image)); !kept) return kept.error();
    }
    u64 flash_bytes = 0;
    for (const ImageConfig& image : config.flashes) {
        Result<Flash> flash = open_flash(image);
        if (!flash) return flash.error();
        flash_bytes += flash.value().contents.size();
        images.flashes.push_back(std::move(flash.value()));
    }
    if (flash_bytes > Pc::kFlashMax) {
        return Error{ExitStatus::usage,
                     fmt::format("--flash: the images have {} bytes together, and {} is the most there "
                                 "is room for below 4 GiB",
                                 flash_bytes, Pc::kFlashMax)};
    }
    return images;
}

}  // namespace bantam
