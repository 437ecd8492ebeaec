// HostIo: all host descriptors of one machine and the event that other threads and signal handlers ring. The run loop
// calls service() between slices and wait() when the guest is idle or paused.
#pragma once

#include <ctime>

#include "machine/host/host_port.h"

namespace bantam::host {

/// A counter other threads and signal handlers may ring to end a wait (eventfd).
class Bell {
public:
    static Result<std::unique_ptr<Bell>> create();
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    /// Async-signal-safe.
    void ring() noexcept;
    void clear() noexcept;
    [[nodiscard]] int fd() const { return fd_; }

private:
    explicit Bell(int fd) : fd_(fd) {}
    int fd_;
};

class HostIo {
public:
    explicit HostIo(Bell& bell) : bell_(bell) {}

    /// Ports are owned by the machine and outlive this object.
    void add(HostPort& port) { ports_.push_back(&port); }

    /// Gives every port time. True when some port has input for the guest.
    bool service();
    /// Sleeps until a descriptor is ready, the bell rings, or `timeout_ns` have passed (kForever: no limit).
    static constexpr u64 kForever = ~u64{0};
    void wait(u64 timeout_ns);
    /// True while any port may still receive input.
    [[nodiscard]] bool input_possible() const;
    /// Writes everything out, for the end of the run.
    void drain();

private:
    Bell& bell_;
    std::vector<HostPort*> ports_;
    std::vector<pollfd> fds_;  // reused between calls
};

/// CLOCK_MONOTONIC in ns.
[[nodiscard]] u64 monotonic_ns();

}  // namespace bantam::host
