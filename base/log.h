// The log: spdlog behind five functions, to stderr, so that guest output on stdout stays clean.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/result.h"

namespace bantam::log {

enum class Level { trace, debug, info, warning, error, off };

/// Sets the least level that is written. The default is warning.
void set_level(Level level);

/// Parses a --log argument: trace, debug, info, warning, error or off.
Result<Level> parse_level(std::string_view text);

bool enabled(Level level);
void write(Level level, std::string_view message);

template <class... Args>
void emit(Level level, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    emit(Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    emit(Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
    emit(Level::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    emit(Level::error, format, std::forward<Args>(args)...);
}

}  // namespace bantam::log
