// BlockDevice: a disk, a CD or a floppy as the controllers see it: 512-byte sectors, no geometry, no format.
// Image formats (raw today) implement it; disk controllers and the loaders are its consumers.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace bantam::storage {

inline constexpr u64 kSectorSize = 512;

class BlockDevice {
public:
    virtual ~BlockDevice() = default;

    /// Size in sectors; does not change while the device is open.
    [[nodiscard]] virtual u64 sector_count() const = 0;
    /// True when write() is always refused.
    [[nodiscard]] virtual bool readonly() const = 0;
    /// Fills `to`, a whole number of sectors, from `first` on. Beyond the end, or a host error: an Error, `to`
    /// undefined.
    virtual Result<void> read(u64 first, std::span<u8> to) = 0;
    /// Stores `from`, a whole number of sectors, from `first` on. Beyond the end, read-only, or a host error: an Error.
    virtual Result<void> write(u64 first, std::span<const u8> from) = 0;
    /// Returns when everything written is on stable storage.
    virtual Result<void> flush() = 0;
    /// Path, size and mode in one line, for `info block`.
    [[nodiscard]] virtual std::string info() const = 0;
};

}  // namespace bantam::storage
