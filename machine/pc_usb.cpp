// The board's USB: host controller and devices, and which of keyboards and pointing devices a person has under the
// hands: the one that the guest listens to.
#include "machine/pc.h"

namespace bantam {
namespace {
constexpr unsigned kPciDevice = 1, kFunction = 2, kPin = 4;  // of the PIIX3
constexpr u32 kRegisterBase = 0xCC00;                        // where no firmware places it
constexpr unsigned kTabletPort = 0, kKeyboardPort = 1;
using devices::UsbDevice;
}  // namespace

void Pc::add_usb(const Options& options) {
    usb_ = std::make_unique<devices::Piix3Usb>(
        scheduler_, memory_,
        devices::Piix3Usb::Pins{
            .interrupt = [this](bool level) { isa_bridge_.set_pci_interrupt(kPciDevice, kPin, level); },
            .smi = [this] { cpu_.pulse_smi(); }});
    pci_.attach(kPciDevice, kFunction, *usb_);
    usb_->set_mapping_listener([this] {
        if (ready_) map_usb();
    });
    devices_.push_back(usb_.get());
    const auto plug = [this](unsigned port, UsbDevice& device) {
        usb_->connect(port, &device);
        devices_.push_back(&device);
    };
    const auto pins = [this](unsigned port) { return UsbDevice::Pins{.resume = [this, port] { usb_->resume(port); }}; };
    if (options.usb_tablet) {
        usb_tablet_ = std::make_unique<devices::UsbTablet>(scheduler_, pins(kTabletPort));
        plug(kTabletPort, *usb_tablet_);
    }
    if (options.usb_keyboard) {
        usb_keyboard_ = std::make_unique<devices::UsbKeyboard>(scheduler_, pins(kKeyboardPort));
        plug(kKeyboardPort, *usb_keyboard_);
    }
}

void Pc::map_usb() { place("piix3_usb", usb_->window(devices::Piix3Usb::kRegisterBar), usb_->registers()); }

/// What firmware would do.
void Pc::set_up_usb() {
    usb_->write_config(0x20, 4, kRegisterBase);
    usb_->write_config(0x3C, 1, boot::kPirqRoutes.at(devices::Piix3::pirq_of(kPciDevice, kPin)));
    usb_->write_config(0x04, 2, 5);  // I/O and bus master
}

/// The guest's driver asks the device for reports, and the way to it is open.
bool Pc::usb_listens(const UsbDevice* device, unsigned port) const {
    return device != nullptr && device->polled() && usb_->port_enabled(port);
}

void Pc::set_key(devices::KeyCode key, bool pressed) {
    const bool usb = usb_listens(usb_keyboard_.get(), kKeyboardPort) && devices::UsbKeyboard::has_key(key);
    if (!pressed || !usb) keyboard_.key(key, pressed);  // a key goes up on both: it may have been pressed on either
    if (usb_keyboard_ && (!pressed || usb)) usb_keyboard_->key(key, pressed);
}

unsigned Pc::keyboard_leds() const {
    return usb_listens(usb_keyboard_.get(), kKeyboardPort) ? usb_keyboard_->leds() : keyboard_.leds();
}

/// The keyboard controller holds no byte for the guest nor for a device.
bool Pc::cables_idle() const {
    constexpr u16 kStatusPort = 0x64;
    constexpr u32 kOutputFull = 0x01, kInputFull = 0x02;
    return (io_.peek(kStatusPort, 1) & (kOutputFull | kInputFull)) == 0;
}

bool Pc::keyboard_read() const {
    return cables_idle() && !keyboard_.has_output() &&
           (!usb_listens(usb_keyboard_.get(), kKeyboardPort) || usb_keyboard_->read_all());
}

bool Pc::tablet_heard() const { return usb_listens(usb_tablet_.get(), kTabletPort); }

bool Pc::points_absolutely() const { return tablet_heard() || vmmouse_.absolute(); }

void Pc::point(u16 x, u16 y, u8 buttons, int wheel) {
    if (tablet_heard()) {
        usb_tablet_->point(x, y, buttons, wheel);
    } else {
        vmmouse_.point(x, y, buttons, wheel);
    }
}

bool Pc::pointing_read() const {
    return cables_idle() && !mouse_.has_news() && (!vmmouse_.absolute() || vmmouse_.read_all()) &&
           (!tablet_heard() || usb_tablet_->read_all());
}

}  // namespace bantam
