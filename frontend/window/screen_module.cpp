// Finds and loads the module that holds the window.
#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "frontend/version.h"
#include "frontend/window/screen.h"

namespace bantam::frontend {

Result<std::unique_ptr<Screen>> open_screen() {
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
        using Open = Screen* (*)(const char* version, std::string& error);
        const auto open = reinterpret_cast<Open>(::dlsym(module, "bantam_open_screen"));
        std::string error = "it is no part of Bantam";
        Screen* screen = open == nullptr ? nullptr : open(std::string(kVersion).c_str(), error);
        if (screen != nullptr) return std::unique_ptr<Screen>(screen);
        return Error{ExitStatus::host_resource,
                     fmt::format("cannot open a window: {}; --headless runs without", error)};
    }
    return Error{ExitStatus::host_resource,
                 fmt::format("cannot open a window: {}; --headless runs without",
                             causes.empty() ? "the module bantam-window.so is not beside the program: install it anew"
                                            : causes)};
}

}  // namespace bantam::frontend
