// TLS by GnuTLS (https://gnutls.org/manual): the module bantam-tls.so.
#include <gnutls/gnutls.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "frontend/remote/tls_server.h"
#include "frontend/version.h"

namespace bantam::frontend {
namespace {

constexpr unsigned kMostHandshake_ms = 10'000;

/// A client's session; ends with it.
class Relay {
public:
    Relay(int socket, int plain) : socket_(socket), plain_(plain) {}
    ~Relay() {
        if (session_ != nullptr) gnutls_deinit(session_);
        ::close(socket_);
        ::close(plain_);
    }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    void run(gnutls_certificate_credentials_t credentials) {
        if (!shake_hands(credentials)) return;
        while (turn()) {
        }
        gnutls_bye(session_, GNUTLS_SHUT_WR);
    }

private:
    bool shake_hands(gnutls_certificate_credentials_t credentials) {
        if (gnutls_init(&session_, GNUTLS_SERVER) != GNUTLS_E_SUCCESS) return false;
        if (gnutls_set_default_priority(session_) != GNUTLS_E_SUCCESS) return false;
        if (gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials) != GNUTLS_E_SUCCESS) return false;
        gnutls_transport_set_int(session_, socket_);
        gnutls_handshake_set_timeout(session_, kMostHandshake_ms);
        int status = gnutls_handshake(session_);
        while (status == GNUTLS_E_INTERRUPTED) status = gnutls_handshake(session_);
        return status == GNUTLS_E_SUCCESS;
    }

    /// Waits for bytes or room and moves them on; false: one end is done. What the client has sent waits without
    /// keeping what is for it.
    bool turn() {
        std::array<pollfd, 2> fds{pollfd{socket_, POLLIN, 0}, pollfd{plain_, POLLIN, 0}};
        if (!for_plain_.empty()) {
            fds[0].fd = -1;
            fds[1].events |= POLLOUT;
        }
        const bool deciphered = for_plain_.empty() && gnutls_record_check_pending(session_) != 0;
        if (::poll(fds.data(), fds.size(), deciphered ? 0 : -1) < 0) return true;  // EINTR
        if ((fds[1].revents & POLLOUT) != 0 && !for_plain_.empty()) return write_plain();
        if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !read_plain()) return false;
        if (deciphered || fds[0].revents != 0) return receive();
        return true;
    }

    bool receive() {
        const ssize_t got = gnutls_record_recv(session_, received_.data(), received_.size());
        // An unfinished record after the socket's timeout: GNUTLS_E_AGAIN.
        if (got <= 0) return got == GNUTLS_E_INTERRUPTED;
        for_plain_ = {received_.data(), static_cast<std::size_t>(got)};
        return write_plain();
    }

    bool write_plain() {
        const ssize_t sent = ::send(plain_, for_plain_.data(), for_plain_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN || errno == EINTR;
        for_plain_.remove_prefix(static_cast<std::size_t>(sent));
        return true;
    }

    bool read_plain() {
        std::array<char, 16384> bytes;
        const ssize_t got = ::recv(plain_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        for (std::string_view left(bytes.data(), static_cast<std::size_t>(got)); !left.empty();) {
            const ssize_t sent = gnutls_record_send(session_, left.data(), left.size());
            if (sent == GNUTLS_E_INTERRUPTED) continue;
            if (sent <= 0) return false;
            left.remove_prefix(static_cast<std::size_t>(sent));
        }
        return got > 0;
    }

    int socket_, plain_;
    gnutls_session_t session_ = nullptr;
    std::array<char, 16384> received_{};
    std::string_view for_plain_;  // of received_: what `plain` has not taken yet
};

class GnutlsServer final : public TlsServer {
public:
    ~GnutlsServer() override {
        if (credentials_ != nullptr) gnutls_certificate_free_credentials(credentials_);
    }

    /// An error of GnuTLS, or GNUTLS_E_SUCCESS.
    int load(const char* certificate, const char* key) {
        const int status = gnutls_certificate_allocate_credentials(&credentials_);
        if (status != GNUTLS_E_SUCCESS) return status;
        return gnutls_certificate_set_x509_key_file(credentials_, certificate, key, GNUTLS_X509_FMT_PEM);
    }
    void relay(int socket, int plain) override { Relay(socket, plain).run(credentials_); }

private:
    gnutls_certificate_credentials_t credentials_ = nullptr;
};

}  // namespace
}  // namespace bantam::frontend

extern "C" [[gnu::visibility("default")]] bantam::frontend::TlsServer* bantam_open_tls_server(const char* version,
                                                                                              const char* certificate,
                                                                                              const char* key,
                                                                                              std::string& error) {
    using namespace bantam::frontend;
    if (std::string_view(version) != kVersion) {
        error = "bantam-tls.so belongs to another version of Bantam";
        return nullptr;
    }
    auto server = std::make_unique<GnutlsServer>();
    const int status = server->load(certificate, key);
    if (status >= 0) return server.release();
    error = gnutls_strerror(status);
    return nullptr;
}
