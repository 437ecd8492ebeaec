// CharacterPort: the far end of a serial line, owned by the UART, implemented by the host side (stdio, file, socket,
// pty).
#pragma once

#include <optional>

#include "base/types.h"

namespace bantam::devices {

class CharacterPort {
public:
    virtual ~CharacterPort() = default;
    /// A byte the guest sent. Must not block.
    virtual void put(u8 byte) = 0;
    /// The next byte for the guest, if one waits. The UART asks when its receiver has room.
    virtual std::optional<u8> get() = 0;
    /// True while someone is connected (drives DCD/DSR/CTS).
    [[nodiscard]] virtual bool connected() const { return true; }
};

}  // namespace bantam::devices
