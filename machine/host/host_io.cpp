#include "machine/host/host_io.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace bantam::host {
namespace {
constexpr u64 kNsPerSecond = 1'000'000'000;
constexpr int kDrainTimeout_ms = 2000;
}  // namespace

Result<std::unique_ptr<Bell>> Bell::create() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return Error{ExitStatus::host_resource,
                     fmt::format("cannot make an event descriptor: {}", std::strerror(errno))};
    }
    return std::unique_ptr<Bell>(new Bell(fd));
}

Bell::~Bell() { ::close(fd_); }

void Bell::ring() noexcept {
    const int saved = errno;  // signal handlers must leave it alone
    const u64 one = 1;
    // It can only fail when the counter is full, and then the bell rings already.
    [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
    errno = saved;
}

void Bell::clear() noexcept {
    u64 count;
    [[maybe_unused]] const ssize_t taken = ::read(fd_, &count, sizeof count);
}

bool HostIo::service() {
    bool input = false;
    for (HostPort* port : ports_) {
        port->service();
        input = input || port->input_waiting();
    }
    return input;
}

void HostIo::wait(u64 timeout_ns) {
    fds_.clear();
    fds_.push_back({bell_.fd(), POLLIN, 0});
    for (const HostPort* port : ports_) port->add_poll(fds_);
    const timespec timeout{static_cast<time_t>(timeout_ns / kNsPerSecond),
                           static_cast<long>(timeout_ns % kNsPerSecond)};
    ::ppoll(fds_.data(), fds_.size(), timeout_ns == kForever ? nullptr : &timeout, nullptr);
    if ((fds_.front().revents & POLLIN) != 0) bell_.clear();
}

bool HostIo::input_possible() const {
    return std::any_of(ports_.begin(), ports_.end(), [](const HostPort* port) { return port->input_possible(); });
}

void HostIo::drain() {
    for (HostPort* port : ports_) port->drain(kDrainTimeout_ms);
}

u64 monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<u64>(now.tv_sec) * kNsPerSecond + static_cast<u64>(now.tv_nsec);
}

}  // namespace bantam::host
