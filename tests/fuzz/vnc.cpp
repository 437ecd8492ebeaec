// Fuzz target: what a viewer sends, through LibVNCServer to the machine: RFB from the beginning, after a handshake that
// succeeded, and in frames of a WebSocket; and what a browser asks. The first byte chooses.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>

#include "base/check.h"
#include "frontend/remote/http_request.h"
#include "frontend/remote/remote_input.h"
#include "frontend/remote/vnc_library.h"
#include "frontend/version.h"
#include "tests/fuzz/control_machine.h"

extern "C" bantam::frontend::VncLibrary* bantam_open_vnc_library(const char* version, const char* password,
                                                                 void (*log)(const std::string&), std::string& error);

namespace {

using namespace bantam;

constexpr unsigned char kAfterHandshake = 1, kWebSocket = 2;
constexpr std::string_view kHandshake = "RFB 003.008\n\x01\x01";
constexpr std::string_view kUpgrade =
    "GET /websockify HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// kHandshake in frames, masked with zeros.
constexpr std::string_view kFramedHandshake("\x82\x8E\0\0\0\0RFB 003.008\n\x01\x01", 20);

/// Its picture changes, and changes its size, each time the library is done with what came.
class Host final : public frontend::VncHost {
public:
    explicit Host(Machine& machine) : input_(machine) {}
    ~Host() override { input_.leave(1); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    std::shared_ptr<const devices::Frame> picture() override {
        const unsigned width = (turn_ & 4) != 0 ? 64 : 50, height = 40;
        devices::Frame frame{.width = width, .height = height, .pixels = std::vector<u32>(std::size_t{width} * height)};
        for (std::size_t dot = turn_ % 7; dot < frame.pixels.size(); dot += 11) frame.pixels[dot] = turn_ * 0x10305;
        ++turn_;
        return last_ = std::make_shared<devices::Frame>(std::move(frame));
    }
    bool guest_draws_pointer() override { return (turn_ & 8) != 0; }
    int wake_fd() override { return -1; }
    void woken() override {}
    bool ending() override { return false; }
    void admitted() override {}
    void wrong_password() override {}
    void key(u32 keysym, std::optional<u16> scan_code, bool pressed) override {
        input_.key(1, keysym, scan_code, pressed);
    }
    void pointer(int x, int y, unsigned buttons) override {
        input_.pointer(
            1, {.x = x, .y = y, .width = static_cast<int>(last_->width), .height = static_cast<int>(last_->height)},
            buttons);
    }

private:
    frontend::RemoteInput input_;
    std::shared_ptr<const devices::Frame> last_;
    u32 turn_ = 1;
};

std::unique_ptr<frontend::VncLibrary> open_library(const char* password) {
    std::string error;
    std::signal(SIGPIPE, SIG_IGN);
    std::unique_ptr<frontend::VncLibrary> library(bantam_open_vnc_library(
        std::string(frontend::kVersion).c_str(), password, [](const std::string&) {}, error));
    CHECK(library != nullptr);
    return library;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const std::unique_ptr<Machine> machine = make_control_machine();
    static const std::unique_ptr<frontend::VncLibrary> library = open_library("");
    constexpr std::size_t kMost = std::size_t{64} << 10;  // what a socket takes at once
    if (size == 0 || size > kMost) return 0;
    const std::string_view sent(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (const auto request = frontend::parse_http_request(sent)) CHECK(request->path.starts_with('/'));
    const bool web_socket = (data[0] & kWebSocket) != 0, shaken = (data[0] & kAfterHandshake) != 0;
    std::string all(web_socket ? kUpgrade : std::string_view{});
    if (shaken) all += web_socket ? kFramedHandshake : kHandshake;
    all += sent;

    std::array<int, 2> ends{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    CHECK(::write(ends[1], all.data(), all.size()) == static_cast<ssize_t>(all.size()));
    ::shutdown(ends[1], SHUT_WR);
    std::thread reader([end = ends[1]] {
        std::array<char, 65536> bytes;
        while (::read(end, bytes.data(), bytes.size()) > 0) {
        }
    });
    {
        Host host(*machine);
        library->serve(ends[0], web_socket, host);
    }
    reader.join();
    ::close(ends[1]);
    return 0;
}
