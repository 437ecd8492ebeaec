#include "frontend/remote/remote_display.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "frontend/picture_feed.h"
#include "frontend/remote/remote_input.h"
#include "frontend/remote/tls_server.h"
#include "frontend/remote/vnc_library.h"
#include "frontend/remote/vnc_password.h"
#include "frontend/remote/web_door.h"
#include "frontend/tcp_listener.h"
#include "machine/host/host_io.h"

namespace bantam::frontend {
namespace {

constexpr u64 kMs = 1'000'000;
constexpr u64 kPicturePeriod_ns = 1'000 * kMs / 60;
constexpr std::size_t kMostConnections = 64;  // a browser opens several at once for a page's files
constexpr unsigned kMostViewers = 16;
constexpr unsigned kMostWaitingInput = 1024;  // keys and movements of one viewer that the machine has not taken
constexpr auto kFirstPicture = std::chrono::seconds(5);
constexpr auto kAfterWrongPassword = std::chrono::seconds(1);

RemoteDisplay::Address address_of(const sockaddr_storage& address, socklen_t length) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host.data(), host.size(), port.data(),
                  port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
    return {.host = host.data(), .port = port.data(), .ipv6 = address.ss_family == AF_INET6};
}

/// A viewer whose host has vanished is noticed within a minute.
void watch_over(int socket) {
    const auto set = [socket](int level, int option, int value) {
        ::setsockopt(socket, level, option, &value, sizeof value);
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
    const timeval most{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
}

std::shared_ptr<const devices::Frame> blank_picture() {
    constexpr unsigned kWidth = 640, kHeight = 400;
    return std::make_shared<devices::Frame>(
        devices::Frame{.width = kWidth, .height = kHeight, .pixels = std::vector<u32>(std::size_t{kWidth} * kHeight)});
}

}  // namespace

struct RemoteDisplay::Parts {
    explicit Parts(Machine& served)
        : machine(served), input(std::make_shared<RemoteInput>(served)), feed(served, [this] { take_picture(); }) {}
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
    ~Parts() {
        {
            const std::scoped_lock lock(mutex);
            ending = true;
            for (Connection& connection : connections) {
                ::shutdown(connection.socket, SHUT_RDWR);
                connection.bell->ring();
            }
        }
        changed.notify_all();
        if (bell) bell->ring();
        if (thread.joinable()) thread.join();
        for (Connection& connection : connections) {
            connection.thread.join();
            ::close(connection.socket);
        }
        if (listener >= 0) ::close(listener);
    }

    struct Connection {
        unsigned number;  // also of its viewer
        Viewer viewer;
        int socket;  // a duplicate: the one that is served closes when its user is done with it
        std::unique_ptr<host::Bell> bell;
        bool admitted = false;
        bool over = false;
        std::thread thread = {};
    };

    /// One viewer, on its connection's thread.
    class Session final : public VncHost {
    public:
        Session(Parts& parts, Connection& connection) : parts_(parts), connection_(connection) {}
        ~Session() override {
            parts_.machine.post([input = parts_.input, number = connection_.number] { input->leave(number); });
        }
        Session(const Session&) = delete;
        Session& operator=(const Session&) = delete;

        std::shared_ptr<const devices::Frame> picture() override { return last_ = parts_.newest_picture(); }
        bool guest_draws_pointer() override { return parts_.feed.status().mouse_is_absolute; }
        int wake_fd() override { return connection_.bell->fd(); }
        void woken() override { connection_.bell->clear(); }
        bool ending() override { return parts_.ending; }
        void admitted() override {
            log::info("a viewer from {} looks on", connection_.viewer.address.host);
            {
                const std::scoped_lock lock(parts_.mutex);
                connection_.admitted = true;
            }
            parts_.bell->ring();
        }
        void wrong_password() override {
            log::warning("a viewer from {} gave a wrong password", connection_.viewer.address.host);
            std::unique_lock lock(parts_.mutex);
            parts_.changed.wait_for(lock, kAfterWrongPassword, [this] { return parts_.ending.load(); });
        }
        void key(u32 keysym, std::optional<u16> scan_code, bool pressed) override {
            post([=, number = connection_.number](RemoteInput& to) { to.key(number, keysym, scan_code, pressed); });
        }
        void pointer(int x, int y, unsigned buttons) override {
            const RemoteInput::Point point{
                .x = x, .y = y, .width = static_cast<int>(last_->width), .height = static_cast<int>(last_->height)};
            post([=, number = connection_.number](RemoteInput& to) { to.pointer(number, point, buttons); });
        }

    private:
        /// Waits while too much waits already: then nothing more is read from the viewer.
        void post(std::function<void(RemoteInput&)> act) {
            while (*waiting_ >= kMostWaitingInput && !parts_.ending)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            ++*waiting_;
            parts_.machine.post([input = parts_.input, waiting = waiting_, act = std::move(act)] {
                act(*input);
                --*waiting;
            });
        }

        Parts& parts_;
        Connection& connection_;
        std::shared_ptr<const devices::Frame> last_;
        std::shared_ptr<std::atomic<unsigned>> waiting_ = std::make_shared<std::atomic<unsigned>>(0);
    };

    // --- the machine's thread
    void take_picture() {
        devices::Frame frame;
        if (!feed.take(frame)) return;
        // RFB has no pictures without dots.
        auto next = frame.width == 0 || frame.height == 0 ? blank_picture()
                                                          : std::make_shared<const devices::Frame>(std::move(frame));
        {
            const std::scoped_lock lock(mutex);
            picture = std::move(next);
            for (const Connection& connection : connections) connection.bell->ring();
        }
        changed.notify_all();
    }

    // --- a connection's thread
    std::shared_ptr<const devices::Frame> newest_picture() {
        std::unique_lock lock(mutex);
        if (!picture) {
            lock.unlock();
            feed.request();
            lock.lock();
            changed.wait_for(lock, kFirstPicture, [this] { return picture != nullptr || ending.load(); });
            if (!picture) picture = blank_picture();
        }
        return picture;
    }

    void serve(Connection& connection, int socket) {
        std::array<int, 2> ends{};
        if (!tls) {
            serve_plain(connection, socket);
        } else if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0) {
            std::thread relay([this, socket, plain = ends[0]] { tls->relay(socket, plain); });
            serve_plain(connection, ends[1]);
            relay.join();
        } else {
            ::close(socket);
        }
        const std::scoped_lock lock(mutex);
        connection.admitted = false;
        connection.over = true;
        ::shutdown(connection.socket, SHUT_RDWR);
        bell->ring();
    }

    void serve_plain(Connection& connection, int socket) {
        if (!door || door->admit(socket, connection.viewer.address.host, *connection.bell, ending)) {
            serve_viewer(connection, socket);
        } else {
            ::close(socket);
        }
    }

    void serve_viewer(Connection& connection, int socket) {
        if (++sessions <= kMostViewers) {
            Session session(*this, connection);
            library->serve(socket, door.has_value(), session);
        } else {
            log::warning("a viewer from {} was turned away: {} are there already", connection.viewer.address.host,
                         kMostViewers);
            ::close(socket);
        }
        --sessions;
    }

    // --- the display's thread
    void run() {
        u64 next_ns = 0;
        while (!ending) {
            const bool looked_at = remove_finished();
            const u64 now = host::monotonic_ns();
            if (looked_at && now >= next_ns) {
                feed.request();
                next_ns = std::max(next_ns + kPicturePeriod_ns, now);
            }
            const u64 left_ms = looked_at ? (next_ns - std::min(next_ns, now)) / kMs + 1 : 0;
            std::array<pollfd, 2> fds{pollfd{listener, POLLIN, 0}, pollfd{bell->fd(), POLLIN, 0}};
            if (::poll(fds.data(), fds.size(), looked_at ? static_cast<int>(left_ms) : -1) < 0) continue;  // EINTR
            if (fds[1].revents != 0) bell->clear();
            if (fds[0].revents != 0) accept_one();
        }
    }

    /// True: somebody looks on.
    bool remove_finished() {
        std::list<Connection> finished;
        bool looked_at = false;
        {
            const std::scoped_lock lock(mutex);
            for (auto next = connections.begin(); next != connections.end();) {
                const auto connection = next++;
                looked_at = looked_at || connection->admitted;
                if (connection->over) finished.splice(finished.end(), connections, connection);
            }
        }
        for (Connection& connection : finished) {
            connection.thread.join();
            ::close(connection.socket);
        }
        return looked_at;
    }

    void accept_one() {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        const int socket = ::accept4(listener, reinterpret_cast<sockaddr*>(&address), &length, SOCK_CLOEXEC);
        if (socket < 0) {  // it has left again, or we have no descriptor for it: then it waits
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            return;
        }
        const int duplicate = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
        auto own_bell = host::Bell::create();
        const std::scoped_lock lock(mutex);
        if (duplicate < 0 || !own_bell || connections.size() >= kMostConnections || ending) {
            if (duplicate >= 0) ::close(duplicate);
            ::close(socket);
            return;
        }
        watch_over(socket);
        Connection& connection = connections.emplace_back(
            Connection{.number = ++last_number,
                       .viewer = {.address = address_of(address, length), .web_socket = door.has_value()},
                       .socket = duplicate,
                       .bell = std::move(own_bell.value())});
        connection.thread = std::thread([this, &connection, socket] { serve(connection, socket); });
    }

    Machine& machine;
    const std::shared_ptr<RemoteInput> input;  // on the machine's thread
    PictureFeed feed;
    std::string password;
    std::unique_ptr<VncLibrary> library;
    std::optional<WebDoor> door;     // web
    std::unique_ptr<TlsServer> tls;  // https
    std::unique_ptr<host::Bell> bell;
    int listener = -1;
    std::atomic<bool> ending = false;
    std::atomic<unsigned> sessions = 0;
    unsigned last_number = 0;
    std::thread thread;

    mutable std::mutex mutex;  // for what follows
    std::condition_variable changed;
    std::shared_ptr<const devices::Frame> picture;
    std::list<Connection> connections;
};

Result<std::unique_ptr<RemoteDisplay>> RemoteDisplay::open(const DisplayConfig& config, Machine& machine) {
    const bool web = config.kind == DisplayKind::web;
    if (config.kind != DisplayKind::vnc && !web) return std::unique_ptr<RemoteDisplay>{};
    auto parts = std::make_unique<Parts>(machine);
    if (!config.password_file.empty()) {
        Result<std::string> password = read_vnc_password(config.password_file);
        if (!password) return password.error();
        parts->password = std::move(password.value());
    }
    if (web) {
        Result<NovncPage> page = NovncPage::find(config.novnc);
        if (!page) return page.error();
        parts->door.emplace(std::move(page.value()), !parts->password.empty());
        if (!config.certificate.empty()) {
            Result<std::unique_ptr<TlsServer>> tls = open_tls_server(config.certificate, config.key);
            if (!tls) return tls.error();
            parts->tls = std::move(tls.value());
        }
    }
    Result<std::unique_ptr<VncLibrary>> library = open_vnc_library(parts->password);
    if (!library) return library.error();
    parts->library = std::move(library.value());
    Result<std::unique_ptr<host::Bell>> bell = host::Bell::create();
    if (!bell) return bell.error();
    parts->bell = std::move(bell.value());
    constexpr std::string_view kRemedy =
        "add --vnc-password FILE, or use 127.0.0.1 and reach that from elsewhere through ssh";
    const Result<int> listener = listen_tcp(
        {web ? "web" : "vnc", config.host, config.port, parts->password.empty() ? kRemedy : std::string_view{}});
    if (!listener) return listener.error();
    parts->listener = listener.value();
    const std::string place = address_text(config.host, port_of(parts->listener));
    fmt::print(stderr, "{}\n",
               web ? fmt::format("bantam: the screen is at http{}://{}/", parts->tls ? "s" : "", place)
                   : fmt::format("bantam: the screen is at {} for VNC viewers", place));
    parts->thread = std::thread([served = parts.get()] { served->run(); });
    return std::unique_ptr<RemoteDisplay>(new RemoteDisplay(std::move(parts)));
}

RemoteDisplay::RemoteDisplay(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RemoteDisplay::~RemoteDisplay() = default;

std::vector<RemoteDisplay::Viewer> RemoteDisplay::viewers() const {
    const std::scoped_lock lock(parts_->mutex);
    std::vector<Viewer> found;
    for (const Parts::Connection& connection : parts_->connections) {
        if (connection.admitted) found.push_back(connection.viewer);
    }
    return found;
}

RemoteDisplay::Address RemoteDisplay::address() const {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    CHECK(::getsockname(parts_->listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    return address_of(address, length);
}

bool RemoteDisplay::asks_password() const { return !parts_->password.empty(); }

}  // namespace bantam::frontend
