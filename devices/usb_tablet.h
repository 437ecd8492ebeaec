// UsbTablet: a USB pointing device that tells where the pointer is, not how far it moved (HID 1.11): three buttons, X
// and Y across the whole screen, and a wheel. Hosts take it for a mouse with absolute axes.
#pragma once

#include "devices/usb_hid.h"

namespace bantam::devices {

class UsbTablet final : public UsbHid {
public:
    UsbTablet(Scheduler& scheduler, Pins pins);

    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// The pointer is at x, y, 0 to 65535 each across the whole screen. Buttons: bit 0 left, 1 right, 2 middle; wheel
    /// notches towards the person. Positions the host has not asked for in time are left out, changes of buttons are
    /// not while there is room.
    void point(u16 x, u16 y, u8 buttons, int wheel);
    /// The host has every report.
    [[nodiscard]] bool read_all() const { return r_.count == 0; }

    static constexpr unsigned kReportBytes = 6, kMaxReports = 32;
    using Report = std::array<u8, kReportBytes>;

    struct Registers {
        Report last{};  // what the host knows
        std::array<Report, kMaxReports> waiting{};
        u32 count = 0;
    };

protected:
    [[nodiscard]] bool news() const override { return r_.count != 0; }
    std::span<const u8> report() override { return r_.count != 0 ? r_.waiting.front() : r_.last; }
    void report_taken() override;
    bool set_output(std::span<const u8>) override { return false; }
    [[nodiscard]] std::optional<u8> output() const override { return std::nullopt; }
    void forget() override { r_ = {}; }

private:
    Registers r_;
};

}  // namespace bantam::devices
