// RemoteInput: what the viewers of a remote display do to the machine. A key is down while any viewer holds it, and
// goes up when the last of these lets it go or leaves. Viewers that name keys by character may have any layout: shift
// is lent or taken for the time of the stroke where a US keyboard, which the guest is taken to have, needs it
// otherwise. On the machine's thread.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "frontend/window/layout.h"
#include "machine/machine.h"

namespace bantam::frontend {

class RemoteInput {
public:
    using Viewer = unsigned;

    explicit RemoteInput(Machine& machine);

    /// As VncHost::key.
    void key(Viewer viewer, u32 keysym, std::optional<u16> scan_code, bool pressed);
    /// As VncHost::pointer, on a picture of that size.
    struct Point {
        int x = 0, y = 0;
        int width = 1, height = 1;
    };
    void pointer(Viewer viewer, const Point& point, unsigned buttons);
    /// Whatever the viewer holds goes up.
    void leave(Viewer viewer);

private:
    void hold(Viewer viewer, devices::KeyCode key);
    void let_go(Viewer viewer, devices::KeyCode key);
    [[nodiscard]] bool is_held(devices::KeyCode key) const { return holders_.contains(key); }
    void strike(devices::KeyCode key, bool shift);

    /// Where a viewer's pointer was, and the buttons it has down as Machine::mouse_button counts them.
    struct Hand {
        int x = 0, y = 0;
        PicturePoint at = {};
        unsigned buttons = 0;
        unsigned wheel = 0;  // its bits of RFB's mask
    };

    Machine& machine_;
    devices::KeyCode shift_, shift_r_;
    std::map<devices::KeyCode, std::set<Viewer>> holders_;
    std::map<Viewer, Hand> hands_;
};

}  // namespace bantam::frontend
