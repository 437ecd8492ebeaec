#include "machine/host/socket_port.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace bantam::host {
namespace {

Error socket_error(const std::string& path, const std::string& cause) {
    return {ExitStatus::host_resource, fmt::format("cannot listen on socket '{}': {}", path, cause)};
}

/// True when a socket file is there and nobody answers on it.
bool stale(const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return false;
    const bool refused =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    return refused;
}

}  // namespace

Result<int> listen_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return Error{ExitStatus::usage,
                     fmt::format("socket path '{}' must have 1 to {} characters; choose a shorter one", path,
                                 sizeof address.sun_path - 1)};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    if (stale(address)) ::unlink(address.sun_path);

    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return socket_error(path, std::strerror(errno));
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener, SOMAXCONN) != 0) {
        const int cause = errno;
        ::close(listener);
        if (cause == EADDRINUSE) {
            return socket_error(path,
                                "another process listens there, or it is no socket; choose another path or remove it");
        }
        return socket_error(path, std::strerror(cause));
    }
    return listener;
}

Result<std::unique_ptr<SocketPort>> SocketPort::listen(std::string path, PortEvents events) {
    Result<int> listener = listen_unix(path);
    if (!listener) return listener.error();
    return std::unique_ptr<SocketPort>(new SocketPort(std::move(path), listener.value(), std::move(events)));
}

SocketPort::SocketPort(std::string path, int listener, PortEvents events)
    : FdPort(WhenFull::drop, std::move(events)), path_(std::move(path)), listener_(listener) {
    ::signal(SIGPIPE, SIG_IGN);
}

SocketPort::~SocketPort() {
    drain(0);
    ::close(listener_);
    ::unlink(path_.c_str());
}

void SocketPort::add_poll(std::vector<pollfd>& fds) const {
    if (connected()) {
        FdPort::add_poll(fds);
    } else {
        fds.push_back({listener_, POLLIN, 0});
    }
}

void SocketPort::service() {
    if (!connected()) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0) return;
        log::debug("{}: client connected", description());
        set_fds(client, client);
    }
    FdPort::service();
}

void SocketPort::input_ended() { hang_up(); }

void SocketPort::output_failed(int) { hang_up(); }

void SocketPort::hang_up() {
    log::debug("{}: client left", description());
    close_fds();
}

}  // namespace bantam::host
