// The small notations of the command line and of MACHINE.toml: sizes, durations, comma lists, numbers; and the nearest
// known word for a suggestion.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace bantam::frontend {

/// "256M", "4G", "512k" or a plain number of bytes. Nothing on anything else or above 2^63.
std::optional<u64> parse_size(std::string_view text);
/// The shortest exact notation parse_size reads back.
std::string format_size(u64 bytes);

/// "30s", "2m", "500ms", "1h" in nanoseconds. Nothing on anything else or above 2^63.
std::optional<u64> parse_duration(std::string_view text);
/// The shortest exact notation parse_duration reads back; `nanoseconds` must be whole milliseconds.
std::string format_duration(u64 nanoseconds);

/// Unsigned number: decimal, or hexadecimal after 0x.
std::optional<u64> parse_number(std::string_view text);

/// Fields between commas; a doubled comma stands for one comma inside a field.
std::vector<std::string> split_commas(std::string_view text);
/// `text` with its commas doubled.
std::string escape_commas(std::string_view text);

/// Words between spaces, empty ones dropped.
std::vector<std::string> split_words(std::string_view text);

/// The candidate nearest to `word` by edit distance, if it is near enough to be what was meant.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);
/// "; did you mean 'X'?" for the nearest candidate, or "".
std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);
/// The same for the first key in a chord ("ctlr-c") that there is not.
std::string key_suggestion(std::string_view chord);

}  // namespace bantam::frontend
