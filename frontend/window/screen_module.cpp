// Opens the window of the module that holds it.
#include <fmt/format.h>

#include <cstdlib>

#include "frontend/module.h"
#include "frontend/version.h"
#include "frontend/window/screen.h"

namespace bantam::frontend {

bool display_is_named() {
    const auto names_display = [](const char* variable) {
        const char* value = std::getenv(variable);
        return value != nullptr && *value != '\0';
    };
    return names_display("DISPLAY") || names_display("WAYLAND_DISPLAY") || names_display("SDL_VIDEODRIVER");
}

Result<std::unique_ptr<Screen>> open_screen() {
    const auto cannot = [](const std::string& cause) {
        return Error{ExitStatus::host_resource,
                     fmt::format("cannot open a window: {}; --headless runs without", cause)};
    };
    const Result<void*> symbol = find_in_window_module("bantam_open_screen");
    if (!symbol) return cannot(symbol.error().message);
    using Open = Screen* (*)(const char* version, std::string& error);
    std::string error;
    Screen* screen = reinterpret_cast<Open>(symbol.value())(std::string(kVersion).c_str(), error);
    if (screen == nullptr) return cannot(error);
    return std::unique_ptr<Screen>(screen);
}

}  // namespace bantam::frontend
