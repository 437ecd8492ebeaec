// SocketPort: a serial line on a listening Unix socket: one client at a time, others wait in the backlog; when a client
// leaves, the next is taken. What the guest sends while nobody is connected is dropped, as on an unplugged cable.
#pragma once

#include "machine/host/fd_port.h"

namespace bantam::host {

class SocketPort final : public FdPort {
public:
    /// Listens at `path`, replacing a socket nobody listens on any more. Errors: usage (path too long), host_resource
    /// (somebody listens there, or the file is no socket, or cannot be made).
    static Result<std::unique_ptr<SocketPort>> listen(std::string path, PortEvents events);
    ~SocketPort() override;

    void add_poll(std::vector<pollfd>& fds) const override;
    void service() override;
    [[nodiscard]] bool connected() const override { return out() >= 0; }
    [[nodiscard]] std::string description() const override { return "socket " + path_; }

private:
    SocketPort(std::string path, int listener, PortEvents events);
    void input_ended() override;
    void output_failed(int error) override;
    void hang_up();

    std::string path_;
    int listener_;
};

/// Makes, binds and listens on a Unix stream socket at `path` (shared with the monitor). Returns the descriptor.
Result<int> listen_unix(const std::string& path);

}  // namespace bantam::host
