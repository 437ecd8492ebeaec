// PictureFeed: pictures of a running machine for a display on another thread. A picture is asked for, drawn on the
// machine's thread between two instructions, and handed over only if it differs from the one before.
#pragma once

#include <functional>
#include <memory>

#include "devices/frame.h"
#include "machine/machine.h"

namespace bantam::frontend {

class PictureFeed {
public:
    /// `ready` is called on the machine's thread when a new picture waits; it must live as long as Machine::run.
    PictureFeed(Machine& machine, std::function<void()> ready);

    /// Asks for a look at the screen; does nothing while the last one has not happened yet.
    void request();
    /// Swaps a picture that waits into `frame`; false when none does.
    bool take(devices::Frame& frame);
    struct Status {
        u64 guest_ns = 0;
        bool running = true;
        bool mouse_is_absolute = false;
        std::vector<DriveState> drives;
    };
    /// As of the last look.
    [[nodiscard]] Status status() const;

private:
    struct Shared;
    Machine& machine_;
    std::shared_ptr<Shared> shared_;
};

}  // namespace bantam::frontend
