// UTF-8 as the host's desktop hands it over: characters one after another (RFC 3629).
#pragma once

#include <string_view>

namespace bantam::frontend {

/// Takes the first character off `text`, which must not be empty. U+FFFD for a byte that begins none: a stray
/// continuation, an overlong form, a surrogate, what breaks off.
char32_t take_character(std::string_view& text);

}  // namespace bantam::frontend
