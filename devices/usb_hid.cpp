// See usb_hid.h. Sections are those of the HID class definition 1.11.
#include "devices/usb_hid.h"

#include "base/bits.h"
#include "base/check.h"

namespace bantam::devices {
namespace {

constexpr u8 kStandardToInterface = 0x81, kClassFromInterface = 0xA1, kClassToInterface = 0x21;
constexpr u8 kGetDescriptor = 6;
constexpr u8 kHidDescriptor = 0x21, kReportDescriptor = 0x22;  // 7.1
constexpr u8 kHidDescriptorAt = 9, kHidDescriptorBytes = 9;
constexpr u8 kInterface = 4, kEndpoint = 5, kHidClass = 3, kInterrupt = 3;
// 7.2
constexpr u8 kGetReport = 1, kGetIdle = 2, kGetProtocol = 3, kSetReport = 9, kSetIdle = 10, kSetProtocol = 11;
constexpr u8 kInput = 1, kOutput = 2;
constexpr u64 kIdleUnit_ns = 4'000'000;

}  // namespace

UsbHid::UsbHid(Scheduler& scheduler, const HidIdentity& identity, Pins pins)
    : UsbDevice({.name = identity.name, .product = identity.product, .product_name = identity.product_name},
                std::move(pins)),
      scheduler_(scheduler),
      // clang-format off
      // 7.1 and E.3 to E.5: the interface; HID 1.11, no country, one report descriptor; an endpoint for one report.
      descriptors_{9, kInterface, 0, 0, 1, kHidClass, identity.subclass, identity.protocol, 0,
                   kHidDescriptorBytes, kHidDescriptor, 0x11, 0x01, 0, 1, kReportDescriptor,
                   static_cast<u8>(identity.report_descriptor.size()), 0,
                   7, kEndpoint, 0x80 | kInterruptEndpoint, kInterrupt, kMaxReport, 0, identity.interval_ms},
      // clang-format on
      report_descriptor_(identity.report_descriptor),
      boot_(identity.subclass != 0),
      default_idle_(identity.idle),
      h_{.idle = identity.idle} {
    CHECK(identity.report_descriptor.size() < 0x100);
}

void UsbHid::describe(Archive& archive) {
    UsbDevice::describe(archive);
    archive.field("idle", h_.idle);
    archive.field("protocol", h_.protocol);
    archive.field("taken_ns", h_.taken_ns);
    if (archive.loading()) h_.protocol &= 1;
}

void UsbHid::class_reset() {
    h_ = {.idle = default_idle_};
    forget();
}

std::optional<std::span<const u8>> UsbHid::answer(const Request& request) {
    const u8 type = static_cast<u8>(request.value >> 8), number = static_cast<u8>(request.value);
    if (request.index != 0 || number != 0) return std::nullopt;
    const auto byte = [this](u8 value) {
        byte_[0] = value;
        return std::span<const u8>(byte_);
    };
    if (request.type == kStandardToInterface && request.code == kGetDescriptor) {
        if (type == kHidDescriptor) return std::span(descriptors_).subspan(kHidDescriptorAt, kHidDescriptorBytes);
        if (type == kReportDescriptor) return report_descriptor_;
        return std::nullopt;
    }
    if (request.type != kClassFromInterface) return std::nullopt;
    switch (request.code) {
        case kGetReport:
            if (type == kInput) return report();
            if (type == kOutput && output()) return byte(*output());
            return std::nullopt;
        case kGetIdle:
            return byte(h_.idle);
        case kGetProtocol:
            if (!boot_) return std::nullopt;
            return byte(h_.protocol);
        default:
            return std::nullopt;
    }
}

bool UsbHid::perform(const Request& request, std::span<const u8> data) {
    const u8 type = static_cast<u8>(request.value >> 8), number = static_cast<u8>(request.value);
    if (request.type != kClassToInterface || request.index != 0) return false;
    switch (request.code) {
        case kSetReport:
            return type == kOutput && number == 0 && set_output(data);
        case kSetIdle:
            if (number != 0) return false;
            h_.idle = type;
            return true;
        case kSetProtocol:
            if (!boot_ || request.value > 1) return false;
            h_.protocol = number;
            return true;
        default:
            return false;
    }
}

std::optional<std::span<const u8>> UsbHid::interrupt_data() {
    const u64 now = scheduler_.now();
    const bool idle_over = h_.idle != 0 && now >= h_.taken_ns && now - h_.taken_ns >= h_.idle * kIdleUnit_ns;
    if (!news() && !idle_over) return std::nullopt;
    return report();
}

void UsbHid::interrupt_taken() {
    h_.taken_ns = scheduler_.now();
    report_taken();
}

}  // namespace bantam::devices
