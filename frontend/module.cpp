#include "frontend/module.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace bantam::frontend {

Result<void*> find_in_module(std::string_view name, const char* function, std::string_view missing) {
    std::error_code failed;
    const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
    std::string causes;
    for (const auto& path : {folder / name, folder / "../lib/bantam" / name}) {
        if (::access(path.c_str(), F_OK) != 0) continue;
        void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays: code that is in use is in it
        if (module == nullptr) {
            causes = ::dlerror();
            continue;
        }
        void* symbol = ::dlsym(module, function);
        if (symbol != nullptr) return symbol;
        return Error{ExitStatus::host_resource, fmt::format("{} is no part of Bantam", name)};
    }
    return Error{ExitStatus::host_resource,
                 causes.empty() ? fmt::format("the module {} is not beside the program: {}", name, missing) : causes};
}

Result<void*> find_in_window_module(const char* function) {
    return find_in_module("bantam-window.so", function, "install it anew");
}

}  // namespace bantam::frontend
