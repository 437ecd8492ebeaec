// See usb_device.h. Sections are those of the USB specification 2.0.
#include "devices/usb_device.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "base/check.h"

namespace bantam::devices {
namespace {

// bmRequestType (table 9-2)
constexpr u8 kToHost = 0x80, kTypeMask = 0x60, kRecipientMask = 0x1F;
constexpr u8 kToDevice = 0, kToInterface = 1, kToEndpoint = 2;
// bRequest (table 9-4)
constexpr u8 kGetStatus = 0, kClearFeature = 1, kSetFeature = 3, kSetAddress = 5, kGetDescriptor = 6,
             kGetConfiguration = 8, kSetConfiguration = 9, kGetInterface = 10, kSetInterface = 11;
// Descriptor types (table 9-5)
constexpr u8 kDevice = 1, kConfiguration = 2, kString = 3;
// Features (table 9-6)
constexpr u16 kEndpointHalt = 0, kDeviceRemoteWakeup = 1;
constexpr u8 kInEndpoint = 0x80 | UsbDevice::kInterruptEndpoint;
constexpr u8 kHighestAddress = 127;

// pid.codes' vendor id, and product ids that it keeps for devices that nobody sells.
constexpr u16 kVendor = 0x1209;
constexpr u8 kManufacturerString = 1, kProductString = 2;
constexpr std::string_view kManufacturer = "Bantam";

constexpr u8 low(unsigned word) { return static_cast<u8>(word); }
constexpr u8 high(unsigned word) { return static_cast<u8>(word >> 8); }

}  // namespace

void UsbDevice::reset() { bus_reset(); }

void UsbDevice::bus_reset() {
    r_ = {};
    class_reset();
}

void UsbDevice::describe(Archive& archive) {
    archive.field("address", r_.address);
    archive.field("new_address", r_.new_address);
    archive.field("configuration", r_.configuration);
    archive.field("remote_wakeup", r_.remote_wakeup);
    archive.field("halted", r_.halted);
    archive.field("interrupt_toggle", r_.interrupt_toggle);
    archive.field("polled", r_.polled);
    archive.field("stage", r_.stage);
    archive.field("toggle", r_.toggle);
    archive.bytes("setup", r_.setup.data(), r_.setup.size());
    archive.field("length", r_.length);
    archive.field("position", r_.position);
    archive.bytes("data", r_.data.data(), r_.data.size());
    if (!archive.loading()) return;
    r_.address &= kHighestAddress;
    r_.new_address &= kHighestAddress;
    if (r_.configuration > 1) r_.configuration = 0;
    if (r_.stage > Stage::stalled) r_.stage = Stage::idle;
    r_.length = std::min<u16>(r_.length, static_cast<u16>(r_.data.size()));
    r_.position = std::min(r_.position, r_.length);
}

std::string UsbDevice::info() const {
    return fmt::format("{}: address {}, configuration {}{}{}\n", identity_.name, r_.address, r_.configuration,
                       r_.polled ? ", polled" : "", r_.remote_wakeup ? ", may wake the host" : "");
}

// --- the default pipe (8.5.3)

UsbDevice::Request UsbDevice::request() const {
    const auto word = [this](unsigned at) { return static_cast<u16>(r_.setup.at(at) | r_.setup.at(at + 1) << 8); };
    return {.type = r_.setup[0], .code = r_.setup[1], .value = word(2), .index = word(4), .length = word(6)};
}

UsbDevice::Handshake UsbDevice::setup(unsigned endpoint, std::span<const u8> packet) {
    if (endpoint != 0 || packet.size() != r_.setup.size()) return Handshake::timeout;
    std::copy(packet.begin(), packet.end(), r_.setup.begin());
    r_.toggle = true;
    r_.length = r_.position = 0;
    r_.new_address = r_.address;
    const Request asked = request();
    if ((asked.type & kToHost) != 0) {
        const bool standard = (asked.type & kTypeMask) == 0;
        std::optional<std::span<const u8>> reply = standard ? answer_standard(asked) : std::nullopt;
        if (!reply && r_.configuration != 0) reply = answer(asked);
        r_.stage = !reply ? Stage::stalled : asked.length == 0 ? Stage::status_in : Stage::data_in;
        if (reply) {
            CHECK(reply->size() <= r_.data.size());
            r_.length = std::min(asked.length, static_cast<u16>(reply->size()));
            std::copy_n(reply->begin(), r_.length, r_.data.begin());
        }
    } else if (asked.length != 0) {
        r_.length = asked.length;
        r_.stage = asked.length <= r_.data.size() ? Stage::data_out : Stage::stalled;
        r_.length = std::min<u16>(r_.length, static_cast<u16>(r_.data.size()));
    } else {
        r_.stage = perform_any({}) ? Stage::status_in : Stage::stalled;
    }
    return Handshake::ack;
}

bool UsbDevice::perform_any(std::span<const u8> data) {
    const Request asked = request();
    if ((asked.type & kTypeMask) == 0) return data.empty() && perform_standard(asked);
    return r_.configuration != 0 && perform(asked, data);
}

/// The next packet of the data stage to the host; shorter than kMaxPacket, or empty, at its end.
std::span<const u8> UsbDevice::next_data() const {
    return std::span(r_.data).subspan(r_.position, std::min<std::size_t>(r_.length - r_.position, kMaxPacket));
}

UsbDevice::Handshake UsbDevice::out(unsigned endpoint, bool toggle, std::span<const u8> data) {
    if (endpoint != 0) return Handshake::timeout;
    if (r_.stage == Stage::data_in && data.empty() && toggle) {  // the status stage, which may cut the data stage short
        r_.stage = Stage::idle;
        return Handshake::ack;
    }
    if (r_.stage != Stage::data_out || data.size() > static_cast<std::size_t>(r_.length - r_.position)) {
        r_.stage = Stage::stalled;
        return Handshake::stall;
    }
    if (toggle != r_.toggle) return Handshake::ack;  // taken already (8.6.4)
    std::copy(data.begin(), data.end(), r_.data.begin() + r_.position);
    r_.position = static_cast<u16>(r_.position + data.size());
    r_.toggle = !r_.toggle;
    if (r_.position == r_.length)
        r_.stage = perform_any(std::span(r_.data).first(r_.length)) ? Stage::status_in : Stage::stalled;
    return Handshake::ack;
}

UsbDevice::Answer UsbDevice::in(unsigned endpoint) {
    if (endpoint == 0) {
        if (r_.stage == Stage::data_in) return {Handshake::ack, r_.toggle, next_data()};
        if (r_.stage == Stage::status_in) return {Handshake::ack, true, {}};
        r_.stage = Stage::stalled;
        return {Handshake::stall, false, {}};
    }
    if (endpoint != kInterruptEndpoint || r_.configuration == 0) return {};
    if (r_.halted) return {Handshake::stall, false, {}};
    r_.polled = true;
    const std::optional<std::span<const u8>> data = interrupt_data();
    if (!data) return {Handshake::nak, false, {}};
    return {Handshake::ack, r_.interrupt_toggle, *data};
}

void UsbDevice::acknowledge(unsigned endpoint) {
    if (endpoint == kInterruptEndpoint) {
        r_.interrupt_toggle = !r_.interrupt_toggle;
        interrupt_taken();
    } else if (r_.stage == Stage::data_in) {
        r_.position = static_cast<u16>(r_.position + next_data().size());
        r_.toggle = !r_.toggle;
    } else if (r_.stage == Stage::status_in) {
        r_.stage = Stage::idle;
        r_.address = r_.new_address;
    }
}

// --- standard requests (9.4)

std::optional<std::span<const u8>> UsbDevice::answer_standard(const Request& request) {
    const u8 recipient = request.type & kRecipientMask;
    const auto reply = [this](std::initializer_list<u8> bytes) {
        return std::span<const u8>(reply_.begin(), std::copy(bytes.begin(), bytes.end(), reply_.begin()));
    };
    switch (request.code) {
        case kGetStatus:
            if (recipient == kToDevice) return reply({static_cast<u8>(r_.remote_wakeup ? 2 : 0), 0});
            if (recipient == kToInterface && request.index == 0 && r_.configuration != 0) return reply({0, 0});
            if (recipient == kToEndpoint && (request.index & 0x7F) == 0) return reply({0, 0});
            if (recipient == kToEndpoint && request.index == kInEndpoint && r_.configuration != 0)
                return reply({r_.halted, 0});
            break;
        case kGetDescriptor:
            if (recipient == kToDevice) return descriptor(request);
            break;
        case kGetConfiguration:
            if (recipient == kToDevice) return reply({r_.configuration});
            break;
        case kGetInterface:
            if (recipient == kToInterface && request.index == 0 && r_.configuration != 0) return reply({0});
            break;
        default:
            break;
    }
    return std::nullopt;
}

std::optional<std::span<const u8>> UsbDevice::descriptor(const Request& request) {
    const u8 type = high(request.value), index = low(request.value);
    if (type == kString) return string_descriptor(index);
    if (index != 0) return std::nullopt;
    if (type == kDevice) {
        constexpr u8 kBytes = 18, kRelease = 1;
        const std::array<u8, kBytes> bytes{kBytes,
                                           kDevice,
                                           0x10,
                                           0x01,  // USB 1.1
                                           0,
                                           0,
                                           0,  // class: that of the interface
                                           kMaxPacket,
                                           low(kVendor),
                                           high(kVendor),
                                           low(identity_.product),
                                           high(identity_.product),
                                           0,
                                           kRelease,
                                           kManufacturerString,
                                           kProductString,
                                           0,   // no serial number
                                           1};  // configuration
        std::copy(bytes.begin(), bytes.end(), reply_.begin());
        return std::span(reply_).first(bytes.size());
    }
    if (type == kConfiguration) {
        constexpr u8 kBytes = 9, kBusPoweredWakesUp = 0xA0, kTwoMilliamperes = 50;
        const std::span<const u8> interface = interface_descriptors();
        const std::size_t total = kBytes + interface.size();
        CHECK(total <= reply_.size());
        const std::array<u8, kBytes> bytes{
            kBytes,          kConfiguration, low(static_cast<unsigned>(total)), 0, 1, 1, 0, kBusPoweredWakesUp,
            kTwoMilliamperes};
        std::copy(bytes.begin(), bytes.end(), reply_.begin());
        std::copy(interface.begin(), interface.end(), reply_.begin() + kBytes);
        return std::span(reply_).first(total);
    }
    return std::nullopt;
}

/// 9.6.7: UTF-16, here ASCII; number 0 lists the languages.
std::optional<std::span<const u8>> UsbDevice::string_descriptor(u8 index) {
    constexpr u16 kEnglish = 0x0409;
    if (index > kProductString) return std::nullopt;
    unsigned size = 2;
    if (index == 0) {
        reply_[size++] = low(kEnglish);
        reply_[size++] = high(kEnglish);
    } else {
        const std::string_view text = index == kManufacturerString ? kManufacturer : identity_.product_name;
        CHECK(text.size() < 64);
        for (const char character : text) {
            reply_.at(size++) = static_cast<u8>(character);
            reply_.at(size++) = 0;
        }
    }
    reply_[0] = static_cast<u8>(size);
    reply_[1] = kString;
    return std::span(reply_).first(size);
}

bool UsbDevice::perform_standard(const Request& request) {
    switch (request.code) {
        case kClearFeature:
        case kSetFeature:
            return change_feature(request, request.code == kSetFeature);
        case kSetAddress:
            if (request.type != kToDevice || request.value > kHighestAddress) return false;
            r_.new_address = low(request.value);
            return true;
        case kSetConfiguration:
            return request.type == kToDevice && set_configuration(request.value);
        case kSetInterface:
            if (request.type != kToInterface || request.value != 0 || request.index != 0 || r_.configuration == 0)
                return false;
            r_.halted = r_.interrupt_toggle = false;
            return true;
        default:
            return false;
    }
}

bool UsbDevice::change_feature(const Request& request, bool set) {
    if (request.type == kToDevice && request.value == kDeviceRemoteWakeup) {
        r_.remote_wakeup = set;
        return true;
    }
    if (request.type != kToEndpoint || request.value != kEndpointHalt) return false;
    if ((request.index & 0x7F) == 0) return true;  // the default pipe never halts for longer than a request
    if (request.index != kInEndpoint || r_.configuration == 0) return false;
    r_.halted = set;
    if (!set) r_.interrupt_toggle = false;
    return true;
}

bool UsbDevice::set_configuration(u16 value) {
    if (value > 1) return false;
    r_.configuration = low(value);
    r_.halted = r_.interrupt_toggle = r_.polled = false;
    class_reset();
    return true;
}

}  // namespace bantam::devices
