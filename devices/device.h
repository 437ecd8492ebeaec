// Device: a chip. It knows registers and pins, never its port, IRQ number or the wall clock.
// `reset` restores power-on values; `describe` lists every field of state once.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/archive.h"
#include "base/register_space.h"
#include "base/types.h"

namespace bantam::devices {

/// An output pin: the board connects it to whoever listens. The level is state of its receiver; senders never replay.
using OutputLine = std::function<void(bool level)>;

class Device {
public:
    virtual ~Device() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    virtual void reset() = 0;
    virtual void describe(Archive& archive) = 0;
    /// A few lines for the monitor's `info`; no side effects.
    [[nodiscard]] virtual std::string info() const { return {}; }
};

/// RegisterSpace of a chip whose registers are bytes: `u8 read(u64 offset)`, `void write(u64 offset, u8 value)`.
template <class Chip>
RegisterSpace byte_registers(Chip& chip) {
    return {.read = [&chip](u64 offset, unsigned) { return u64{chip.read(offset)}; },
            .write = [&chip](u64 offset, unsigned, u64 value) { chip.write(offset, static_cast<u8>(value)); },
            .peek = nullptr,
            .max_size = 1};
}

}  // namespace bantam::devices
