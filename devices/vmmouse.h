// Vmmouse: VMware's absolute pointing device behind the hypervisor port 5658h, as the Linux driver vmmouse.c speaks it:
// version, and the commands data, status and command of the absolute pointer. The guest gets each report as four words,
// and learns of it by a packet of the PS/2 mouse, which the board provides. Left out: relative reports (the PS/2 mouse
// gives them), the restriction of who may use the port, and everything else behind it.
#pragma once

#include <array>
#include <functional>

#include "devices/device.h"

namespace bantam::devices {

class Vmmouse final : public Device {
public:
    struct Pins {
        std::function<void()> report_waits;  // the PS/2 mouse is to send a packet
    };
    explicit Vmmouse(Pins pins) : pins_(std::move(pins)) {}

    [[nodiscard]] std::string_view name() const override { return "vmmouse"; }
    void reset() override { r_ = {}; }
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// The processor's registers around IN EAX, DX: calls take their arguments and leave their results in them.
    struct CallRegisters {
        u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
    };
    /// Carries out the call; one that is not for this port leaves EAX = FFFFFFFFh and the rest alone.
    void call(CallRegisters& registers);

    /// The pointer is at x, y, 0 to 65535 each across the whole screen. Buttons: bit 0 left, 1 right, 2 middle; wheel
    /// notches towards the person. Without effect unless the guest listens.
    void point(u16 x, u16 y, u8 buttons, int wheel);
    /// The guest's driver wants absolute positions.
    [[nodiscard]] bool absolute() const { return r_.enabled && r_.absolute; }

    /// The guest has taken every report.
    [[nodiscard]] bool read_all() const { return r_.count == 0; }

    static constexpr unsigned kReportWords = 4;
    static constexpr unsigned kMaxReports = 64;

    struct Registers {
        bool enabled = false;
        bool absolute = false;
        bool failed = false;  // the guest read more than there was
        u32 count = 0;        // words that wait in the queue
        std::array<u32, kReportWords * kMaxReports> queue{};
    };

private:
    void command(u32 argument);
    void data(CallRegisters& registers);

    Pins pins_;
    Registers r_;
};

}  // namespace bantam::devices
