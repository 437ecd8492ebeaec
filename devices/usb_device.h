// UsbDevice: a full-speed device at the end of a cable (Universal Serial Bus Specification 2.0): its address, the
// default control pipe with the standard requests of chapter 9, one interrupt IN endpoint, and data toggles. The host
// controller hands it the packets of each transaction (8.5) and is handed the answers; nothing is lost on the way. What
// the device is for, its class decides. Left out: hubs, isochronous and bulk endpoints, alternate settings, low speed.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "devices/device.h"

namespace bantam::devices {

class UsbDevice : public Device {
public:
    struct Pins {
        std::function<void()> resume;  // drives resume signalling upstream; the port knows whether it is suspended
    };
    enum class Handshake : u8 { ack, nak, stall, timeout };
    /// What answers an IN token: data, if the handshake is ack.
    struct Answer {
        Handshake handshake = Handshake::timeout;
        bool toggle = false;  // DATA1
        std::span<const u8> data;
    };
    static constexpr unsigned kMaxPacket = 32;  // of the default pipe
    static constexpr unsigned kInterruptEndpoint = 1;

    [[nodiscard]] std::string_view name() const override { return identity_.name; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Reset signalling: the device is in the default state (9.1.1.3).
    void bus_reset();
    [[nodiscard]] u8 address() const { return r_.address; }
    /// The host has chosen a configuration and asked the interrupt endpoint since: a driver is at work.
    [[nodiscard]] bool polled() const { return r_.polled; }

    Handshake setup(unsigned endpoint, std::span<const u8> packet);
    Handshake out(unsigned endpoint, bool toggle, std::span<const u8> data);
    /// Nothing is over until acknowledge(): without it the next IN has the same answer. The data are the device's and
    /// stay until its next call.
    Answer in(unsigned endpoint);
    /// The host's handshake after in()'s data.
    void acknowledge(unsigned endpoint);

    enum class Stage : u8 { idle, data_in, data_out, status_in, stalled };
    struct Registers {
        u8 address = 0;
        u8 new_address = 0;  // from the end of SET_ADDRESS's status stage on
        u8 configuration = 0;
        bool remote_wakeup = false;
        bool halted = false;            // the interrupt endpoint
        bool interrupt_toggle = false;  // and its next data packet
        bool polled = false;
        Stage stage = Stage::idle;
        bool toggle = false;  // of the next data packet of the default pipe
        std::array<u8, 8> setup{};
        u16 length = 0;  // of the data stage
        u16 position = 0;
        std::array<u8, 256> data{};
    };

protected:
    struct Identity {
        std::string name;  // of the chip
        u16 product = 0;   // idProduct
        std::string_view product_name;
    };
    UsbDevice(Identity identity, Pins pins) : identity_(std::move(identity)), pins_(std::move(pins)) {}

    struct Request {
        u8 type = 0;  // bmRequestType
        u8 code = 0;  // bRequest
        u16 value = 0, index = 0, length = 0;
    };
    /// What follows the configuration descriptor: interface, class and endpoint descriptors (9.6.5, 9.6.6).
    [[nodiscard]] virtual std::span<const u8> interface_descriptors() const = 0;
    /// A class's request, or a standard one to the interface, that the host wants data of; nothing: request error.
    virtual std::optional<std::span<const u8>> answer(const Request& request) = 0;
    /// A class's request without data, or with those that came; false: request error.
    virtual bool perform(const Request& request, std::span<const u8> data) = 0;
    /// What the interrupt endpoint has to say, up to its packet size; nothing: NAK.
    virtual std::optional<std::span<const u8>> interrupt_data() = 0;
    /// The host has it.
    virtual void interrupt_taken() = 0;
    /// Back to what the class has after a reset or another configuration.
    virtual void class_reset() = 0;

    /// Something happened that the host may have asked to be woken for (DEVICE_REMOTE_WAKEUP).
    void wake_host() const {
        if (r_.remote_wakeup && pins_.resume) pins_.resume();
    }

private:
    [[nodiscard]] Request request() const;
    std::optional<std::span<const u8>> answer_standard(const Request& request);
    std::optional<std::span<const u8>> descriptor(const Request& request);
    std::optional<std::span<const u8>> string_descriptor(u8 index);
    bool perform_standard(const Request& request);
    bool change_feature(const Request& request, bool set);
    bool set_configuration(u16 value);
    bool perform_any(std::span<const u8> data);
    [[nodiscard]] std::span<const u8> next_data() const;

    const Identity identity_;
    Pins pins_;
    Registers r_;
    std::array<u8, 256> reply_{};  // room for descriptors and short answers
};

}  // namespace bantam::devices
