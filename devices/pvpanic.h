// Pvpanic: the port by which a guest says that it has panicked (QEMU, docs/specs/pvpanic.rst): reading gives the events
// it takes, writing one tells it.
#pragma once

#include <functional>

#include "devices/device.h"

namespace bantam::devices {

class Pvpanic final : public Device {
public:
    struct Pins {
        std::function<void()> panicked;      // bit 0
        std::function<void()> crash_loaded;  // bit 1: a crash kernel has taken over, which goes on
    };
    explicit Pvpanic(Pins pins) : pins_(std::move(pins)) {}

    static constexpr u8 kPanicked = 0x01, kCrashLoaded = 0x02;

    [[nodiscard]] std::string_view name() const override { return "pvpanic"; }
    void reset() override {}
    void describe(Archive&) override {}
    [[nodiscard]] std::string info() const override;

    [[nodiscard]] u8 read(u64) const { return kPanicked | kCrashLoaded; }
    /// Bits that are no event are ignored; a panic counts before a crash kernel.
    void write(u64 offset, u8 value);
    /// One byte-wide port.
    RegisterSpace registers();

private:
    Pins pins_;
};

}  // namespace bantam::devices
