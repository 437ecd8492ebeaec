// Small text files as a whole, which people write for Bantam.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace bantam::frontend {

/// The text of the file, or of standard input for "-", without a byte order mark. Errors (bad_input): it cannot be
/// read, is a folder, or has more than `most` bytes: then `too_large` says, behind the name, what that means.
Result<std::string> read_text_file(const std::string& path, std::size_t most, std::string_view too_large);

/// The name of `path` in messages.
[[nodiscard]] std::string shown_name(const std::string& path);

}  // namespace bantam::frontend
