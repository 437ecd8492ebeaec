// What the first bytes of an image say: formats that are not raw are refused in words, since a machine that took them
// as raw would only say that nothing boots. And what a CD-ROM's volume descriptor says of its size.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/types.h"

namespace bantam::storage {

/// So many bytes of an image's start are enough for foreign_format().
inline constexpr std::size_t kFormatBytes = 64;

/// The complaint about an image that begins with `start` if that is a container of another format, a compressed file or
/// a CD-ROM's raw sectors: what it is and how to convert it. None: it may well be raw.
[[nodiscard]] std::optional<std::string> foreign_format(std::span<const u8> start);

/// Bytes of the volume whose primary descriptor (ECMA-119, 8.4; logical sector 16) is `descriptor`; none if it is no
/// such descriptor.
[[nodiscard]] std::optional<u64> iso_volume_bytes(std::span<const u8> descriptor);

}  // namespace bantam::storage
