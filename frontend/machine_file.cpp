#include "frontend/machine_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>

#include <cerrno>
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

/// The text an option would have on the command line.
std::optional<std::string> as_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
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

Result<void> read_machine_text(std::string_view text, const std::string& name, Settings& settings) {
    try {
        const toml::table table = toml::parse(text, std::string_view(name));
        for (const auto& [key, node] : table) {
            if (Result<void> set = set_key(key.str(), node, name, settings); !set) return set;
        }
        return {};
    } catch (const toml::parse_error& error) {
        return Error{ExitStatus::usage,
                     fmt::format("{}:{}: not TOML: {}", name, error.source().begin.line, error.description())};
    }
}

Result<void> read_machine_file(const std::string& path, Settings& settings) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return Error{ExitStatus::bad_input, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
    }
    if (S_ISDIR(status.st_mode)) {
        return Error{ExitStatus::bad_input, fmt::format("cannot read {}: it is a folder; name a MACHINE.toml", path)};
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{ExitStatus::bad_input, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
    std::string text(kLargestFile + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kLargestFile) {
        return Error{
            ExitStatus::bad_input,
            fmt::format("{} is larger than 1M: that is no MACHINE.toml (images go to --disk, kernels to --kernel)",
                        path)};
    }
    return read_machine_text(text, path, settings);
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
