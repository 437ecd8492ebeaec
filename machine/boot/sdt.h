// What all system description tables share (ACPI specification 5.2.6): the 36-byte header and the checksum.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace bantam::boot {

inline constexpr u64 kSdtHeaderBytes = 36;

/// Header for `signature` (four characters), then `body`; length and checksum filled in.
[[nodiscard]] std::vector<u8> make_sdt(std::string_view signature, u8 revision, std::span<const u8> body);

/// The byte that makes the sum over `bytes`, in which it counts as 0, zero modulo 256.
[[nodiscard]] u8 checksum_of(std::span<const u8> bytes);

/// Appends the characters of `text`, padded with `pad` to `width`.
void append_text(std::vector<u8>& bytes, std::string_view text, std::size_t width, u8 pad = ' ');

}  // namespace bantam::boot
