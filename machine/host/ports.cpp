// The remaining ports (file, pty, none), the log tee, and the two functions that open what a configuration names.
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "machine/host/socket_port.h"
#include "machine/host/stdio_port.h"

namespace bantam::host {
namespace {

constexpr int kDrainTimeout_ms = 2000;

/// Output into a file; input never comes.
class FilePort final : public FdPort {
public:
    static Result<std::unique_ptr<FilePort>> open(std::string path, PortEvents events) {
        // Non-blocking matters for FIFOs only: without a reader they refuse instead of waiting for one.
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
        if (fd < 0) {
            const char* cause =
                errno == ENXIO ? "nobody reads this FIFO; start its reader first" : std::strerror(errno);
            return Error{ExitStatus::host_resource, fmt::format("cannot write to '{}': {}", path, cause)};
        }
        return std::unique_ptr<FilePort>(new FilePort(std::move(path), fd, std::move(events)));
    }
    ~FilePort() override { drain(kDrainTimeout_ms); }
    [[nodiscard]] std::string description() const override { return "file " + path_; }

private:
    FilePort(std::string path, int fd, PortEvents events)
        : FdPort(WhenFull::wait, std::move(events)), path_(std::move(path)) {
        set_fds(-1, fd);
    }
    std::string path_;
};

/// A pseudo terminal. Its slave is kept open, so that programs may come and go without a hang-up.
class PtyPort final : public FdPort {
public:
    static Result<std::unique_ptr<PtyPort>> open(PortEvents events) {
        const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        std::array<char, 128> name{};
        if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
            ::ptsname_r(master, name.data(), name.size()) != 0) {
            return fail(master);
        }
        const int slave = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
        termios mode{};
        if (slave < 0 || ::tcgetattr(slave, &mode) != 0) return fail(master);
        ::cfmakeraw(&mode);
        ::tcsetattr(slave, TCSANOW, &mode);
        return std::unique_ptr<PtyPort>(new PtyPort(name.data(), master, slave, std::move(events)));
    }
    ~PtyPort() override {
        drain(0);
        ::close(slave_);
    }
    [[nodiscard]] std::string description() const override { return "pty " + name_; }

private:
    PtyPort(std::string name, int master, int slave, PortEvents events)
        : FdPort(WhenFull::drop, std::move(events)), name_(std::move(name)), slave_(slave) {
        set_fds(master, master);
    }
    static Error fail(int master) {
        const int cause = errno;
        if (master >= 0) ::close(master);
        return {ExitStatus::host_resource, fmt::format("cannot make a pseudo terminal: {}", std::strerror(cause))};
    }
    std::string name_;
    int slave_;
};

/// An unplugged line: nothing comes, what is sent is dropped.
class NonePort final : public HostPort {
public:
    void put(u8) override {}
    std::optional<u8> get() override { return std::nullopt; }
    [[nodiscard]] bool connected() const override { return false; }
    void add_poll(std::vector<pollfd>&) const override {}
    void service() override {}
    [[nodiscard]] bool input_waiting() const override { return false; }
    [[nodiscard]] bool input_possible() const override { return false; }
    void drain(int) override {}
    [[nodiscard]] std::string description() const override { return "none"; }
};

/// Copies what the guest sends into a log file.
class LoggedPort final : public HostPort {
public:
    LoggedPort(std::unique_ptr<HostPort> port, std::unique_ptr<HostPort> log_file)
        : port_(std::move(port)), log_(std::move(log_file)) {}
    void put(u8 byte) override {
        log_->put(byte);
        port_->put(byte);
    }
    std::optional<u8> get() override { return port_->get(); }
    [[nodiscard]] bool connected() const override { return port_->connected(); }
    void add_poll(std::vector<pollfd>& fds) const override { port_->add_poll(fds); }
    void service() override {
        port_->service();
        log_->service();
    }
    [[nodiscard]] bool input_waiting() const override { return port_->input_waiting(); }
    [[nodiscard]] bool input_possible() const override { return port_->input_possible(); }
    void drain(int timeout_ms) override {
        port_->drain(timeout_ms);
        log_->drain(timeout_ms);
    }
    [[nodiscard]] std::string description() const override {
        return port_->description() + ", copied to " + log_->description();
    }

private:
    std::unique_ptr<HostPort> port_;
    std::unique_ptr<HostPort> log_;
};

using PortResult = Result<std::unique_ptr<HostPort>>;

/// Result of a derived port as a result of HostPort.
template <class Port>
PortResult as_port(Result<std::unique_ptr<Port>> port) {
    if (!port) return port.error();
    return PortResult(std::unique_ptr<HostPort>(std::move(port.value())));
}

PortResult open_file(const std::string& path, const PortEvents& events) {
    if (path == "-") return PortResult(std::make_unique<StdioPort>(false, events));
    return as_port(FilePort::open(path, events));
}

PortResult open_far_end(const SerialConfig& config, const PortEvents& events) {
    switch (config.kind) {
        case SerialConfig::Kind::stdio:
            return PortResult(std::make_unique<StdioPort>(true, events));
        case SerialConfig::Kind::file:
            return open_file(config.path, events);
        case SerialConfig::Kind::unix_socket:
            return as_port(SocketPort::listen(config.path, events));
        case SerialConfig::Kind::pty:
            return as_port(PtyPort::open(events));
        case SerialConfig::Kind::none:
            break;
    }
    return PortResult(std::make_unique<NonePort>());
}

}  // namespace

Result<std::unique_ptr<HostPort>> open_serial(const SerialConfig& config, const PortEvents& events) {
    PortResult port = open_far_end(config, events);
    if (!port || config.log.empty()) return port;
    PortResult log_file = open_file(config.log, events);
    if (!log_file) return log_file;
    return PortResult(std::make_unique<LoggedPort>(std::move(port.value()), std::move(log_file.value())));
}

Result<std::unique_ptr<HostPort>> open_debugcon(const DebugconConfig& config, const PortEvents& events) {
    switch (config.kind) {
        case DebugconConfig::Kind::stdio:
            return PortResult(std::make_unique<StdioPort>(false, events));
        case DebugconConfig::Kind::file:
            return open_file(config.path, events);
        case DebugconConfig::Kind::none:
            break;
    }
    return PortResult(std::make_unique<NonePort>());
}

}  // namespace bantam::host
