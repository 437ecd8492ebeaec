// `bantam ctl`: a person's way to a running machine's QMP: one command and its answer, or the events as they come.
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "frontend/commands.h"

namespace bantam::frontend {
namespace {

using nlohmann::json;

Error unreachable(std::string_view place, std::string_view cause) {
    return {ExitStatus::host_resource,
            fmt::format("cannot reach a machine at {}: {}; start it with --qmp {}", place, cause,
                        place.starts_with("tcp:") ? place : fmt::format("unix:{}", place))};
}

Result<int> connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return unreachable(path, "the path is too long for a socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    const int cause = errno;
    if (fd >= 0) ::close(fd);
    return unreachable(path, std::strerror(cause));
}

Result<int> connect_tcp(const std::string& place) {
    const std::string rest = place.substr(std::strlen("tcp:"));
    const std::size_t colon = std::min(rest.rfind(':'), rest.size());
    const std::string port = rest.substr(std::min(colon + 1, rest.size()));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(rest.substr(0, colon).c_str(), port.c_str(), &hints, &found); error != 0)
        return unreachable(place, ::gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
    const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0) return fd;
    const int cause = errno;
    if (fd >= 0) ::close(fd);
    return unreachable(place, std::strerror(cause));
}

/// A conversation with a server of QMP, answers told from events.
class Connection {
public:
    static Result<std::unique_ptr<Connection>> open(const std::string& place) {
        const bool tcp = place.starts_with("tcp:");
        const bool prefixed = place.starts_with("unix:");
        const Result<int> fd = tcp ? connect_tcp(place) : connect_unix(prefixed ? place.substr(5) : place);
        if (!fd) return fd.error();
        auto connection = std::unique_ptr<Connection>(new Connection(fd.value(), place));
        const Result<json> greeting = connection->read();
        if (!greeting) return greeting.error();
        if (!greeting.value().contains("QMP")) return unreachable(place, "what listens there does not talk QMP");
        if (const Result<json> ready = connection->ask("qmp_capabilities", json::object()); !ready)
            return ready.error();
        return connection;
    }
    ~Connection() { ::close(fd_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// What the command returns. Errors: usage (the machine refuses), host_resource (it has gone away).
    Result<json> ask(const std::string& command, json arguments) {
        const std::string text = json{{"execute", command}, {"arguments", std::move(arguments)}}.dump() + "\n";
        for (std::size_t sent = 0; sent < text.size();) {
            const ssize_t count = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (count < 0 && errno != EINTR) return gone(std::strerror(errno));
            if (count > 0) sent += static_cast<std::size_t>(count);
        }
        while (true) {
            Result<json> message = read();
            if (!message) return message;
            const json& answer = message.value();
            if (answer.contains("return")) return answer["return"];
            if (answer.contains("error")) return Error{ExitStatus::usage, answer["error"].value("desc", "it failed")};
        }
    }

    /// The next message of any kind.
    Result<json> read() {
        std::size_t end = 0;
        while ((end = pending_.find('\n')) == std::string::npos) {
            char buffer[65536];
            const ssize_t got = ::read(fd_, buffer, sizeof buffer);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0)
                return gone(got == 0 ? "the machine has ended, or talks with somebody else" : std::strerror(errno));
            pending_.append(buffer, static_cast<std::size_t>(got));
        }
        json message = json::parse(pending_.substr(0, end), nullptr, false);
        pending_.erase(0, end + 1);
        if (!message.is_object()) return unreachable(place_, "what listens there does not talk QMP");
        return message;
    }

private:
    Connection(int fd, std::string place) : fd_(fd), place_(std::move(place)) {}
    [[nodiscard]] Error gone(std::string_view cause) const {
        return {ExitStatus::host_resource, fmt::format("{}: {}", place_, cause)};
    }

    int fd_;
    std::string place_;
    std::string pending_;
};

/// NAME=VALUE: JSON where the value is JSON, else text. Nothing: the words are not all of that form.
std::optional<json> named_arguments(const std::vector<std::string>& words) {
    json arguments = json::object();
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0) return std::nullopt;
        const std::string value = word.substr(equals + 1);
        json parsed = json::parse(value, nullptr, false);
        arguments[word.substr(0, equals)] = parsed.is_discarded() ? json(value) : std::move(parsed);
    }
    return arguments;
}

Result<bool> knows(Connection& connection, const std::string& command) {
    const Result<json> commands = connection.ask("query-commands", json::object());
    if (!commands) return commands.error();
    return std::any_of(commands.value().begin(), commands.value().end(),
                       [&command](const json& entry) { return entry.value("name", "") == command; });
}

Result<void> follow_events(Connection& connection) {
    while (true) {
        const Result<json> message = connection.read();
        if (!message) return message.error();
        fmt::print("{}\n", message.value().dump());
        std::fflush(stdout);
        if (message.value().value("event", "") == "SHUTDOWN") return {};
    }
}

void show(const json& value) {
    if (value.is_string()) {
        fmt::print("{}", value.get<std::string>());
    } else if (value != json::object()) {
        fmt::print("{}\n", value.dump(2));
    }
}

}  // namespace

Result<void> run_control(const ControlOptions& options) {
    Result<std::unique_ptr<Connection>> opened = Connection::open(options.place);
    if (!opened) return opened.error();
    Connection& connection = *opened.value();
    const std::string& command = options.words.front();
    const std::vector<std::string> words(options.words.begin() + 1, options.words.end());
    if (command == "events" && words.empty()) return follow_events(connection);
    const auto arguments = named_arguments(words);
    const Result<bool> known = knows(connection, command);
    if (!known) return known.error();
    const Result<json> answer =
        known.value() && arguments
            ? connection.ask(command, *arguments)
            : connection.ask("human-monitor-command",
                             {{"command-line", fmt::format("{}", fmt::join(options.words, " "))}, {"strict", true}});
    if (!answer) return answer.error();
    show(answer.value());
    return {};
}

}  // namespace bantam::frontend
