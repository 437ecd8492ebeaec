// RawImage: a disk image without a header: byte n of the file is byte n of the disk. A writable image is locked against
// every other Bantam and QEMU by an open-file-description lock (fcntl F_OFD_SETLK); read-only users share a read lock,
// QEMU too, and an image opened with a temporary overlay is only read. Overlay sectors live in memory and are forgotten
// at the end.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>

#include "storage/image.h"

namespace bantam::storage {

/// What the image is of: the errors' words, and what makes an image whole.
enum class ImageKind { disk, cdrom, floppy, flash };

struct RawImageOptions {
    bool readonly = false;
    bool temporary_overlay = false;  // writes go to memory; the file is never changed
    ImageKind kind = ImageKind::disk;
};

class RawImage final : public Image {
public:
    /// Opens and locks `path`. Errors are bad_input or host_resource and name the file, the cause and the way out:
    /// missing, a directory or other non-file, unreadable, empty, a size that is no multiple of 512, a format that is
    /// not raw (storage/image_format.h), not writable, locked.
    static Result<std::unique_ptr<RawImage>> open(const std::string& path, RawImageOptions options);
    ~RawImage() override;
    RawImage(const RawImage&) = delete;
    RawImage& operator=(const RawImage&) = delete;

    [[nodiscard]] u64 sector_count() const override { return sector_count_; }
    [[nodiscard]] bool readonly() const override { return options_.readonly; }
    [[nodiscard]] const std::string& path() const override { return path_; }
    Result<void> read(u64 first, std::span<u8> to) override;
    Result<void> write(u64 first, std::span<const u8> from) override;
    Result<void> flush() override;
    [[nodiscard]] std::string info() const override;
    /// Sectors that the temporary overlay holds; any thread.
    [[nodiscard]] u64 overlay_sectors() const { return overlay_granules_ * kOverlaySectors; }

private:
    static constexpr u64 kOverlaySectors = 8;  // granule of 4 KiB
    using Granule = std::array<u8, kOverlaySectors * kSectorSize>;

    RawImage(std::string path, RawImageOptions options, int fd, u64 sector_count);
    [[nodiscard]] bool in_range(u64 first, u64 bytes) const;
    Result<void> read_file(u64 first, std::span<u8> to);
    Result<Granule*> overlay_granule(u64 index);

    [[nodiscard]] Error host_error(std::string_view act, int error) const;

    std::string path_;
    RawImageOptions options_;
    int fd_;
    u64 sector_count_;
    std::unordered_map<u64, std::unique_ptr<Granule>> overlay_;
    std::atomic<u64> overlay_granules_ = 0;  // overlay_.size(), for other threads
};

}  // namespace bantam::storage
