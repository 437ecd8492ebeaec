// See i8042.h.
#include "devices/i8042.h"

#include <fmt/format.h>

#include "base/bits.h"

namespace bantam::devices {
namespace {
// Status register
constexpr u8 kObf = 0x01, kIbf = 0x02, kSys = 0x04, kCommandWritten = 0x08, kNotInhibited = 0x10, kMouseObf = 0x20;
constexpr u8 kTimeout = 0x40;
// Command byte
constexpr u8 kKeyboardInterrupt = 0x01, kMouseInterrupt = 0x02, kSystemFlag = 0x04, kKeyboardOff = 0x10,
             kMouseOff = 0x20, kTranslate = 0x40;
// Output port
constexpr u8 kResetHigh = 0x01, kA20Open = 0x02, kOutputKeyboardInterrupt = 0x10, kOutputMouseInterrupt = 0x20;

constexpr u8 kToKeyboard = 1, kToMouse = 2;

/// Set 2 to set 1, IBM's reference, "Scan code translation". Codes above 84h pass unchanged.
constexpr std::array<u8, 0x85> kTranslation{
    0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29, 0x59, 0x65, 0x38, 0x2A,
    0x70, 0x1D, 0x10, 0x02, 0x5A, 0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11, 0x03, 0x5B, 0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05,
    0x04, 0x5C, 0x68, 0x39, 0x2F, 0x21, 0x14, 0x13, 0x06, 0x5D, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E, 0x6A,
    0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5F, 0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60, 0x6C, 0x34, 0x35, 0x26,
    0x27, 0x19, 0x0C, 0x61, 0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E, 0x3A, 0x36, 0x1C, 0x1B, 0x75, 0x2B, 0x63,
    0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B, 0x7C, 0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F, 0x52, 0x53,
    0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45, 0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54, 0x80, 0x81, 0x82, 0x41, 0x54};
}  // namespace

I8042::I8042(Scheduler& scheduler, Pins pins, Ps2Device* keyboard, Ps2Device* mouse)
    : scheduler_(scheduler),
      pins_(std::move(pins)),
      keyboard_(keyboard),
      mouse_(mouse),
      poll_timer_(scheduler, "i8042.poll", [this] { poll(); }),
      transfer_timer_(scheduler, "i8042.transfer", [this] { transfer_done(); }) {
    if (keyboard_ != nullptr) keyboard_->set_output_listener([this] { poll(); });
    if (mouse_ != nullptr) mouse_->set_output_listener([this] { poll(); });
}

void I8042::reset() {
    const Registers before = r_;
    r_ = {};
    poll_timer_.disarm();
    transfer_timer_.disarm();
    if (before.keyboard_irq && pins_.keyboard_interrupt) pins_.keyboard_interrupt(false);
    if (before.mouse_irq && pins_.mouse_interrupt) pins_.mouse_interrupt(false);
    if (!before.a20 && pins_.a20) pins_.a20(true);
}

void I8042::describe(Archive& archive) {
    archive.field("output", r_.output);
    archive.field("status", r_.status);
    archive.field("command_byte", r_.command_byte);
    archive.field("output_port", r_.output_port);
    archive.field("pending_command", r_.pending_command);
    archive.field("transfer", r_.transfer);
    archive.field("transfer_byte", r_.transfer_byte);
    archive.field("reply_count", r_.reply_count);
    archive.field("reply", r_.reply);
    archive.field("reply_aux", r_.reply_aux);
    archive.field("break_prefix", r_.break_prefix);
    archive.field("keyboard_next_ns", r_.keyboard_next_ns);
    archive.field("mouse_next_ns", r_.mouse_next_ns);
    archive.field("keyboard_irq", r_.keyboard_irq);
    archive.field("mouse_irq", r_.mouse_irq);
    archive.field("a20", r_.a20);
    archive.bytes("ram", r_.ram.data(), r_.ram.size());
}

std::string I8042::info() const {
    return fmt::format("i8042: status {:02x}, command byte {:02x}, output port {:02x}, output {:02x}\n", status(),
                       r_.command_byte, r_.output_port, r_.output);
}

RegisterSpace I8042::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

u8 I8042::status() const { return static_cast<u8>(r_.status | (r_.transfer != 0 ? kIbf : 0)); }

u8 I8042::input_port() const {
    // Keyboard not locked, colour display, no manufacturing jumper, 512 KiB on the board; clock lines idle high.
    return 0xB0;
}

u8 I8042::peek(u64 offset) const { return (offset & 1) != 0 ? status() : r_.output; }

u8 I8042::read(u64 offset) {
    if ((offset & 1) != 0) return status();
    const u8 value = r_.output;
    if ((r_.status & kObf) != 0) {
        r_.status &= static_cast<u8>(~(kObf | kMouseObf | kTimeout));
        update_lines();
        poll();
    }
    return value;
}

void I8042::write(u64 offset, u8 value) {
    if ((offset & 1) != 0) {
        r_.status |= kCommandWritten;
        r_.pending_command = 0;
        command(value);
        return;
    }
    r_.status &= static_cast<u8>(~kCommandWritten);
    if (r_.pending_command != 0) {
        const u8 pending = r_.pending_command;
        r_.pending_command = 0;
        command_data(pending, value);
        return;
    }
    // Data for the keyboard; its clock is enabled by the act. A byte still on its way is overrun.
    write_command_byte(r_.command_byte & static_cast<u8>(~kKeyboardOff));
    r_.transfer = kToKeyboard;
    r_.transfer_byte = value;
    transfer_timer_.arm(scheduler_.now() + kByteNs);
}

void I8042::command(u8 value) {
    if (value >= 0x20 && value <= 0x3F) {
        reply(value == 0x20 ? r_.command_byte : r_.ram[value & 0x1F], false);
    } else if (value >= 0x60 && value <= 0x7F) {
        r_.pending_command = value;
    } else if (value >= 0xF0) {
        // Pulses the output port's low bits that are 0; only bit 0, reset, is wired to something that minds.
        if (!bit(value, 0) && pins_.reset) pins_.reset();
    } else {
        switch (value) {
            case 0xA4:
                reply(0xF1, false);
                break;  // no password installed
            case 0xA7:
                write_command_byte(r_.command_byte | kMouseOff);
                break;
            case 0xA8:
                write_command_byte(r_.command_byte & static_cast<u8>(~kMouseOff));
                break;
            case 0xA9:
                reply(mouse_ != nullptr ? 0x00 : 0x02, false);
                break;
            case 0xAA:
                // The self-test resets the controller's own state: both ports off, system flag set when it passed.
                r_.status &= static_cast<u8>(~(kObf | kMouseObf | kTimeout));
                r_.reply_count = 0;
                write_command_byte(kTranslate | kKeyboardOff | kMouseOff | kSystemFlag);
                reply(0x55, false);
                break;
            case 0xAB:
                reply(keyboard_ != nullptr ? 0x00 : 0x02, false);
                break;
            case 0xAD:
                write_command_byte(r_.command_byte | kKeyboardOff);
                break;
            case 0xAE:
                write_command_byte(r_.command_byte & static_cast<u8>(~kKeyboardOff));
                break;
            case 0xC0:
                reply(input_port(), false);
                break;
            case 0xC1:  // poll input port low: bits 3-0 to status 7-4 until the next byte
                r_.status = static_cast<u8>((r_.status & 0x0F) | (input_port() & 0x0F) << 4 | kNotInhibited);
                break;
            case 0xC2:
                r_.status = static_cast<u8>((r_.status & 0x0F) | (input_port() & 0xF0));
                break;
            case 0xD0:
                reply(r_.output_port, false);
                break;
            case 0xD1:
            case 0xD2:
            case 0xD3:
            case 0xD4:
                r_.pending_command = value;
                break;
            case 0xDD:
                write_output_port(r_.output_port & static_cast<u8>(~kA20Open));
                break;
            case 0xDF:
                write_output_port(r_.output_port | kA20Open);
                break;
            case 0xE0:
                reply(static_cast<u8>((r_.command_byte & kKeyboardOff) == 0 ? 1 : 0), false);
                break;  // test inputs
            default:
                break;  // not a command of this controller
        }
    }
}

void I8042::command_data(u8 command, u8 value) {
    switch (command) {
        case 0xD1:
            write_output_port(value);
            break;
        case 0xD2:
            reply(value, false);
            break;
        case 0xD3:
            reply(value, true);
            break;
        case 0xD4:
            write_command_byte(r_.command_byte & static_cast<u8>(~kMouseOff));
            r_.transfer = kToMouse;
            r_.transfer_byte = value;
            transfer_timer_.arm(scheduler_.now() + kByteNs);
            break;
        default:  // 60h-7Fh
            r_.ram[command & 0x1F] = value;
            if (command == 0x60) write_command_byte(value);
            break;
    }
}

/// The controller's own answer; it waits while the CPU has not taken the last byte.
void I8042::reply(u8 value, bool aux) {
    if ((r_.status & kObf) == 0) {
        set_output(value, aux);
        return;
    }
    r_.reply = value;
    r_.reply_aux = aux;
    r_.reply_count = 1;
}

void I8042::set_output(u8 value, bool aux) {
    r_.output = value;
    r_.status =
        static_cast<u8>((r_.status & ~unsigned{kMouseObf | 0xC0}) | kObf | kNotInhibited | (aux ? kMouseObf : 0));
    update_lines();
}

void I8042::write_command_byte(u8 value) {
    r_.command_byte = value;
    r_.ram[0] = value;
    if (bit(value, 2)) {
        r_.status |= kSys;
    } else {
        r_.status &= static_cast<u8>(~kSys);
    }
    update_lines();
    poll();
}

void I8042::write_output_port(u8 value) {
    const bool reset_falls = bit(r_.output_port, 0) && !bit(value, 0);
    r_.output_port = static_cast<u8>((value & 0xCF) | (r_.output_port & 0x30) | kResetHigh);
    update_lines();
    if (reset_falls && pins_.reset) pins_.reset();
}

void I8042::update_lines() {
    const bool full = (r_.status & kObf) != 0;
    const bool aux = (r_.status & kMouseObf) != 0;
    const bool keyboard = full && !aux && (r_.command_byte & kKeyboardInterrupt) != 0;
    const bool mouse = full && aux && (r_.command_byte & kMouseInterrupt) != 0;
    const bool a20 = (r_.output_port & kA20Open) != 0;
    r_.output_port = static_cast<u8>((r_.output_port & 0xCF) | (keyboard ? kOutputKeyboardInterrupt : 0) |
                                     (mouse ? kOutputMouseInterrupt : 0));
    if (keyboard != r_.keyboard_irq) {
        r_.keyboard_irq = keyboard;
        if (pins_.keyboard_interrupt) pins_.keyboard_interrupt(keyboard);
    }
    if (mouse != r_.mouse_irq) {
        r_.mouse_irq = mouse;
        if (pins_.mouse_interrupt) pins_.mouse_interrupt(mouse);
    }
    if (a20 != r_.a20) {
        r_.a20 = a20;
        if (pins_.a20) pins_.a20(a20);
    }
}

/// The byte has left through the cable. With nobody there the controller answers FEh with the time-out bit.
void I8042::transfer_done() {
    const u8 target = r_.transfer;
    r_.transfer = 0;
    Ps2Device* device = target == kToMouse ? mouse_ : keyboard_;
    if (device != nullptr) {
        // The answer takes its own time on the cable.
        u64& next = target == kToMouse ? r_.mouse_next_ns : r_.keyboard_next_ns;
        next = scheduler_.now() + kByteNs;
        device->receive(r_.transfer_byte);
        poll();
    } else {
        reply(0xFE, target == kToMouse);
        r_.status |= kTimeout;
    }
}

/// Set 2 to set 1; nothing when the code was only the break prefix.
std::optional<u8> I8042::translated(u8 code) {
    if (code == 0xF0) {
        r_.break_prefix = true;
        return std::nullopt;
    }
    const u8 make = code < kTranslation.size() ? kTranslation[code] : code;
    const u8 result = static_cast<u8>(make | (r_.break_prefix ? 0x80 : 0));
    r_.break_prefix = false;
    return result;
}

/// Takes the next byte from whoever may send, if the output buffer is free: own answers, then keyboard, then mouse.
void I8042::poll() {
    if ((r_.status & kObf) != 0) return;
    if (r_.reply_count != 0) {
        r_.reply_count = 0;
        set_output(r_.reply, r_.reply_aux);
        return;
    }
    if (r_.transfer != 0) return;
    const u64 now = scheduler_.now();
    u64 again = Scheduler::kNever;
    while (keyboard_ != nullptr && (r_.command_byte & kKeyboardOff) == 0 && keyboard_->has_output()) {
        if (r_.keyboard_next_ns > now) {
            again = r_.keyboard_next_ns;
            break;
        }
        r_.keyboard_next_ns = now + kByteNs;
        std::optional<u8> byte = keyboard_->take_output();
        if (byte && (r_.command_byte & kTranslate) != 0) byte = translated(*byte);
        if (byte) {
            set_output(*byte, false);
            return;
        }
    }
    if (mouse_ != nullptr && (r_.command_byte & kMouseOff) == 0 && mouse_->has_output()) {
        if (r_.mouse_next_ns <= now) {
            r_.mouse_next_ns = now + kByteNs;
            if (const std::optional<u8> byte = mouse_->take_output()) set_output(*byte, true);
            return;
        }
        again = std::min(again, r_.mouse_next_ns);
    }
    if (again != Scheduler::kNever) poll_timer_.arm(again);
}

}  // namespace bantam::devices
