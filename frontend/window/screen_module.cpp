// Finds and loads the module that holds the window.
#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "frontend/version.h"
#include "frontend/window/module.h"
#include "frontend/window/screen.h"

namespace bantam::frontend {

Result<void*> find_in_window_module(const char* name) {
    std::error_code failed;
    const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
    std::string causes;
    for (const auto& path : {folder / "bantam-window.so", folder / "../lib/bantam/bantam-window.so"}) {
        if (::access(path.c_str(), F_OK) != 0) continue;
        void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays: the window's code is in it
        if (module == nullptr) {
            causes = ::dlerror();
            continue;
        }
        void* symbol = ::dlsym(module, name);
        if (symbol != nullptr) return symbol;
        return Error{ExitStatus::host_resource, "bantam-window.so is no part of Bantam"};
    }
    return Error{ExitStatus::host_resource,
                 causes.empty() ? "the module bantam-window.so is not beside the program: install it anew" : causes};
}

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
