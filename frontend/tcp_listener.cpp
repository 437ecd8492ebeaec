#include "frontend/tcp_listener.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace bantam::frontend {
namespace {

Error failed(std::string message) { return {ExitStatus::host_resource, std::move(message)}; }

bool loopback(const sockaddr* address) {
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr) != 0;
    return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

}  // namespace

Result<int> listen_tcp(const ListenPlace& place) {
    const std::string text = fmt::format("{}:{}", place.scheme, address_text(place.host, place.port));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(place.host.c_str(), std::to_string(place.port).c_str(), &hints, &found);
        error != 0) {
        return failed(fmt::format("{}: {}", text, ::gai_strerror(error)));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
    if (!place.remedy.empty() && !loopback(found->ai_addr)) {
        return Error{ExitStatus::usage,
                     fmt::format("{}: whoever reaches it could do anything with the machine; {}", text, place.remedy)};
    }
    const int listener = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (listener >= 0 && ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        ::bind(listener, found->ai_addr, found->ai_addrlen) == 0 && ::listen(listener, SOMAXCONN) == 0) {
        return listener;
    }
    const int cause = errno;
    if (listener >= 0) ::close(listener);
    return failed(fmt::format("cannot listen on {}: {}; choose another port", text, std::strerror(cause)));
}

u16 port_of(int listener) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    CHECK(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                               : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string address_text(const std::string& host, u16 port) {
    return host.find(':') == host.npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

}  // namespace bantam::frontend
