#include "frontend/machine_file.h"

#include <fmt/format.h>

#include "frontend/files.h"
#include "frontend/flat_toml.h"
#include "frontend/values.h"

namespace bantam::frontend {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;  // bytes; a configuration is a screenful

Error wrong(const std::string& name, unsigned line, std::string_view cause) {
    return {ExitStatus::usage, fmt::format("{}:{}: {}", name, line, cause)};
}

Result<void> set_option(const Option& option, const FlatValue& value, const std::string& name, Settings& settings) {
    if (option.is_flag() != value.flag) {
        return wrong(name, value.line,
                     fmt::format("'{}' takes {}", option.name, option.is_flag() ? "true or false" : "a string"));
    }
    if (const Result<void> set = option.set(settings, value.text); !set) {
        return wrong(name, value.line, fmt::format("{}: {}", option.name, set.error().message));
    }
    return {};
}

Result<void> set_key(const FlatEntry& entry, const std::string& name, Settings& settings) {
    const Option* option = find_option(Command::run, entry.key);
    if (option == nullptr || !option->in_file) {
        return wrong(name, entry.line,
                     fmt::format("unknown key '{}'{} ('bantam help run' lists them)", entry.key,
                                 suggestion(entry.key, option_names(Command::run, true))));
    }
    if (entry.array && !option->repeatable) {
        return wrong(name, entry.line, fmt::format("'{}' takes one value, not an array", entry.key));
    }
    for (const FlatValue& value : entry.values) {
        if (Result<void> set = set_option(*option, value, name, settings); !set) return set;
    }
    return {};
}

}  // namespace

Result<void> read_machine_text(std::string_view text, const std::string& name, Settings& settings) {
    const auto entries = read_flat_toml(text, name);
    if (!entries) return entries.error();
    for (const FlatEntry& entry : entries.value()) {
        if (Result<void> set = set_key(entry, name, settings); !set) return set;
    }
    return {};
}

Result<void> read_machine_file(const std::string& path, Settings& settings) {
    const Result<std::string> text = read_text_file(
        path, kLargestFile, "is larger than 1M: that is no MACHINE.toml (images go to --disk, kernels to --kernel)");
    if (!text) return text.error();
    return read_machine_text(text.value(), shown_name(path), settings);
}

std::string print_machine_text(const Settings& settings) {
    std::string text = "# MACHINE.toml for 'bantam run'; 'bantam help run' explains the keys\n";
    for (const Option& option : option_table()) {
        if (option.command != Command::run || !option.in_file) continue;
        const std::vector<std::string> values = option.get(settings);
        if (values.empty()) continue;
        std::string line;
        for (const std::string& value : values) {
            line += (line.empty() ? "" : ", ") + (option.is_flag() ? value : quote_toml(value));
        }
        text += option.repeatable ? fmt::format("{} = [{}]\n", option.name, line)
                                  : fmt::format("{} = {}\n", option.name, line);
    }
    return text;
}

}  // namespace bantam::frontend
