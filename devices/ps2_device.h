// Ps2Device: what the controller sees at the far end of a PS/2 cable: it takes command bytes and offers answer and data
// bytes. How long a byte is on the wire is the controller's matter; how long a command takes is the device's.
#pragma once

#include <functional>
#include <optional>

#include "devices/device.h"

namespace bantam::devices {

class Ps2Device : public Device {
public:
    /// A byte from the controller has arrived.
    virtual void receive(u8 byte) = 0;
    /// True when a byte waits to be sent.
    [[nodiscard]] virtual bool has_output() const = 0;
    /// Takes the next byte to send, if one waits.
    virtual std::optional<u8> take_output() = 0;
    /// `listener` is called when has_output() may have become true. The controller sets it.
    void set_output_listener(std::function<void()> listener) { listener_ = std::move(listener); }

protected:
    void output_added() {
        if (listener_) listener_();
    }

private:
    std::function<void()> listener_;
};

}  // namespace bantam::devices
