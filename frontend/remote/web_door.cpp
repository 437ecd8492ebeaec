#include "frontend/remote/web_door.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "base/log.h"

namespace bantam::frontend {
namespace {

constexpr std::size_t kMostHead = 16 << 10;
constexpr std::size_t kMostWebSocketHead = 4095;  // LibVNCServer's limit
constexpr u64 kMostRequest_ns = 10'000'000'000;

void send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// The head of the request, which stays readable. Empty: none came, or it was refused.
std::string wait_for_head(int socket, host::Bell& bell, const std::atomic<bool>& ending) {
    const u64 until = host::monotonic_ns() + kMostRequest_ns;
    std::string bytes(kMostHead, '\0');
    while (!ending && host::monotonic_ns() < until) {
        const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
        if (got == 0) return {};
        const std::string_view there(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
        if (const auto length = head_length(there)) return std::string(there.substr(0, *length));
        if (there.size() == kMostHead) {
            send_all(socket, http_refusal("431 Request Header Fields Too Large", "The request is too long."));
            return {};
        }
        // What has come stays readable, so the rest of a head is looked for from time to time.
        const short awaited = there.empty() ? POLLIN : POLLRDHUP;
        std::array<pollfd, 2> fds{pollfd{socket, awaited, 0}, pollfd{bell.fd(), POLLIN, 0}};
        ::poll(fds.data(), fds.size(), there.empty() ? 1000 : 10);
        if (!there.empty() && fds[0].revents != 0) return {};  // nothing more comes
        if (fds[1].revents != 0) bell.clear();
    }
    return {};
}

}  // namespace

bool WebDoor::admit(int socket, const std::string& peer, host::Bell& bell, const std::atomic<bool>& ending) const {
    std::string head = wait_for_head(socket, bell, ending);
    if (head.empty()) return false;
    const auto request = parse_http_request(head);
    std::string answer;
    if (request && request->web_socket) {
        answer = refusal_of(*request, head.size());
        if (answer.empty()) return true;
        log::warning("a browser from {} was refused: {}", peer, answer.substr(0, answer.find('\r')));
    } else {
        answer = request ? page_.answer(*request) : http_refusal("400 Bad Request", "This is no HTTP request.");
    }
    ::recv(socket, head.data(), head.size(), MSG_DONTWAIT);  // a close with unread bytes would cut the answer off
    send_all(socket, answer);
    return false;
}

std::string WebDoor::refusal_of(const HttpRequest& request, std::size_t head_bytes) const {
    if (request.path != kWebSocketPath) return http_refusal("404 Not Found", "There is no WebSocket.");
    if (!request.own_page) return http_refusal("403 Forbidden", "Another site's page asked for the machine.");
    if (!asks_password_ && !names_this_host(request.host))
        return http_refusal("403 Forbidden", "Without a password only http://localhost and http://127.0.0.1 do.");
    if (head_bytes > kMostWebSocketHead)
        return http_refusal("431 Request Header Fields Too Large", "The request is too long (cookies?).");
    return {};
}

}  // namespace bantam::frontend
