// Opens the module that holds LibVNCServer.
#include "frontend/remote/vnc_library.h"

#include <fmt/format.h>

#include "base/log.h"
#include "frontend/module.h"
#include "frontend/version.h"

namespace bantam::frontend {

Result<std::unique_ptr<VncLibrary>> open_vnc_library(const std::string& password) {
    const auto cannot = [](const std::string& cause) {
        return Error{ExitStatus::host_resource, fmt::format("there is no remote display: {}", cause)};
    };
    const Result<void*> symbol = find_in_module(
        "bantam-vnc.so", "bantam_open_vnc_library",
        "Bantam was built without LibVNCServer; install the package libvncserver-dev and build it again");
    if (!symbol) return cannot(symbol.error().message);
    using Open =
        VncLibrary* (*)(const char* version, const char* password, void (*log)(const std::string&), std::string& error);
    std::string error;
    VncLibrary* library = reinterpret_cast<Open>(symbol.value())(
        std::string(kVersion).c_str(), password.c_str(),
        [](const std::string& line) { log::debug("LibVNCServer: {}", line); }, error);
    if (library == nullptr) return cannot(error);
    return std::unique_ptr<VncLibrary>(library);
}

}  // namespace bantam::frontend
