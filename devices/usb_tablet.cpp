// See usb_tablet.h.
#include "devices/usb_tablet.h"

#include <fmt/format.h>

#include <algorithm>

namespace bantam::devices {
namespace {

constexpr u16 kProduct = 0x0002;
constexpr u8 kButtons = 7;
constexpr unsigned kButtonByte = 0, kWheelByte = 5;

// Items: HID 1.11, 6.2.2.
constexpr auto kReportDescriptor = std::to_array<u8>({0x05, 0x01,        // usage page: generic desktop
                                                      0x09, 0x02,        // usage: mouse
                                                      0xA1, 0x01,        // collection: application
                                                      0x09, 0x01,        //   usage: pointer
                                                      0xA1, 0x00,        //   collection: physical
                                                      0x05, 0x09,        //     usage page: buttons
                                                      0x19, 0x01,        //     usages: 1 to 3
                                                      0x29, 0x03,        //
                                                      0x15, 0x00,        //     logical minimum: 0
                                                      0x25, 0x01,        //     logical maximum: 1
                                                      0x95, 0x03,        //     report count: 3
                                                      0x75, 0x01,        //     report size: 1 bit
                                                      0x81, 0x02,        //     input: data, variable, absolute
                                                      0x95, 0x01,        //     report count: 1
                                                      0x75, 0x05,        //     report size: 5 bits
                                                      0x81, 0x01,        //     input: constant
                                                      0x05, 0x01,        //     usage page: generic desktop
                                                      0x09, 0x30,        //     usages: X and Y
                                                      0x09, 0x31,        //
                                                      0x15, 0x00,        //     logical minimum: 0
                                                      0x26, 0xFF, 0x7F,  //     logical maximum: 7FFFh
                                                      0x75, 0x10,        //     report size: 16 bits
                                                      0x95, 0x02,        //     report count: 2
                                                      0x81, 0x02,        //     input: data, variable, absolute
                                                      0x09, 0x38,        //     usage: wheel
                                                      0x15, 0x81,        //     logical minimum: -127
                                                      0x25, 0x7F,        //     logical maximum: 127
                                                      0x75, 0x08,        //     report size: 8 bits
                                                      0x95, 0x01,        //     report count: 1
                                                      0x81, 0x06,        //     input: data, variable, relative
                                                      0xC0, 0xC0});      // end, end

}  // namespace

UsbTablet::UsbTablet(Scheduler& scheduler, Pins pins)
    : UsbHid(scheduler,
             {.name = "usb_tablet",
              .product = kProduct,
              .product_name = "USB Tablet",
              .report_descriptor = kReportDescriptor},
             std::move(pins)) {}

void UsbTablet::describe(Archive& archive) {
    UsbHid::describe(archive);
    archive.bytes("last", r_.last.data(), r_.last.size());
    for (Report& report : r_.waiting) archive.bytes("waiting", report.data(), report.size());
    archive.field("count", r_.count);
    if (archive.loading()) r_.count = std::min(r_.count, kMaxReports);
}

std::string UsbTablet::info() const { return UsbHid::info() + fmt::format("  {} reports wait\n", r_.count); }

void UsbTablet::point(u16 x, u16 y, u8 buttons, int wheel) {
    const auto away = static_cast<u8>(std::clamp(-wheel, -127, 127));
    const Report report{static_cast<u8>(buttons & kButtons),
                        static_cast<u8>(x >> 1),
                        static_cast<u8>(x >> 9),
                        static_cast<u8>(y >> 1),
                        static_cast<u8>(y >> 9),
                        away};
    const auto moves_only = [](const Report& next, const Report& before) {
        return next[kButtonByte] == before[kButtonByte] && next[kWheelByte] == 0;
    };
    const auto known = [this](u32 count) { return count == 0 ? r_.last : r_.waiting.at(count - 1); };
    if (r_.count == 0 && report == r_.last) return;
    // The newest position counts, but that of a press stays.
    const bool in_place = r_.count == kMaxReports || (r_.count != 0 && moves_only(report, known(r_.count)) &&
                                                      moves_only(known(r_.count), known(r_.count - 1)));
    r_.waiting.at(in_place ? r_.count - 1 : r_.count) = report;
    if (!in_place) ++r_.count;
    wake_host();
}

void UsbTablet::report_taken() {
    if (r_.count == 0) return;
    r_.last = r_.waiting.front();
    r_.last[kWheelByte] = 0;  // a movement happens once
    std::copy(r_.waiting.begin() + 1, r_.waiting.begin() + r_.count, r_.waiting.begin());
    r_.waiting.at(--r_.count) = {};
}

}  // namespace bantam::devices
