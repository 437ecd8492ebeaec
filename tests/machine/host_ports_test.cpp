// Host character ports: file, socket with reconnection, pty, log copy, and the errors of opening them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "machine/host/fd_port.h"
#include "machine/host/host_io.h"

namespace bantam::host {
namespace {

class HostPorts : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bantam-ports-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override {
        for (const char* name : {"out", "log", "s"}) ::unlink(path(name).c_str());
        ::rmdir(folder_.c_str());
    }
    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] std::string contents(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path(name)).rdbuf();
        return text.str();
    }
    static void send(HostPort& port, const std::string& text) {
        for (const char c : text) port.put(static_cast<u8>(c));
    }
    static std::string receive(HostPort& port) {
        port.service();
        std::string text;
        while (const std::optional<u8> byte = port.get()) text.push_back(static_cast<char>(*byte));
        return text;
    }
    [[nodiscard]] int connect() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path("s").c_str(), sizeof address.sun_path - 1);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
    }
    static std::string read_all(int fd) {
        std::array<char, 256> bytes;
        const ssize_t count = ::read(fd, bytes.data(), bytes.size());
        return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }
    SerialConfig socket_config() const { return {SerialConfig::Kind::unix_socket, path("s"), ""}; }

    std::string folder_;
};

TEST_F(HostPorts, FileGetsEverything) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
    {
        auto port = open_serial({SerialConfig::Kind::file, path("out"), ""}, {});
        ASSERT_TRUE(port.ok());
        send(*port.value(), text);
        EXPECT_FALSE(port.value()->input_possible());
    }
    EXPECT_EQ(contents("out"), text);
}

TEST_F(HostPorts, UnwritableFileIsAnErrorThatNamesIt) {
    const auto port = open_serial({SerialConfig::Kind::file, path("no/such"), ""}, {});
    ASSERT_FALSE(port.ok());
    EXPECT_EQ(port.error().status, ExitStatus::host_resource);
    EXPECT_NE(port.error().message.find("no/such"), std::string::npos);
}

TEST_F(HostPorts, SocketTakesOneClientAfterAnother) {
    auto opened = open_serial(socket_config(), {});
    ASSERT_TRUE(opened.ok());
    HostPort& port = *opened.value();
    EXPECT_FALSE(port.connected());
    send(port, "nobody hears this");
    for (const std::string name : {"first", "second"}) {
        const int client = connect();
        ASSERT_GE(client, 0);
        port.service();
        EXPECT_TRUE(port.connected());
        EXPECT_TRUE(port.input_possible());
        send(port, "hello " + name);
        port.service();
        EXPECT_EQ(read_all(client), "hello " + name);
        ASSERT_EQ(::write(client, "ab", 2), 2);
        EXPECT_EQ(receive(port), "ab");
        ::close(client);
        port.service();
        EXPECT_FALSE(port.connected());
    }
}

TEST_F(HostPorts, SocketClientThatDoesNotReadLosesOutputButBlocksNobody) {
    auto opened = open_serial(socket_config(), {});
    ASSERT_TRUE(opened.ok());
    const int client = connect();
    opened.value()->service();
    send(*opened.value(), std::string(4 << 20, 'x'));
    EXPECT_GT(dynamic_cast<FdPort&>(*opened.value()).dropped(), 0u);
    ::close(client);
}

TEST_F(HostPorts, SocketInUseIsRefusedAndAStaleOneReplaced) {
    {
        auto first = open_serial(socket_config(), {});
        ASSERT_TRUE(first.ok());
        const auto second = open_serial(socket_config(), {});
        ASSERT_FALSE(second.ok());
        EXPECT_EQ(second.error().status, ExitStatus::host_resource);
    }
    EXPECT_NE(::access(path("s").c_str(), F_OK), 0);  // removed at the end

    // What a killed process leaves behind: a bound file nobody listens on.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path("s").c_str(), sizeof address.sun_path - 1);
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(dead);
    EXPECT_TRUE(open_serial(socket_config(), {}).ok());
}

TEST_F(HostPorts, SocketNeverReplacesAFile) {
    std::ofstream(path("s")) << "precious";
    EXPECT_FALSE(open_serial(socket_config(), {}).ok());
    EXPECT_EQ(contents("s"), "precious");
    EXPECT_EQ(open_serial({SerialConfig::Kind::unix_socket, std::string(200, 'a'), ""}, {}).error().status,
              ExitStatus::usage);
}

TEST_F(HostPorts, PtyCarriesBytesBothWays) {
    auto opened = open_serial({SerialConfig::Kind::pty, "", ""}, {});
    ASSERT_TRUE(opened.ok());
    HostPort& port = *opened.value();
    const std::string name = port.description().substr(std::strlen("pty "));
    const int terminal = ::open(name.c_str(), O_RDWR | O_NOCTTY);
    ASSERT_GE(terminal, 0);
    send(port, "raw\n\x03");
    port.service();
    EXPECT_EQ(read_all(terminal), "raw\n\x03");
    ASSERT_EQ(::write(terminal, "\x03\r", 2), 2);
    EXPECT_EQ(receive(port), "\x03\r");
    ::close(terminal);
    EXPECT_EQ(receive(port), "");
    EXPECT_TRUE(port.connected());
}

TEST_F(HostPorts, LogKeepsACopyOfWhatTheGuestSends) {
    {
        auto port = open_serial({SerialConfig::Kind::none, "", path("log")}, {});
        ASSERT_TRUE(port.ok());
        EXPECT_FALSE(port.value()->connected());
        send(*port.value(), "copied");
    }
    EXPECT_EQ(contents("log"), "copied");
}

TEST_F(HostPorts, FullPipeWaitsForItsReaderAndLosesNothing) {
    ASSERT_EQ(::mkfifo(path("out").c_str(), 0600), 0);
    EXPECT_FALSE(open_serial({SerialConfig::Kind::file, path("out"), ""}, {}).ok());  // no reader yet
    const int reader = ::open(path("out").c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    ASSERT_EQ(::fcntl(reader, F_SETFL, 0), 0);
    auto port = open_serial({SerialConfig::Kind::file, path("out"), ""}, {});
    ASSERT_TRUE(port.ok());

    constexpr std::size_t kSize = std::size_t{2} << 20;
    std::size_t received = 0;
    std::thread drain([&] {
        std::array<char, 8192> bytes;
        while (received < kSize) {
            const ssize_t count = ::read(reader, bytes.data(), bytes.size());
            if (count <= 0) break;
            received += static_cast<std::size_t>(count);
        }
    });
    send(*port.value(), std::string(kSize, 'y'));
    port.value()->drain(5000);
    drain.join();
    EXPECT_EQ(received, kSize);
    ::close(reader);
}

TEST_F(HostPorts, WaitEndsWhenTheBellRings) {
    auto bell = Bell::create();
    ASSERT_TRUE(bell.ok());
    HostIo io(*bell.value());
    std::thread ringer([&] { bell.value()->ring(); });
    io.wait(HostIo::kForever);
    ringer.join();
    io.wait(0);
}

}  // namespace
}  // namespace bantam::host
