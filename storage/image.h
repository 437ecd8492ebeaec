// Image: the contents of a disk, a CD or a floppy whatever its format: 512-byte sectors, no geometry. Image formats
// (raw today) implement it; BlockDevice is its only consumer and calls read, write and flush from its own thread.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace bantam::storage {

inline constexpr u64 kSectorSize = 512;

class Image {
public:
    virtual ~Image() = default;

    /// Size in sectors; does not change while the image is open; any thread.
    [[nodiscard]] virtual u64 sector_count() const = 0;
    /// True when write() is always refused; any thread.
    [[nodiscard]] virtual bool readonly() const = 0;
    /// The file; any thread.
    [[nodiscard]] virtual const std::string& path() const = 0;
    /// Fills `to`, a whole number of sectors, from `first` on. Beyond the end, or a host error: an Error, `to`
    /// undefined.
    virtual Result<void> read(u64 first, std::span<u8> to) = 0;
    /// Stores `from`, a whole number of sectors, from `first` on. Beyond the end, read-only, or a host error: an Error.
    virtual Result<void> write(u64 first, std::span<const u8> from) = 0;
    /// Returns when everything written is on stable storage.
    virtual Result<void> flush() = 0;
    /// Path, size and mode in one line without a newline, for `info block`; any thread.
    [[nodiscard]] virtual std::string info() const = 0;
};

}  // namespace bantam::storage
