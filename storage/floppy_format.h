// FloppyFormat: the diskettes of PCs, told apart by the size of their raw image: sectors of 512 bytes, MFM, numbered
// from 1, cylinder by cylinder and side by side.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace bantam::storage {

enum class FloppyForm : u8 { inch5, inch3 };

struct FloppyFormat {
    std::string_view name;
    FloppyForm form;
    u8 cylinders, heads, sectors;  // sectors a track
    /// Cell rate in kbit/s at the disk's own speed of rotation (300 a minute; 360 for the 1.2M).
    u16 kilobits_per_second;

    [[nodiscard]] constexpr u64 bytes() const { return u64{512} * cylinders * heads * sectors; }
};

/// The format whose image has `bytes` bytes.
[[nodiscard]] std::optional<FloppyFormat> floppy_format_of(u64 bytes);
/// Every known size with its name, for messages.
[[nodiscard]] std::string known_floppy_sizes();

}  // namespace bantam::storage
