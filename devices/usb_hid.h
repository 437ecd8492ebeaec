// UsbHid: a USB device of the Human Interface Device class (Device Class Definition for HID 1.11): its descriptors, the
// class requests of chapter 7, and the idle rate. Which reports there are, the device decides: one input report without
// a number, at most 8 bytes, and perhaps an output report. Left out: feature reports, the OUT endpoint.
#pragma once

#include "base/scheduler.h"
#include "devices/usb_device.h"

namespace bantam::devices {

class UsbHid : public UsbDevice {
public:
    void describe(Archive& archive) override;

    static constexpr unsigned kMaxReport = 8;

    struct HidRegisters {
        u8 idle = 0;      // in 4 ms; 0: a report that says nothing new is not sent
        u8 protocol = 1;  // 0: boot protocol
        u64 taken_ns = 0;
    };

protected:
    struct HidIdentity {
        std::string name;
        u16 product = 0;
        std::string_view product_name;
        u8 subclass = 0;  // 1: has the boot protocol
        u8 protocol = 0;  // of the boot interface: 1 keyboard
        std::span<const u8> report_descriptor;
        u8 interval_ms = 8;
        u8 idle = 0;  // after a reset, in 4 ms
    };
    UsbHid(Scheduler& scheduler, const HidIdentity& identity, Pins pins);

    [[nodiscard]] virtual bool news() const = 0;
    /// The next report: the first that the host does not know, or without news the last once more.
    virtual std::span<const u8> report() = 0;
    /// The host has it.
    virtual void report_taken() = 0;
    /// False: there is no such report.
    virtual bool set_output(std::span<const u8> data) = 0;
    [[nodiscard]] virtual std::optional<u8> output() const = 0;
    /// Forgets what waits and what is pressed.
    virtual void forget() = 0;

    [[nodiscard]] std::span<const u8> interface_descriptors() const final { return descriptors_; }
    std::optional<std::span<const u8>> answer(const Request& request) final;
    bool perform(const Request& request, std::span<const u8> data) final;
    std::optional<std::span<const u8>> interrupt_data() final;
    void interrupt_taken() final;
    void class_reset() final;

private:
    Scheduler& scheduler_;
    const std::array<u8, 25> descriptors_;  // of interface, HID and endpoint
    const std::span<const u8> report_descriptor_;
    const bool boot_;
    const u8 default_idle_;
    HidRegisters h_;
    std::array<u8, 1> byte_{};  // an answer of one byte
};

}  // namespace bantam::devices
