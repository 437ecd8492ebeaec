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
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

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

    /// One client: its session, and the descriptors it comes from and goes to.
    class Link {
    public:
        Link(const std::shared_ptr<Common>& common, const Connect& connect, int in, int out)
            : client_(std::make_shared<Client>(common)), session_(connect(client_)), in_(in), out_(out) {}
        ~Link() {
            client_->leave();
            if (in_ == out_) ::close(in_);  // a socket; standard input and output stay
        }
        Link(const Link&) = delete;
        Link& operator=(const Link&) = delete;

        /// What to wait for before serve().
        [[nodiscard]] std::array<pollfd, 2> awaited() {
            return {pollfd{reading_ && !session_->busy() ? in_ : -1, POLLIN, 0},
                    pollfd{client_->empty() ? -1 : out_, POLLOUT, 0}};
        }
        void serve(bool readable, bool writable) {
            if (writable) client_->write_to(out_);
            if (readable) reading_ = receive();
        }
        /// A program that sends commands from a file has no more to say, but hears the answers; on standard output also
        /// whatever happens later.
        [[nodiscard]] bool over() {
            return client_->left() || (!reading_ && in_ == out_ && !session_->busy() && client_->empty());
        }
        void drain(u64 until_ns) {
            while (!client_->left() && !client_->empty() && host::monotonic_ns() < until_ns) {
                pollfd fd{out_, POLLOUT, 0};
                if (::poll(&fd, 1, 100) > 0) client_->write_to(out_);
            }
        }

    private:
        /// False: the input has ended.
        bool receive() {
            std::array<char, 4096> buffer;
            const ssize_t got = ::read(in_, buffer.data(), buffer.size());
            if (got > 0) session_->received({buffer.data(), static_cast<std::size_t>(got)});
            return got > 0 || (got < 0 && errno == EINTR);
        }

        std::shared_ptr<Client> client_;
        std::unique_ptr<Session> session_;
        int in_, out_;
        bool reading_ = true;
    };

    Connect connect;
    std::size_t most_clients = 0;
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
        std::list<Link> links;
        if (listener < 0) links.emplace_back(common, connect, STDIN_FILENO, STDOUT_FILENO);
        std::vector<pollfd> fds;
        while (!common->ending && (listener >= 0 || !links.empty())) {
            fds = {pollfd{common->bell->fd(), POLLIN, 0},
                   pollfd{links.size() < most_clients ? listener : -1, POLLIN, 0}};
            for (Link& link : links) {
                for (const pollfd& fd : link.awaited()) fds.push_back(fd);
            }
            if (::poll(fds.data(), fds.size(), -1) < 0) continue;  // EINTR
            if (fds[0].revents != 0) common->bell->clear();
            std::size_t at = 2;
            for (Link& link : links) {
                link.serve(fds[at].revents != 0, fds[at + 1].revents != 0);
                at += 2;
            }
            if (fds[1].revents != 0) {
                if (const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
                    links.emplace_back(common, connect, fd, fd);
            }
            links.remove_if([](Link& link) { return link.over(); });
        }
        const u64 until_ns = host::monotonic_ns() + kDrain_ns;
        for (Link& link : links) link.drain(until_ns);
    }
};

Result<std::unique_ptr<ControlLine>> ControlLine::open(const ControlConfig& config, std::size_t most_clients,
                                                       Connect connect) {
    using Kind = ControlConfig::Kind;
    if (config.kind == Kind::none) return std::unique_ptr<ControlLine>{};
    auto parts = std::make_unique<Parts>();
    parts->connect = std::move(connect);
    parts->most_clients = most_clients;
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
