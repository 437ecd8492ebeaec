// UsbKeyboard: a USB keyboard with the boot protocol (HID 1.11, appendix B.1); its report protocol has the same report:
// modifiers, and up to six keys in no order. Every press and release becomes a report of its own, so that none is lost
// on a host that asks seldom. It has the keys of page 7 that a PC keyboard has, and five LEDs.
#pragma once

#include "devices/byte_queue.h"
#include "devices/key_names.h"
#include "devices/usb_hid.h"

namespace bantam::devices {

class UsbKeyboard final : public UsbHid {
public:
    UsbKeyboard(Scheduler& scheduler, Pins pins);

    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    [[nodiscard]] static bool has_key(KeyCode key);
    /// Presses or releases a key. Without effect where it is so already, or the keyboard has no such key.
    void key(KeyCode key, bool pressed);
    /// The host has every report.
    [[nodiscard]] bool read_all() const { return r_.events.empty(); }
    /// Bit 0 scroll lock, 1 num lock, 2 caps lock.
    [[nodiscard]] unsigned leds() const;

    static constexpr unsigned kKeys = 6, kReportBytes = 8, kMaxEvents = 64;

    struct Registers {
        std::array<u8, 32> down{};      // a bit a usage: keys that are down
        std::array<u8, 32> reported{};  // what the host knows
        ByteQueue<kMaxEvents> events;   // usages whose keys changed since, in order
        u8 leds = 0;                    // bits 0 num lock, 1 caps lock, 2 scroll lock, 3 compose, 4 kana
    };

protected:
    [[nodiscard]] bool news() const override { return !r_.events.empty(); }
    std::span<const u8> report() override;
    void report_taken() override;
    bool set_output(std::span<const u8> data) override;
    [[nodiscard]] std::optional<u8> output() const override { return r_.leds; }
    void forget() override { r_ = {}; }

private:
    Registers r_;
    std::array<u8, kReportBytes> report_{};
};

}  // namespace bantam::devices
