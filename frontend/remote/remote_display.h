// RemoteDisplay: a running machine's screen, keyboard and mouse over VNC (--display vnc) or in a browser (--display
// web), for several viewers at once. One thread takes connections and asks for pictures, each connection has a thread
// of its own, and the machine is reached through Machine::post alone. Pictures are looked for sixty times a second
// while somebody looks on, and compared dot by dot by each viewer's thread, so a viewer is sent what is different and
// nothing while nothing is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/options.h"
#include "machine/machine.h"

namespace bantam::frontend {

class RemoteDisplay {
public:
    /// Opens what `config` says (neither vnc nor web: null) and serves it; says on standard error where. Errors:
    /// host_resource (no module, no noVNC, no such port), bad_input (the password file), usage (an address that others
    /// reach, without a password).
    static Result<std::unique_ptr<RemoteDisplay>> open(const DisplayConfig& config, Machine& machine);
    /// Parts from the viewers. Call when Machine::run has returned.
    ~RemoteDisplay();
    RemoteDisplay(const RemoteDisplay&) = delete;
    RemoteDisplay& operator=(const RemoteDisplay&) = delete;

    struct Address {
        std::string host, port;  // in digits
        bool ipv6 = false;
    };
    struct Viewer {
        Address address;
        bool web_socket = false;
    };
    /// Who has been let in and looks on. Safe from every thread.
    [[nodiscard]] std::vector<Viewer> viewers() const;
    [[nodiscard]] Address address() const;
    [[nodiscard]] bool asks_password() const;

private:
    struct Parts;
    explicit RemoteDisplay(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace bantam::frontend
