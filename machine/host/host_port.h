// HostPort: a CharacterPort whose far end is a host file descriptor. The guest's side (put, get) never waits for the
// host, but for one case: output that must not be lost (files, standard output) waits for room once its large buffer is
// full. The run loop gives each port time between slices; ports are used on the machine's thread only.
#pragma once

#include <poll.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "devices/character_port.h"
#include "machine/config.h"

namespace bantam::host {

class HostPort : public devices::CharacterPort {
public:
    /// Appends the descriptors that make service() worth calling.
    virtual void add_poll(std::vector<pollfd>& fds) const = 0;
    /// Accepts clients, reads input and writes output as far as that goes without waiting.
    virtual void service() = 0;
    /// True while get() would give a byte.
    [[nodiscard]] virtual bool input_waiting() const = 0;
    /// True while input may still come from outside: idle guest time is then paced (see RunLoop).
    [[nodiscard]] virtual bool input_possible() const = 0;
    /// Writes out what is buffered, waiting up to `timeout_ms` for a reader.
    virtual void drain(int timeout_ms) = 0;
    /// For the log and `info`: what the port is connected to, e.g. "pty /dev/pts/3".
    [[nodiscard]] virtual std::string description() const = 0;
};

/// What ports tell the machine.
struct PortEvents {
    std::function<void()> quit;         // the user typed the escape sequence, or standard output is gone
    std::function<bool()> interrupted;  // polled while waiting for room; true: give up
};

/// Opens what `config` names. Errors: host_resource (cannot open, bind, ...) or usage (path too long).
Result<std::unique_ptr<HostPort>> open_serial(const SerialConfig& config, const PortEvents& events);
Result<std::unique_ptr<HostPort>> open_debugcon(const DebugconConfig& config, const PortEvents& events);

}  // namespace bantam::host
