#include "frontend/machine_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>

#include "frontend/values.h"

namespace bantam::frontend {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;  // bytes; a configuration is a screenful

Error wrong(const std::string& name, const toml::node& at, std::string_view cause) {
    return {ExitStatus::usage, fmt::format("{}:{}: {}", name, at.source().begin.line, cause)};
}

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

/// The text an option would have on the command line.
std::optional<std::string> as_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return from_ascii(text->get());
    if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    return std::nullopt;
}

Result<void> set_option(const Option& option, const toml::node& node, const std::string& name, Settings& settings) {
    const auto text = as_text(node);
    if (!text || option.is_flag() != node.is_boolean()) {
        return wrong(name, node,
                     fmt::format("'{}' takes {}", option.name, option.is_flag() ? "true or false" : "a string"));
    }
    if (const Result<void> set = option.set(settings, *text); !set) {
        return wrong(name, node, fmt::format("{}: {}", option.name, set.error().message));
    }
    return {};
}

Result<void> set_key(std::string_view key, const toml::node& node, const std::string& name, Settings& settings) {
    const Option* option = find_option(Command::run, key);
    if (option == nullptr || !option->in_file) {
        return wrong(name, node,
                     fmt::format("unknown key '{}'{} ('bantam help run' lists them)", key,
                                 suggestion(key, option_names(Command::run, true))));
    }
    const toml::array* values = node.as_array();
    if (values == nullptr) return set_option(*option, node, name, settings);
    if (!option->repeatable) return wrong(name, node, fmt::format("'{}' takes one value, not an array", key));
    for (const toml::node& value : *values) {
        if (Result<void> set = set_option(*option, value, name, settings); !set) return set;
    }
    return {};
}

std::string quote(std::string_view text) {
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

Result<void> read_machine_text(std::string_view text, const std::string& name, Settings& settings) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // byte order mark
    if (Result<void> checked = check_flat(text, name); !checked) return checked;
    const std::string ascii = to_ascii(text);
    try {
        const toml::table table = toml::parse(std::string_view(ascii));
        for (const auto& [key, node] : table) {
            if (Result<void> set = set_key(from_ascii(key.str()), node, name, settings); !set) return set;
        }
        return {};
    } catch (const toml::parse_error& error) {
        return Error{ExitStatus::usage, fmt::format("{}:{}: not TOML: {}", name, error.source().begin.line,
                                                    from_ascii(error.description()))};
    }
}

Result<void> read_machine_file(const std::string& path, Settings& settings) {
    const auto too_large = [&] {
        return Error{
            ExitStatus::bad_input,
            fmt::format("{} is larger than 1M: that is no MACHINE.toml (images go to --disk, kernels to --kernel)",
                        path)};
    };
    std::string text(kLargestFile + 1, '\0');
    if (path == "-") {
        text.resize(std::fread(text.data(), 1, text.size(), stdin));
        if (text.size() > kLargestFile) return too_large();
        return read_machine_text(text, "standard input", settings);
    }
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return Error{ExitStatus::bad_input, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
    }
    if (S_ISDIR(status.st_mode)) {
        return Error{ExitStatus::bad_input, fmt::format("cannot read {}: it is a folder; name a MACHINE.toml", path)};
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{ExitStatus::bad_input, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kLargestFile) return too_large();
    return read_machine_text(text, path, settings);
}

Result<std::vector<FlatEntry>> read_flat_text(std::string_view text, const std::string& name) {
    if (Result<void> checked = check_flat(text, name); !checked) return checked.error();
    const std::string ascii = to_ascii(text);
    try {
        std::vector<FlatEntry> entries;
        const toml::table table = toml::parse(std::string_view(ascii));
        for (const auto& [key, node] : table) {
            FlatEntry entry{from_ascii(key.str()), node.source().begin.line, node.is_array(), node.is_boolean(), {}};
            const auto add = [&](const toml::node& value) {
                const auto as = as_text(value);
                if (as) entry.texts.push_back(*as);
                return as.has_value();
            };
            bool known = true;
            if (const toml::array* values = node.as_array()) {
                for (const toml::node& value : *values) known = known && add(value);
            } else {
                known = add(node);
            }
            if (!known) return wrong(name, node, fmt::format("'{}' takes strings, numbers, true or false", entry.key));
            entries.push_back(std::move(entry));
        }
        std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
        return entries;
    } catch (const toml::parse_error& error) {
        return Error{ExitStatus::usage, fmt::format("{}:{}: not TOML: {}", name, error.source().begin.line,
                                                    from_ascii(error.description()))};
    }
}

std::string print_machine_text(const Settings& settings) {
    std::string text = "# MACHINE.toml for 'bantam run'; 'bantam help run' explains the keys\n";
    for (const Option& option : option_table()) {
        if (option.command != Command::run || !option.in_file) continue;
        const std::vector<std::string> values = option.get(settings);
        if (values.empty()) continue;
        std::string line;
        for (const std::string& value : values) {
            line += (line.empty() ? "" : ", ") + (option.is_flag() ? value : quote(value));
        }
        text += option.repeatable ? fmt::format("{} = [{}]\n", option.name, line)
                                  : fmt::format("{} = {}\n", option.name, line);
    }
    return text;
}

}  // namespace bantam::frontend
