// TlsServer: the server's end of TLS, for browsers that come by https. Behind it is a module of its own
// (gnutls_server.cpp, the only code that knows GnuTLS), loaded where there is a certificate.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace bantam::frontend {

class TlsServer {
public:
    virtual ~TlsServer() = default;
    /// Shakes hands with the client at the other end of `socket`, then copies what it sends, deciphered, to `plain` and
    /// what comes from there back, until one of the two ends; then closes both. Reading half a record and sending end
    /// by the timeouts of `socket`. Several threads may each serve one. SIGPIPE must be ignored.
    virtual void relay(int socket, int plain) = 0;
};

/// Loads the module and the files, both PEM. Errors: host_resource (no module), bad_input (the files).
Result<std::unique_ptr<TlsServer>> open_tls_server(const std::string& certificate, const std::string& key);

}  // namespace bantam::frontend
