#include "frontend/flat_toml.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "frontend/values.h"

namespace bantam::frontend {
namespace {

/// `text` with '@' and every byte outside ASCII as @ and two hexadecimal digits; lines stay. toml++ 3.3 leaves some
/// characters outside ASCII undefined (is_non_ascii_horizontal_whitespace), so it never sees one; file names of any
/// bytes pass unharmed.
std::string to_ascii(std::string_view text) {
    std::string ascii;
    ascii.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '@' || byte >= 0x80) {
            ascii += fmt::format("@{:02x}", byte);
        } else {
            ascii += c;
        }
    }
    return ascii;
}

std::string from_ascii(std::string_view ascii) {
    std::string text;
    for (std::size_t i = 0; i < ascii.size(); ++i) {
        const auto byte = ascii[i] == '@' ? parse_number("0x" + std::string(ascii.substr(i + 1, 2))) : std::nullopt;
        text += byte ? static_cast<char>(*byte) : ascii[i];
        if (byte) i += 2;
    }
    return text;
}

/// Refuses tables before toml++ sees them: no key takes one, and toml++ 3.3 only asserts that a key follows '['.
/// Refuses \u0040 too, which would be taken for the '@' of to_ascii.
Result<void> check_flat(std::string_view text, const std::string& name) {
    int line = 1;
    int depth = 0;  // of brackets
    bool at_start = true;
    const auto refuse = [&](std::string_view cause) {
        return Error{ExitStatus::usage, fmt::format("{}:{}: {}", name, line, cause)};
    };
    for (std::size_t i = 0; i < text.size();) {
        std::size_t next = i + 1;
        const char c = text[i];
        if (c == '#') next = std::min(text.find('\n', i), text.size());
        if (c == '"' || c == '\'') next = toml_string_end(text, i);
        if (c == '{' || c == '}' || (c == '[' && at_start && depth == 0))
            return refuse("no table may stand here: write key = value");
        depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        at_start = c == '\n' || (at_start && (c == ' ' || c == '\t' || c == '\r'));
        const auto passed = text.substr(i, next - i);
        if (c == '"' && (passed.find("\\u0040") != passed.npos || passed.find("\\U00000040") != passed.npos)) {
            return refuse("write '@' itself instead of its escape");
        }
        line += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
        i = next;
    }
    return {};
}

std::optional<std::string> text_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return from_ascii(text->get());
    if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    return std::nullopt;
}

}  // namespace

std::size_t toml_string_end(std::string_view text, std::size_t at) {
    const char mark = text[at];
    const std::string triple(3, mark);
    const bool multi_line = text.substr(at, 3) == triple;
    for (std::size_t i = at + (multi_line ? 3 : 1); i < text.size(); ++i) {
        if (mark == '"' && text[i] == '\\') {
            ++i;
        } else if (multi_line && text.substr(i, 3) == triple) {
            // Up to two more quotes belong to it.
            return std::min({text.find_first_not_of(mark, i + 3), i + 5, text.size()});
        } else if (!multi_line && (text[i] == mark || text[i] == '\n')) {
            return i + 1;
        }
    }
    return text.size();
}

Result<std::vector<FlatEntry>> read_flat_toml(std::string_view text, const std::string& name) {
    if (Result<void> checked = check_flat(text, name); !checked) return checked.error();
    const auto refuse = [&](unsigned line, std::string_view cause) {
        return Error{ExitStatus::usage, fmt::format("{}:{}: {}", name, line, cause)};
    };
    const std::string ascii = to_ascii(text);
    try {
        std::vector<FlatEntry> entries;
        const toml::table table = toml::parse(std::string_view(ascii));
        for (const auto& [key, node] : table) {
            FlatEntry entry{from_ascii(key.str()), node.source().begin.line, node.is_array(), {}};
            const std::size_t count = entry.array ? node.as_array()->size() : 1;
            for (std::size_t i = 0; i < count; ++i) {
                const toml::node& value = entry.array ? (*node.as_array())[i] : node;
                const unsigned line = value.source().begin.line;
                std::optional<std::string> as_text = text_of(value);
                if (!as_text)
                    return refuse(line, fmt::format("'{}' takes a string, a number, true or false", entry.key));
                entry.values.push_back({std::move(*as_text), value.is_boolean(), line});
            }
            entries.push_back(std::move(entry));
        }
        std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
        return entries;
    } catch (const toml::parse_error& error) {
        return refuse(error.source().begin.line, fmt::format("not TOML: {}", from_ascii(error.description())));
    }
}

std::string quote_toml(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

}  // namespace bantam::frontend
