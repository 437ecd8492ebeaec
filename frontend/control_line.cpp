#include "frontend/control_line.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <mutex>
#include <thread>
#include <utility>

#include "frontend/tcp_listener.h"
#include "machine/host/host_io.h"
#include "machine/host/socket_port.h"

namespace bantam::frontend {
namespace {

constexpr u64 kDrain_ns = 1'000'000'000;
/// Who reaches a control line owns the machine and can write files as the user, so it is not offered to the network.
constexpr std::string_view kRemedy = "use 127.0.0.1, and reach that from elsewhere through ssh";

}  // namespace

struct ControlLine::Parts {
    /// What all outputs share with the thread, and keep while somebody holds one.
    struct Common {
        std::unique_ptr<host::Bell> bell;
        std::atomic<bool> ending = false;
    };

    class Client final : public Output {
    public:
        explicit Client(std::shared_ptr<Common> common) : common_(std::move(common)) {}
        void send(std::string_view text) override {
            const std::scoped_lock lock(mutex_);
            if (left_) return;
            waiting_ += text;
            if (waiting_.size() - written_ > kMostWaiting) left_ = true;
            common_->bell->ring();
        }
        [[nodiscard]] bool ended() const override { return left_ || common_->ending; }
        void leave() { left_ = true; }
        [[nodiscard]] bool left() const { return left_; }
        [[nodiscard]] bool empty() {
            const std::scoped_lock lock(mutex_);
            return waiting_.empty();
        }
        /// Writes what `fd`, which takes something, takes without waiting.
        void write_to(int fd) {
            const std::scoped_lock lock(mutex_);
            const std::size_t count = std::min<std::size_t>(waiting_.size() - written_, PIPE_BUF);
            const ssize_t written = ::write(fd, waiting_.data() + written_, count);
            if (written > 0) written_ += static_cast<std::size_t>(written);
            // What was written goes when it is half of what is kept, so that each byte moves once or twice.
            if (written_ >= waiting_.size() - written_) waiting_.erase(0, std::exchange(written_, 0));
            if (written < 0 && errno != EINTR && errno != EAGAIN) left_ = true;
        }

    private:
        std::shared_ptr<Common> common_;
        std::mutex mutex_;
        std::string waiting_;
        std::size_t written_ = 0;  // bytes of waiting_ that are gone
        std::atomic<bool> left_ = false;
    };

    Connect connect;
    std::shared_ptr<Common> common = std::make_shared<Common>();
    std::string socket_path;
    int listener = -1;  // none: standard input and output
    std::thread thread;

    ~Parts() {
        common->ending = true;
        if (common->bell) common->bell->ring();
        if (thread.joinable()) thread.join();
        if (listener >= 0) ::close(listener);
        if (!socket_path.empty()) ::unlink(socket_path.c_str());
    }

    void serve() {
        if (listener < 0) return converse(STDIN_FILENO, STDOUT_FILENO);
        while (!common->ending) {
            std::array<pollfd, 2> fds{pollfd{listener, POLLIN, 0}, pollfd{common->bell->fd(), POLLIN, 0}};
            if (::poll(fds.data(), fds.size(), -1) < 0) continue;  // EINTR
            if (fds[1].revents != 0) common->bell->clear();
            const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) continue;
            converse(fd, fd);
            ::close(fd);
        }
    }

    void converse(int in, int out) {
        const auto client = std::make_shared<Client>(common);
        const std::unique_ptr<Session> session = connect(client);
        bool reading = true;
        while (!client->ended()) {
            // A program that sends commands from a file has no more to say, but hears the answers; on standard output
            // also whatever happens later.
            if (!reading && listener >= 0 && !session->busy() && client->empty()) break;
            std::array<pollfd, 3> fds{pollfd{reading && !session->busy() ? in : -1, POLLIN, 0},
                                      pollfd{client->empty() ? -1 : out, POLLOUT, 0},
                                      pollfd{common->bell->fd(), POLLIN, 0}};
            if (::poll(fds.data(), fds.size(), -1) < 0) continue;  // EINTR
            if (fds[2].revents != 0) common->bell->clear();
            if (fds[1].revents != 0) client->write_to(out);
            if (fds[0].revents != 0) reading = receive(in, *session);
        }
        drain(*client, out);
        client->leave();
    }

    /// False: the input has ended.
    static bool receive(int in, Session& session) {
        std::array<char, 4096> buffer;
        const ssize_t got = ::read(in, buffer.data(), buffer.size());
        if (got > 0) session.received({buffer.data(), static_cast<std::size_t>(got)});
        return got > 0 || (got < 0 && errno == EINTR);
    }

    static void drain(Client& client, int out) {
        const u64 until = host::monotonic_ns() + kDrain_ns;
        while (!client.left() && !client.empty() && host::monotonic_ns() < until) {
            pollfd fd{out, POLLOUT, 0};
            if (::poll(&fd, 1, 100) > 0) client.write_to(out);
        }
    }
};

Result<std::unique_ptr<ControlLine>> ControlLine::open(const ControlConfig& config, Connect connect) {
    using Kind = ControlConfig::Kind;
    if (config.kind == Kind::none) return std::unique_ptr<ControlLine>{};
    auto parts = std::make_unique<Parts>();
    parts->connect = std::move(connect);
    Result<std::unique_ptr<host::Bell>> bell = host::Bell::create();
    if (!bell) return bell.error();
    parts->common->bell = std::move(bell.value());
    if (config.kind == Kind::unix_socket || config.kind == Kind::tcp) {
        const Result<int> listening = config.kind == Kind::tcp ? listen_tcp({"tcp", config.path, config.port, kRemedy})
                                                               : host::listen_unix(config.path);
        if (!listening) return listening.error();
        parts->listener = listening.value();
        if (config.kind == Kind::unix_socket) parts->socket_path = config.path;
        if (config.kind == Kind::tcp && config.port == 0)
            fmt::print(stderr, "bantam: listening on tcp:{}:{}\n", config.path, port_of(parts->listener));
    }
    parts->thread = std::thread([served = parts.get()] { served->serve(); });
    return std::unique_ptr<ControlLine>(new ControlLine(std::move(parts)));
}

ControlLine::ControlLine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ControlLine::~ControlLine() = default;

}  // namespace bantam::frontend
