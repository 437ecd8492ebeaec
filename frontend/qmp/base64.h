// Base64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bantam::frontend::qmp {

std::string to_base64(std::string_view bytes);
/// Nothing: it is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace bantam::frontend::qmp
