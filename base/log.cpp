#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>

namespace bantam::log {
namespace {

struct LevelName {
    std::string_view name;
    Level level;
    spdlog::level::level_enum spdlog_level;
};

constexpr std::array kLevels{
    LevelName{"trace", Level::trace, spdlog::level::trace}, LevelName{"debug", Level::debug, spdlog::level::debug},
    LevelName{"info", Level::info, spdlog::level::info},    LevelName{"warning", Level::warning, spdlog::level::warn},
    LevelName{"error", Level::error, spdlog::level::err},   LevelName{"off", Level::off, spdlog::level::off},
};

spdlog::level::level_enum to_spdlog(Level level) { return kLevels.at(static_cast<std::size_t>(level)).spdlog_level; }

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> instance = [] {
        auto made = spdlog::stderr_color_mt("bantam");
        made->set_pattern("bantam: %l: %v");
        made->set_level(spdlog::level::warn);
        return made;
    }();
    return *instance;
}

}  // namespace

void set_level(Level level) { logger().set_level(to_spdlog(level)); }

Result<Level> parse_level(std::string_view text) {
    for (const LevelName& candidate : kLevels) {
        if (candidate.name == text) return candidate.level;
    }
    return Error{ExitStatus::usage,
                 fmt::format("unknown log level '{}': use trace, debug, info, warning, error or off", text)};
}

bool enabled(Level level) { return logger().should_log(to_spdlog(level)); }

void write(Level level, std::string_view message) { logger().log(to_spdlog(level), message); }

}  // namespace bantam::log
