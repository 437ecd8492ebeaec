// See usb_keyboard.h.
#include "devices/usb_keyboard.h"

#include <fmt/format.h>

#include "base/bits.h"
#include "devices/hid_keys.h"

namespace bantam::devices {
namespace {

constexpr u16 kProduct = 0x0001;
constexpr u8 kErrorRollOver = 0x01;  // HID Usage Tables 1.12, page 7
constexpr u8 kIdle = 125;            // 500 ms, as 7.2.4 of the class definition recommends for keyboards
constexpr u8 kLeds = 0x1F;

// The report descriptor of appendix B.1's report (items: 6.2.2).
constexpr auto kReportDescriptor = std::to_array<u8>({0x05, 0x01,  // usage page: generic desktop
                                                      0x09, 0x06,  // usage: keyboard
                                                      0xA1, 0x01,  // collection: application
                                                      0x05, 0x07,  //   usage page: keyboard
                                                      0x19, 0xE0,  //   usages: the modifiers
                                                      0x29, 0xE7,  //
                                                      0x15, 0x00,  //   logical minimum: 0
                                                      0x25, 0x01,  //   logical maximum: 1
                                                      0x75, 0x01,  //   report size: 1 bit
                                                      0x95, 0x08,  //   report count: 8
                                                      0x81, 0x02,  //   input: data, variable, absolute
                                                      0x95, 0x01,  //   report count: 1
                                                      0x75, 0x08,  //   report size: 8 bits
                                                      0x81, 0x01,  //   input: constant
                                                      0x95, 0x05,  //   report count: 5
                                                      0x75, 0x01,  //   report size: 1 bit
                                                      0x05, 0x08,  //   usage page: LEDs
                                                      0x19, 0x01,  //   usages: num lock to kana
                                                      0x29, 0x05,  //
                                                      0x91, 0x02,  //   output: data, variable, absolute
                                                      0x95, 0x01,  //   report count: 1
                                                      0x75, 0x03,  //   report size: 3 bits
                                                      0x91, 0x01,  //   output: constant
                                                      0x95, 0x06,  //   report count: 6
                                                      0x75, 0x08,  //   report size: 8 bits
                                                      0x15, 0x00,  //   logical minimum: 0
                                                      0x25, 0x65,  //   logical maximum: 65h, application
                                                      0x05, 0x07,  //   usage page: keyboard
                                                      0x19, 0x00,  //   usages: none to application
                                                      0x29, 0x65,  //
                                                      0x81, 0x00,  //   input: data, array
                                                      0xC0});      // end

bool test(const std::array<u8, 32>& keys, unsigned usage) { return bit(keys.at(usage / 8), usage % 8); }
void flip(std::array<u8, 32>& keys, unsigned usage) {
    u8& byte = keys.at(usage / 8);
    byte = static_cast<u8>(byte ^ 1u << usage % 8);
}

}  // namespace

UsbKeyboard::UsbKeyboard(Scheduler& scheduler, Pins pins)
    : UsbHid(scheduler,
             {.name = "usb_keyboard",
              .product = kProduct,
              .product_name = "USB Keyboard",
              .subclass = 1,
              .protocol = 1,
              .report_descriptor = kReportDescriptor,
              .idle = kIdle},
             std::move(pins)) {}

void UsbKeyboard::describe(Archive& archive) {
    UsbHid::describe(archive);
    archive.bytes("down", r_.down.data(), r_.down.size());
    archive.bytes("reported", r_.reported.data(), r_.reported.size());
    archive.field("events", r_.events);
    archive.field("leds", r_.leds);
    if (archive.loading()) r_.leds &= kLeds;
}

std::string UsbKeyboard::info() const {
    return UsbHid::info() + fmt::format("  LEDs {:05b}, {} reports wait\n", r_.leds, r_.events.size());
}

bool UsbKeyboard::has_key(KeyCode key) { return hid_of_set1(key_row(key).set1).has_value(); }

void UsbKeyboard::key(KeyCode key, bool pressed) {
    const std::optional<u8> usage = hid_of_set1(key_row(key).set1);
    if (!usage || test(r_.down, *usage) == pressed) return;
    flip(r_.down, *usage);
    if (r_.events.full()) flip(r_.reported, r_.events.pop());  // the host will not see the oldest as one of its own
    r_.events.push(*usage);
    wake_host();
}

unsigned UsbKeyboard::leds() const {
    return (bit(r_.leds, 2) ? 1u : 0u) | (bit(r_.leds, 0) ? 2u : 0u) | (bit(r_.leds, 1) ? 4u : 0u);
}

std::span<const u8> UsbKeyboard::report() {
    std::array<u8, 32> keys = r_.reported;
    if (!r_.events.empty()) flip(keys, r_.events.front());
    report_ = {keys[kFirstHidModifier / 8]};
    unsigned count = 0;
    for (unsigned usage = 0; usage < kFirstHidModifier; ++usage) {
        if (!test(keys, usage)) continue;
        if (count == kKeys) {
            std::fill_n(report_.begin() + 2, kKeys, kErrorRollOver);
            break;
        }
        report_.at(2 + count++) = static_cast<u8>(usage);
    }
    return report_;
}

void UsbKeyboard::report_taken() {
    if (!r_.events.empty()) flip(r_.reported, r_.events.pop());
}

bool UsbKeyboard::set_output(std::span<const u8> data) {
    if (data.size() != 1) return false;
    r_.leds = data[0] & kLeds;
    return true;
}

}  // namespace bantam::devices
