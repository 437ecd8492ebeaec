// See piix3_usb.h: configuration space, registers, ports and frames. The schedule is in piix3_usb_schedule.cpp.
#include "devices/piix3_usb.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "base/log.h"
#include "devices/piix3_usb_bits.h"

namespace bantam::devices {
namespace {

using namespace uhci;

constexpr u64 kCommand = 0x00, kStatus = 0x02, kInterruptEnable = 0x04, kFrame = 0x06, kList = 0x08, kListHigh = 0x0A,
              kFrameLength = 0x0C, kPort0 = 0x10, kPort1 = 0x12;
constexpr u16 kFrameMask = 0x7FF, kCommandMask = 0xFF, kInterruptEnableMask = 0x0F;
constexpr u16 kClearedByOne = kInterrupt | kErrorInterrupt | kResumeDetected | kSystemError | kProcessError;
constexpr u16 kPortClearedByOne = kConnectChange | kEnableChange;
constexpr u16 kPortKept = kConnectChange | kEnabled | kEnableChange | kResume | kPortReset | kSuspended;
constexpr unsigned kMostLate = 20;  // frames that a timer that is late makes up for

// Configuration space
constexpr u8 kReleaseNumber = 0x60, kLegacySupport = 0xC0;
constexpr u8 kTraps = 0x0F, kSmiEnable = 0x10;                   // bits 7-0 of LEGSUP
constexpr u8 kInterruptStatus = 0x10, kInterruptToPirqd = 0x20;  // and 15-8

}  // namespace

Piix3Usb::Piix3Usb(Scheduler& scheduler, PhysicalMemory& memory, Pins pins)
    : PciFunction("piix3_usb", {.vendor = 0x8086, .device = 0x7020, .class_code = 0x0C0300, .interrupt_pin = 4}),
      scheduler_(scheduler),
      memory_(memory),
      pins_(std::move(pins)),
      timer_(scheduler, "piix3_usb", [this] { frame_due(); }) {
    define(0x04, 0, 0x05);
    define(0x05, 0, 0);
    define(0x06, 0x80, 0);
    define(0x07, 0x02, 0);
    define_write_one_to_clear(0x07, 0x38);
    define(0x0D, 0, 0xF0);
    add_bar(kRegisterBar, Space::io, kRegisterBytes);
    define(kReleaseNumber, 0x10, 0);  // USB 1.0
    define(kLegacySupport, 0, 0xBF);
    define(kLegacySupport + 1, kInterruptToPirqd, kInterruptToPirqd);
    define_write_one_to_clear(kLegacySupport + 1, 0x8F);
}

void Piix3Usb::reset() {
    reset_controller();
    PciFunction::reset();
    update_interrupt();
}

void Piix3Usb::describe(Archive& archive) {
    archive.field("command", r_.command);
    archive.field("status", r_.status);
    archive.field("interrupt_enable", r_.interrupt_enable);
    archive.field("frame", r_.frame);
    archive.field("list", r_.list);
    archive.field("frame_length", r_.frame_length);
    archive.field("ports", r_.ports);
    archive.field("in_frame", r_.in_frame);
    archive.field("completed", r_.completed);
    archive.field("short_packet", r_.short_packet);
    archive.field("failed", r_.failed);
    archive.field("completion_cause", r_.completion_cause);
    archive.field("short_packet_cause", r_.short_packet_cause);
    archive.field("interrupt", r_.interrupt);
    archive.field("pin", r_.pin);
    if (archive.loading()) {
        r_.command &= kCommandMask;
        r_.status &= kClearedByOne;
        r_.frame &= kFrameMask;
        r_.list = static_cast<u32>(align_down(r_.list, 0x1000));
        r_.frame_length &= 0x7F;
        for (u16& port : r_.ports) port &= kPortKept;
    }
    PciFunction::describe(archive);
}

std::string Piix3Usb::info() const {
    std::string text = PciFunction::info();
    text += fmt::format("  command {:04x} status {:04x} interrupts {:04x} frame {:03x} list {:08x}\n", r_.command,
                        read(kStatus), r_.interrupt_enable, r_.frame, r_.list);
    for (unsigned i = 0; i < kPorts; ++i) {
        const UsbDevice* device = devices_.at(i);
        text += fmt::format("  port {}: {:04x} {}\n", i, port_status(i), device != nullptr ? device->name() : "empty");
    }
    return text;
}

// --- registers

RegisterSpace Piix3Usb::registers() {
    const auto get = [this](u64 offset, unsigned) { return u64{read(offset & ~u64{1})} >> (8 * (offset & 1)); };
    return {.read = get,
            .write =
                [this](u64 offset, unsigned size, u64 value) {
                    const unsigned shift = 8 * (offset & 1);
                    write(offset & ~u64{1}, static_cast<u16>(value << shift),
                          static_cast<u16>((size == 1 ? 0xFFu : 0xFFFFu) << shift));
                },
            .peek = get,
            .max_size = 2};
}

u16 Piix3Usb::read(u64 offset) const {
    switch (offset) {
        case kCommand:
            return r_.command;
        case kStatus:
            return static_cast<u16>(r_.status | ((r_.command & kRun) != 0 ? 0 : kHalted));
        case kInterruptEnable:
            return r_.interrupt_enable;
        case kFrame:
            return r_.frame;
        case kList:
            return static_cast<u16>(r_.list);
        case kListHigh:
            return static_cast<u16>(r_.list >> 16);
        case kFrameLength:
            return r_.frame_length;
        case kPort0:
            return port_status(0);
        case kPort1:
            return port_status(1);
        default:
            return 0;
    }
}

/// The bytes of `value` that `mask` covers.
void Piix3Usb::write(u64 offset, u16 value, u16 mask) {
    const auto merged = [value, mask](unsigned before) {
        return replace_bits<u16>(static_cast<u16>(before), value, mask);
    };
    const bool running = (r_.command & kRun) != 0;
    switch (offset) {
        case kCommand:
            write_command(merged(r_.command) & kCommandMask);
            break;
        case kStatus:
            r_.status = static_cast<u16>(r_.status & ~(value & mask & kClearedByOne));
            if ((value & mask & kInterrupt) != 0) r_.completion_cause = r_.short_packet_cause = false;
            break;
        case kInterruptEnable:
            r_.interrupt_enable = merged(r_.interrupt_enable) & kInterruptEnableMask;
            break;
        case kFrame:
            if (!running) r_.frame = merged(r_.frame) & kFrameMask;
            break;
        case kList:
            r_.list = (r_.list & 0xFFFF0000) | (merged(static_cast<u16>(r_.list)) & 0xF000u);
            break;
        case kListHigh:
            r_.list = (r_.list & 0xFFFF) | u32{merged(r_.list >> 16)} << 16;
            break;
        case kFrameLength:
            r_.frame_length = merged(r_.frame_length) & 0x7F;
            break;
        case kPort0:
        case kPort1: {
            const unsigned port = offset == kPort1;
            // Bits that ones clear are zero where the write has no byte.
            write_port(port, merged(r_.ports.at(port) & static_cast<u16>(~kPortClearedByOne)));
            break;
        }
        default:
            break;
    }
    update_interrupt();
}

void Piix3Usb::write_command(u16 value) {
    if ((value & kHostReset) != 0) {
        reset_controller();
        return;
    }
    if ((value & kGlobalReset) != 0 && (r_.command & kGlobalReset) == 0) {
        reset_controller();
        for (UsbDevice* device : devices_) {
            if (device != nullptr) device->bus_reset();
        }
    }
    if ((value & kSoftwareDebug & ~r_.command) != 0)
        log::warning("piix3_usb: the guest asks for single steps (SWDBG); the schedule runs on without");
    const bool ran = (r_.command & kRun) != 0;
    r_.command = value;
    const bool runs = (value & kRun) != 0;
    if (runs && !ran) run();
    if (!runs && ran) stop();
}

/// HCRESET: all registers, and the ports find their devices anew.
void Piix3Usb::reset_controller() {
    timer_.disarm();
    r_ = {.interrupt = r_.interrupt, .pin = r_.pin};
    for (unsigned i = 0; i < kPorts; ++i) r_.ports.at(i) = devices_.at(i) != nullptr ? kConnectChange : u16{0};
}

/// LEGSUP: the interrupt goes to PIRQD, or to SMI#, or to both.
void Piix3Usb::update_interrupt() {
    const auto enabled = [this](u16 bits) { return (r_.interrupt_enable & bits) != 0; };
    const bool level =
        (r_.completion_cause && enabled(kOnCompletion)) || (r_.short_packet_cause && enabled(kOnShortPacket)) ||
        ((r_.status & kErrorInterrupt) != 0 && enabled(kOnError)) ||
        ((r_.status & kResumeDetected) != 0 && enabled(kOnResume)) || (r_.status & (kSystemError | kProcessError)) != 0;
    const bool rose = level && !r_.interrupt;
    r_.interrupt = level;
    const u8 routing = config(kLegacySupport + 1);
    set_config(kLegacySupport + 1, replace_bits<u8>(routing, level ? kInterruptStatus : u8{0}, kInterruptStatus));
    if (rose && (config(kLegacySupport) & kSmiEnable) != 0 && pins_.smi) pins_.smi();
    const bool pin = level && (routing & kInterruptToPirqd) != 0;
    if (pin == r_.pin) return;
    r_.pin = pin;
    if (pins_.interrupt) pins_.interrupt(pin);
}

void Piix3Usb::config_changed(unsigned offset, unsigned size) {
    if (offset > kLegacySupport + 1u || offset + size <= kLegacySupport) return;
    if (size <= 4 && (config(kLegacySupport) & kTraps) != 0)
        log::warning("piix3_usb: the guest asks for SMIs on accesses to ports 60h and 64h; there are none");
    update_interrupt();
}

// --- ports

u16 Piix3Usb::port_status(unsigned port) const {
    const u16 kept = r_.ports.at(port);
    u16 lines = 0;  // SE0
    if (devices_.at(port) != nullptr) {
        lines = kConnected;
        if ((kept & kPortReset) == 0) lines |= (kept & kResume) != 0 ? kDMinus : kDPlus;
    }
    return static_cast<u16>(kept | lines | kAlwaysOne);
}

void Piix3Usb::write_port(unsigned port, u16 value) {
    u16& kept = r_.ports.at(port);
    UsbDevice* device = devices_.at(port);
    const bool reset_begins = (value & kPortReset & ~kept) != 0;
    constexpr u16 kWritable = kEnabled | kResume | kPortReset | kSuspended;
    kept = static_cast<u16>((kept & kPortClearedByOne & ~value) | (value & kWritable));
    if (device == nullptr || (kept & kPortReset) != 0) kept = static_cast<u16>(kept & ~kEnabled);
    if (reset_begins && device != nullptr) device->bus_reset();
}

void Piix3Usb::connect(unsigned port, UsbDevice* device) {
    UsbDevice*& place = devices_.at(port);
    if (place == device) return;
    place = device;
    u16& kept = r_.ports.at(port);
    if ((kept & kEnabled) != 0) kept |= kEnableChange;
    kept = static_cast<u16>((kept & ~kEnabled) | kConnectChange);
    global_resume();
}

bool Piix3Usb::port_enabled(unsigned port) const { return (r_.ports.at(port) & kEnabled) != 0; }

void Piix3Usb::resume(unsigned port) {
    u16& kept = r_.ports.at(port);
    if ((kept & (kSuspended | kEnabled)) == (kSuspended | kEnabled)) kept |= kResume;
    global_resume();
}

/// While the whole bus is suspended a resume, a device that comes or one that goes wakes it.
void Piix3Usb::global_resume() {
    if ((r_.command & kGlobalSuspend) == 0) return;
    r_.command |= kForceResume;
    r_.status |= kResumeDetected;
    update_interrupt();
}

// --- frames

/// SOFMOD: 11936 bit times and as many more as it says, at 12 MHz.
u64 Piix3Usb::frame_ns() const { return (u64{11936} + r_.frame_length) * 1000 / 12; }

void Piix3Usb::run() { timer_.arm(scheduler_.now() + frame_ns()); }

void Piix3Usb::stop() {
    timer_.disarm();
    end_frame();
}

void Piix3Usb::frame_due() {
    u64 due = timer_.deadline_ns();
    const u64 missed = (scheduler_.now() - due) / frame_ns();
    if (missed > kMostLate) {
        r_.frame = static_cast<u16>((r_.frame + missed) & kFrameMask);
        due += missed * frame_ns();
    }
    end_frame();
    timer_.arm(due + frame_ns());
    r_.in_frame = true;
    run_schedule();
    update_interrupt();
}

/// What the frame's transactions have to report is seen now.
void Piix3Usb::end_frame() {
    if (!r_.in_frame) return;
    r_.in_frame = false;
    r_.frame = (r_.frame + 1) & kFrameMask;
    if (r_.completed || r_.short_packet) r_.status |= kInterrupt;
    if (r_.failed) r_.status |= kErrorInterrupt;
    r_.completion_cause = r_.completion_cause || r_.completed;
    r_.short_packet_cause = r_.short_packet_cause || r_.short_packet;
    r_.completed = r_.short_packet = r_.failed = false;
}

}  // namespace bantam::devices
