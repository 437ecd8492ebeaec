// The schedule of the USB host controller: frame list, queue heads and transfer descriptors (UHCI Design Guide 1.1,
// chapter 3), and the transactions on the bus that they ask for.
#include "base/bits.h"
#include "base/log.h"
#include "devices/piix3_usb.h"
#include "devices/piix3_usb_bits.h"

namespace bantam::devices {
namespace {

// Link pointers
constexpr u32 kTerminate = 1, kQueueHead = 2, kDepthFirst = 4;
constexpr u32 address_of(u32 link) { return link & ~u32{15}; }
// Second doubleword of a transfer descriptor
constexpr u32 kActualLength = 0x7FF, kResultBits = 0x007E0000, kTimeout = u32{1} << 18, kNak = u32{1} << 19,
              kBabble = u32{1} << 20, kStalled = u32{1} << 22, kActive = u32{1} << 23, kOnComplete = u32{1} << 24,
              kIsochronous = u32{1} << 25, kLowSpeed = u32{1} << 26, kErrorsLeft = u32{3} << 27,
              kErrorUnit = u32{1} << 27, kShortPacketDetect = u32{1} << 29;
// Packet identifiers (USB 2.0, table 8-1)
constexpr u8 kIn = 0x69, kOut = 0xE1, kSetup = 0x2D;
constexpr u32 kLongest = 0x500;  // bytes of a packet; longer ones are errors but for 7FFh, none

// Bus time in bytes at full speed. A transaction's token, handshake and gaps take 13 (USB 1.1, 5.6.3); a doubleword of
// the schedule less than one, and one is charged, so a schedule in a circle ends with the frame.
constexpr unsigned kFrameBytes = 1500, kOverhead = 13, kFetch = 1, kLowSpeedFactor = 8;

u32 word_at(std::span<const u8> bytes, std::size_t at) {
    return static_cast<u32>(bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16) | u32{bytes[at + 3]} << 24;
}

void store(PhysicalMemory& memory, u32 address, u32 value) {
    const std::array<u8, 4> bytes{static_cast<u8>(value), static_cast<u8>(value >> 8), static_cast<u8>(value >> 16),
                                  static_cast<u8>(value >> 24)};
    memory.copy_in({address}, bytes);
}

}  // namespace

struct Piix3Usb::Transfer {
    u32 link = 0, status = 0, token = 0, buffer = 0;

    [[nodiscard]] u8 pid() const { return static_cast<u8>(token); }
    [[nodiscard]] unsigned address() const { return static_cast<unsigned>(bits(token, 8, 7)); }
    [[nodiscard]] unsigned endpoint() const { return static_cast<unsigned>(bits(token, 15, 4)); }
    [[nodiscard]] bool toggle() const { return bit(token, 19); }
    [[nodiscard]] u32 length() const { return ((token >> 21) + 1) & kActualLength; }
    [[nodiscard]] bool legal() const {
        return (pid() == kIn || pid() == kOut || pid() == kSetup) && length() <= kLongest;
    }
};

/// What is left of the frame. Nothing changes within one but by transactions, so whoever comes to the same link again
/// without one has seen it all: `mark` is one of the links since the last transaction, a later one each time the number
/// of links has doubled (R. Brent, "An improved Monte Carlo factorization algorithm", 1980).
struct Piix3Usb::Frame {
    unsigned bytes = kFrameBytes;
    u32 mark = kTerminate;
    unsigned links = 0;

