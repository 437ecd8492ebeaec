// Debug ports that emulators offer guests: a write-only console byte port (E9h as in Bochs; 402h as firmware uses it,
// both answer E9h when read), and the exit port (F4h, "isa-debug-exit") that ends the process with status 2 * value
// + 1.
#pragma once

#include "devices/character_port.h"
#include "devices/device.h"

namespace bantam::devices {

class DebugConsole final : public Device {
public:
    /// `port` may be null: bytes are dropped. It must outlive the chip.
    explicit DebugConsole(CharacterPort* port) : port_(port) {}
    [[nodiscard]] std::string_view name() const override { return "debugcon"; }
    void reset() override { r_ = {}; }
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;
    /// E9h: how a guest finds out that the port is there.
    [[nodiscard]] u8 read(u64) const { return 0xE9; }
    void write(u64 offset, u8 value);
    RegisterSpace registers();

    struct Registers {
        u64 bytes_written = 0;
    };

private:
    CharacterPort* port_;
    Registers r_;
};

class DebugExit final : public Device {
public:
    struct Pins {
        /// The guest asks to end the process; `status` = 2 * value + 1, cut to the 8 bits a status has.
        std::function<void(int status)> exit;
    };
    explicit DebugExit(Pins pins) : pins_(std::move(pins)) {}
    [[nodiscard]] std::string_view name() const override { return "debug_exit"; }
    void reset() override {}
    void describe(Archive&) override {}
    /// Four byte-wide ports, F4h..F7h; takes 1, 2 or 4 bytes whole. Reads give 0.
    void write(u64 offset, unsigned size, u64 value);
    RegisterSpace registers();

private:
    Pins pins_;
};

}  // namespace bantam::devices
