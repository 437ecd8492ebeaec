// VncLibrary: RFB, the protocol of VNC (RFC 6143), towards one viewer at a time a thread. Behind it is a module of its
// own (libvncserver_viewer.cpp, the only code that knows LibVNCServer): that library is under the GPL, so it is loaded
// where somebody has installed it and wants a remote display, and is no part of the program.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "devices/frame.h"

namespace bantam::frontend {

/// What serving a viewer needs of the program; called on the thread that serves.
class VncHost {
public:
    virtual ~VncHost() = default;
    /// The guest's screen as last seen, with at least one dot and at most 65535 in each direction.
    [[nodiscard]] virtual std::shared_ptr<const devices::Frame> picture() = 0;
    /// The guest follows positions and draws a pointer of its own.
    [[nodiscard]] virtual bool guest_draws_pointer() = 0;
    /// A descriptor that becomes readable when the picture is another one or ending() has become true.
    [[nodiscard]] virtual int wake_fd() = 0;
    virtual void woken() = 0;
    [[nodiscard]] virtual bool ending() = 0;
    /// The viewer has given the password, if there is one, and sees the screen.
    virtual void admitted() = 0;
    /// Returns when the viewer may be told.
    virtual void wrong_password() = 0;
    /// An X11 keysym; `scan_code`: of set 1, E0xx prefixed, where the viewer tells the key's place.
    virtual void key(u32 keysym, std::optional<u16> scan_code, bool pressed) = 0;
    /// A place on the picture, and the buttons that are down: bit 0 left, 1 middle, 2 right, 3 and 4 the wheel a notch
    /// away from the person and towards them.
    virtual void pointer(int x, int y, unsigned buttons) = 0;
};

class VncLibrary {
public:
    virtual ~VncLibrary() = default;
    /// Serves the viewer at the other end of `socket`, and closes it, until the viewer leaves or `host` is ending.
    /// `web_socket`: the viewer begins with the request of a WebSocket (RFC 6455), else it must not. Several threads
    /// may each serve one. SIGPIPE must be ignored.
    virtual void serve(int socket, bool web_socket, VncHost& host) = 0;
};

/// Loads the module. Viewers are asked for `password` (at most kMostVncPassword bytes count) if it is not empty.
/// Errors: host_resource (no module).
Result<std::unique_ptr<VncLibrary>> open_vnc_library(const std::string& password);

/// Bytes of a password that VNC's authentication uses (RFC 6143, section 7.2.2: a DES key).
constexpr std::size_t kMostVncPassword = 8;

}  // namespace bantam::frontend