    bool spend(unsigned amount) {
        if (amount > bytes) return false;
        bytes -= amount;
        return true;
    }
    bool in_circle(u32 link) {
        if (link == mark) return true;
        ++links;
        if ((links & (links - 1)) == 0) mark = link;
        return false;
    }
    void transacted() {
        mark = kTerminate;
        links = 0;
    }
};

void Piix3Usb::run_schedule() {
    if (!bus_master() || (r_.command & (uhci::kGlobalSuspend | uhci::kGlobalReset)) != 0) return;
    const auto fetch = [this](u32 address, std::span<u8> to) { memory_.copy_out({address}, to); };
    Frame frame;
    std::array<u8, 8> bytes{};
    fetch(r_.list + (r_.frame & 0x3FFu) * 4, std::span(bytes).first(4));
    u32 link = word_at(bytes, 0);
    while ((link & kTerminate) == 0) {
        if (frame.in_circle(link) || !frame.spend(kFetch)) return;
        if ((link & kQueueHead) == 0) {
            const Outcome outcome = execute(address_of(link), false, frame);
            if (outcome == Outcome::no_time || outcome == Outcome::halted) return;
            fetch(address_of(link), std::span(bytes).first(4));
            link = word_at(bytes, 0);
            continue;
        }
        const u32 queue = address_of(link);
        fetch(queue, bytes);
        const u32 next = word_at(bytes, 0);
        u32 element = word_at(bytes, 4);
        link = next;
        if ((element & kTerminate) != 0) continue;
        if ((element & kQueueHead) != 0) {
            link = element;
            continue;
        }
        // Depth first, as long as the descriptors say so and each is done.
        for (bool deeper = true; deeper;) {
            if (!frame.spend(kFetch)) return;
            const Outcome outcome = execute(address_of(element), true, frame);
            if (outcome == Outcome::no_time || outcome == Outcome::halted) return;
            if (outcome != Outcome::completed) break;
            fetch(address_of(element), std::span(bytes).first(4));
            element = word_at(bytes, 0);
            store(memory_, queue + 4, element);
            deeper = (element & (kDepthFirst | kTerminate | kQueueHead)) == kDepthFirst;
        }
    }
}

/// The transaction of a descriptor that is active. A queue moves on if it is `completed`.
Piix3Usb::Outcome Piix3Usb::execute(u32 address, bool queued, Frame& frame) {
    std::array<u8, 16> bytes{};
    memory_.copy_out({address}, bytes);
    Transfer transfer{word_at(bytes, 0), word_at(bytes, 4), word_at(bytes, 8), word_at(bytes, 12)};
    if ((transfer.status & kActive) == 0) return Outcome::remains;
    if (!transfer.legal()) return process_error();
    const unsigned cost = kOverhead + transfer.length();
    if (!frame.spend((transfer.status & kLowSpeed) != 0 ? cost * kLowSpeedFactor : cost)) return Outcome::no_time;
    frame.transacted();
    const Outcome outcome = transact(transfer, queued, find(transfer));
    store(memory_, address + 4, transfer.status);
    return outcome;
}

/// An illegal descriptor: the controller stops.
Piix3Usb::Outcome Piix3Usb::process_error() {
    log::warning("piix3_usb: a transfer descriptor that is none; the controller halts");
    r_.status |= uhci::kProcessError;
    r_.command = static_cast<u16>(r_.command & ~uhci::kRun);
    stop();
    return Outcome::halted;
}

/// Who answers: a device at that address behind a port that passes traffic. All are full-speed devices.
UsbDevice* Piix3Usb::find(const Transfer& transfer) const {
    if ((transfer.status & (kLowSpeed | kIsochronous)) != 0) return nullptr;
    for (unsigned i = 0; i < kPorts; ++i) {
        UsbDevice* device = devices_.at(i);
        const bool passes =
            (r_.ports.at(i) & (uhci::kEnabled | uhci::kSuspended | uhci::kResume | uhci::kPortReset)) == uhci::kEnabled;
        if (device != nullptr && passes && device->address() == transfer.address()) return device;
    }
    return nullptr;
}

Piix3Usb::Outcome Piix3Usb::transact(Transfer& transfer, bool queued, UsbDevice* device) {
    transfer.status &= ~kResultBits;
    if (device == nullptr) return finish(transfer, UsbDevice::Handshake::timeout);
    if (transfer.pid() == kIn) return receive(transfer, queued, *device);
    std::array<u8, kLongest> data{};
    const std::span<u8> packet = std::span(data).first(transfer.length());
    memory_.copy_out({transfer.buffer}, packet);
    const UsbDevice::Handshake handshake = transfer.pid() == kSetup
                                               ? device->setup(transfer.endpoint(), packet)
                                               : device->out(transfer.endpoint(), transfer.toggle(), packet);
    if (handshake == UsbDevice::Handshake::ack)
        transfer.status = replace_bits<u32>(transfer.status, transfer.length() - 1, kActualLength);
    return finish(transfer, handshake);
}

Piix3Usb::Outcome Piix3Usb::receive(Transfer& transfer, bool queued, UsbDevice& device) {
    const UsbDevice::Answer answer = device.in(transfer.endpoint());
    if (answer.handshake != UsbDevice::Handshake::ack) return finish(transfer, answer.handshake);
    if (answer.data.size() > transfer.length()) {
        transfer.status |= kBabble;
        return finish(transfer, UsbDevice::Handshake::stall);
    }
    const auto length = static_cast<u32>(answer.data.size());
    const bool expected = answer.toggle == transfer.toggle();
    if (expected) memory_.copy_in({transfer.buffer}, answer.data);
    device.acknowledge(transfer.endpoint());
    // The device repeats what the host has already: it is taken and forgotten (USB 2.0, 8.6.4).
    if (!expected) return Outcome::remains;
    transfer.status = replace_bits<u32>(transfer.status, length - 1, kActualLength);
    const Outcome outcome = finish(transfer, UsbDevice::Handshake::ack);
    if (length == transfer.length() || (transfer.status & kShortPacketDetect) == 0 || !queued) return outcome;
    r_.short_packet = true;
    return Outcome::short_packet;
}

/// Status, and what the frame reports at its end.
Piix3Usb::Outcome Piix3Usb::finish(Transfer& transfer, UsbDevice::Handshake handshake) {
    const auto retire = [&] {
        transfer.status &= ~kActive;
        if ((transfer.status & kOnComplete) != 0) r_.completed = true;
    };
    switch (handshake) {
        case UsbDevice::Handshake::ack:
            retire();
            return Outcome::completed;
        case UsbDevice::Handshake::nak:
            transfer.status |= kNak;
            return Outcome::remains;
        case UsbDevice::Handshake::stall:
            transfer.status |= kStalled;
            break;
        case UsbDevice::Handshake::timeout:
            transfer.status |= kTimeout;
            if ((transfer.status & kIsochronous) != 0) {  // never repeated
                retire();
                return Outcome::completed;
            }
            if ((transfer.status & kErrorsLeft) == 0) return Outcome::remains;  // without limit
            transfer.status -= kErrorUnit;
            if ((transfer.status & kErrorsLeft) != 0) return Outcome::remains;
            transfer.status |= kStalled;
            break;
    }
    retire();
    r_.failed = true;
    return Outcome::remains;
}

}  // namespace bantam::devices
