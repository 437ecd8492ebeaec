#include "frontend/monitor.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

namespace bantam::frontend {
namespace {

constexpr std::size_t kLongestLine = 4096;

/// What the two threads share about one command; kept alive by whoever is last.
struct Answer {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<std::string> text;
};

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

Result<int> listen_at(const std::string& path) {
    const auto failed = [&](std::string_view cause) {
        return Error{ExitStatus::host_resource, fmt::format("cannot listen on {} for the monitor: {}", path, cause)};
    };
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return failed(fmt::format("the path is longer than {} characters", sizeof(address.sun_path) - 1));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed(std::strerror(errno));
    const auto* name = reinterpret_cast<const sockaddr*>(&address);
    // A socket nobody listens on is left from a run that was killed; anything else there is not ours to remove.
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
        if (::connect(fd, name, sizeof(address)) == 0) {
            ::close(fd);
            return failed("another process listens there; choose another path");
        }
        ::unlink(path.c_str());
    }
    if (::bind(fd, name, sizeof(address)) != 0 || ::listen(fd, 1) != 0) {
        const std::string cause = errno == EADDRINUSE ? "a file is in the way; remove it or choose another path"
                                                      : std::string(std::strerror(errno));
        ::close(fd);
        return failed(cause);
    }
    return fd;
}

}  // namespace

struct Monitor::Parts {
    Machine& machine;
    std::string socket_path;
    int listen_fd = -1;
    int wake_fd = -1;
    std::atomic<bool> ending{false};
    std::thread thread;

    /// Waits until `fd` has input; false when the monitor is to end.
    bool wait_readable(int fd) const {
        std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{wake_fd, POLLIN, 0}};
        while (!ending) {
            if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return false;
            if ((fds[1].revents & POLLIN) != 0) return false;
            if (fds[0].revents != 0) return true;
        }
        return false;
    }

    std::string execute(const std::string& line) {
        auto answer = std::make_shared<Answer>();
        machine.post([answer, line, &target = machine] {
            std::string text = execute_monitor_line(target, line);
            const std::scoped_lock lock(answer->mutex);
            answer->text = std::move(text);
            answer->ready.notify_one();
        });
        std::unique_lock lock(answer->mutex);
        // A machine that has ended carries out nothing more: look at `ending` now and then.
        while (!answer->text && !ending) answer->ready.wait_for(lock, std::chrono::milliseconds(50));
        return answer->text.value_or("the machine has ended\n");
    }

    /// Talks with one user until the input ends.
    void converse(int in, int out) {
        std::string pending;
        if (!write_all(out, kPrompt)) return;
        while (wait_readable(in)) {
            std::array<char, 1024> buffer{};
            const ssize_t got = ::read(in, buffer.data(), buffer.size());
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return;
            pending.append(buffer.data(), static_cast<std::size_t>(got));
            std::size_t end = 0;
            while ((end = pending.find('\n')) != std::string::npos) {
                const std::string answer =
                    end > kLongestLine ? "the line is too long\n" : execute(pending.substr(0, end));
                pending.erase(0, end + 1);
                if (!write_all(out, answer) || !write_all(out, kPrompt)) return;
            }
            // What is kept of a line that is too long stays too long.
            if (pending.size() > kLongestLine) pending.resize(kLongestLine + 1);
        }
    }

    void serve() {
        if (listen_fd < 0) {
            converse(STDIN_FILENO, STDOUT_FILENO);
            return;
        }
        while (wait_readable(listen_fd)) {
            const int client = ::accept4(listen_fd, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) continue;
            converse(client, client);
            ::close(client);
        }
    }
};

Result<std::unique_ptr<Monitor>> Monitor::start(const MonitorConfig& config, Machine& machine) {
    if (config.kind == MonitorConfig::Kind::none) return std::unique_ptr<Monitor>{};
    auto parts = std::unique_ptr<Parts>(new Parts{.machine = machine, .socket_path = {}, .thread = {}});
    parts->wake_fd = ::eventfd(0, EFD_CLOEXEC);
    if (parts->wake_fd < 0) {
        return Error{ExitStatus::host_resource,
                     fmt::format("cannot make the monitor's eventfd: {}", std::strerror(errno))};
    }
    if (config.kind == MonitorConfig::Kind::unix_socket) {
        const Result<int> listening = listen_at(config.path);
        if (!listening) {
            ::close(parts->wake_fd);
            return listening.error();
        }
        parts->listen_fd = listening.value();
        parts->socket_path = config.path;
    }
    Parts* served = parts.get();
    served->thread = std::thread([served] { served->serve(); });
    return std::unique_ptr<Monitor>(new Monitor(std::move(parts)));
}

Monitor::Monitor(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Monitor::~Monitor() {
    parts_->ending = true;
    const u64 one = 1;
    CHECK(::write(parts_->wake_fd, &one, sizeof(one)) == sizeof(one));
    parts_->thread.join();
    ::close(parts_->wake_fd);
    if (parts_->listen_fd >= 0) {
        ::close(parts_->listen_fd);
        ::unlink(parts_->socket_path.c_str());
    }
}

}  // namespace bantam::frontend
