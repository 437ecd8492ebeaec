// TOML without tables: `key = value` lines, as MACHINE.toml and the parts of a scenario have them. Values travel as the
// text that an option would have on the command line. Read by toml++ 3.3, behind checks for what that version only
// asserts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bantam::frontend {

struct FlatValue {
    std::string text;
    bool flag = false;  // true or false stood there, not a string or a number
    unsigned line = 0;
};
struct FlatEntry {
    std::string key;
    unsigned line = 0;
    bool array = false;
    std::vector<FlatValue> values;  // one, unless it is an array
};

/// The entries in the order of their lines. `name` stands for the file in messages. Errors (usage): line and cause.
Result<std::vector<FlatEntry>> read_flat_toml(std::string_view text, const std::string& name);

/// `text` as a basic string, with its quotes.
std::string quote_toml(std::string_view text);

/// End of the string that starts with the quote at text[at]: the offset after its last quote, or where it breaks off.
std::size_t toml_string_end(std::string_view text, std::size_t at);

}  // namespace bantam::frontend
