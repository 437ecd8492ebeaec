// Opens the module that holds GnuTLS.
#include "frontend/remote/tls_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "frontend/files.h"
#include "frontend/module.h"
#include "frontend/version.h"

namespace bantam::frontend {

Result<std::unique_ptr<TlsServer>> open_tls_server(const std::string& certificate, const std::string& key) {
    const std::pair<const char*, const std::string&> files[] = {{"certificate", certificate}, {"key", key}};
    for (const auto& [option, path] : files) {
        if (::access(path.c_str(), R_OK) == 0) continue;
        return Error{ExitStatus::bad_input,
                     fmt::format("--web-{} {}: {}", option, shown_name(path), std::strerror(errno))};
    }
    const Result<void*> symbol =
        find_in_module("bantam-tls.so", "bantam_open_tls_server",
                       "Bantam was built without GnuTLS; install the package libgnutls28-dev and build it again");
    if (!symbol) return Error{ExitStatus::host_resource, fmt::format("there is no https: {}", symbol.error().message)};
    using Open = TlsServer* (*)(const char* version, const char* certificate, const char* key, std::string& error);
    std::string error;
    TlsServer* server =
        reinterpret_cast<Open>(symbol.value())(std::string(kVersion).c_str(), certificate.c_str(), key.c_str(), error);
    if (server != nullptr) return std::unique_ptr<TlsServer>(server);
    return Error{ExitStatus::bad_input, fmt::format("--web-certificate {} and --web-key {}: {}",
                                                    shown_name(certificate), shown_name(key), error)};
}

}  // namespace bantam::frontend
