// WebDoor: a connection of --display web before a viewer is served on it. A request for one of noVNC's files is
// answered; a WebSocket is let through if the page that asks is one of ours, since browsers let every page connect to
// every port of their host.
#pragma once

#include <atomic>
#include <string>

#include "frontend/remote/novnc_page.h"
#include "machine/host/host_io.h"

namespace bantam::frontend {

class WebDoor {
public:
    WebDoor(NovncPage page, bool asks_password) : page_(std::move(page)), asks_password_(asks_password) {}

    /// True: a viewer's WebSocket begins at `socket`, with its request still to be read there. Else the request was
    /// answered, or none came in time or before `ending`, whose change rings `bell`. `peer`: who asks, for messages.
    bool admit(int socket, const std::string& peer, host::Bell& bell, const std::atomic<bool>& ending) const;

private:
    [[nodiscard]] std::string refusal_of(const HttpRequest& request, std::size_t head_bytes) const;

    NovncPage page_;
    bool asks_password_;
};

}  // namespace bantam::frontend
