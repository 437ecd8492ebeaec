// See uart16550.h. Transmission is computed from elapsed time: the timer fires only when the guest could notice (FIFO
// empty, shift register empty), not once a character.
#include "devices/uart16550.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bantam::devices {
namespace {
constexpr u64 kClockHz = 1'843'200;

// Interrupt enable register
constexpr u8 kIerReceived = 0x01;
constexpr u8 kIerTransmit = 0x02;
constexpr u8 kIerLineStatus = 0x04;
constexpr u8 kIerModemStatus = 0x08;
// Line control register
constexpr u8 kLcrBreak = 0x40;
constexpr u8 kLcrDivisorLatch = 0x80;
// Modem control register
constexpr u8 kMcrDtr = 0x01;
constexpr u8 kMcrRts = 0x02;
constexpr u8 kMcrOut1 = 0x04;
constexpr u8 kMcrOut2 = 0x08;
// Line status register
constexpr u8 kLsrDataReady = 0x01;
constexpr u8 kLsrOverrun = 0x02;
constexpr u8 kLsrFraming = 0x08;
constexpr u8 kLsrBreak = 0x10;
constexpr u8 kLsrTransmitHoldingEmpty = 0x20;
constexpr u8 kLsrTransmitterEmpty = 0x40;
constexpr u8 kLsrFifoError = 0x80;
// Modem status register
constexpr u8 kMsrTrailingRing = 0x04;
constexpr u8 kMsrCts = 0x10;
constexpr u8 kMsrDsr = 0x20;
constexpr u8 kMsrRi = 0x40;
constexpr u8 kMsrDcd = 0x80;
// Interrupt identification register
constexpr u8 kIirNone = 0x01;
constexpr u8 kIirLineStatus = 0x06;
constexpr u8 kIirReceived = 0x04;
constexpr u8 kIirTimeout = 0x0C;
constexpr u8 kIirTransmit = 0x02;
constexpr u8 kIirModemStatus = 0x00;

// A guest listens with DTR or RTS up, or, as OVMF does, when it reads LSR so often while there is nothing to send and
// nothing came: who waits to send, or looks what chip this is, stops before.
constexpr u8 kListeningPolls = 4;
}  // namespace

Uart16550::Uart16550(std::string name, Scheduler& scheduler, Pins pins, CharacterPort* port, Options options)
    : name_(std::move(name)),
      scheduler_(scheduler),
      pins_(std::move(pins)),
      port_(port),
      options_(options),
      transmit_timer_(scheduler, name_ + ".transmit",
                      [this] {
                          transmit_until(scheduler_.now());
                          schedule_transmit();
                          update_interrupt();
                      }),
      receive_timer_(scheduler, name_ + ".receive", [this] { take_from_port(); }),
      timeout_timer_(scheduler, name_ + ".timeout", [this] {
          r_.timeout_pending = !receive_.empty();
          update_interrupt();
      }) {
    set_modem_inputs();
    r_.modem_status &= 0xF0;
}

void Uart16550::reset() {
    const bool was_asserted = r_.interrupt_level;
    r_ = {};
    transmit_.clear();
    receive_.clear();
    transmit_timer_.disarm();
    receive_timer_.disarm();
    timeout_timer_.disarm();
    set_modem_inputs();
    r_.modem_status &= 0xF0;
    if (was_asserted && pins_.interrupt) pins_.interrupt(false);
}

void Uart16550::describe(Archive& archive) {
    archive.field("interrupt_enable", r_.interrupt_enable);
    archive.field("fifo_control", r_.fifo_control);
    archive.field("line_control", r_.line_control);
    archive.field("modem_control", r_.modem_control);
    archive.field("line_errors", r_.line_errors);
    archive.field("modem_status", r_.modem_status);
    archive.field("scratch", r_.scratch);
    archive.field("divisor", r_.divisor);
    archive.field("receiver_buffer", r_.receiver_buffer);
    archive.field("shift_register", r_.shift_register);
    archive.field("shifting", r_.shifting);
    archive.field("transmit_pending", r_.transmit_pending);
    archive.field("timeout_pending", r_.timeout_pending);
    archive.field("interrupt_level", r_.interrupt_level);
    archive.field("idle_polls", r_.idle_polls);
    archive.field("shift_end_ns", r_.shift_end_ns);
    archive.field("receive_next_ns", r_.receive_next_ns);
    archive.field("break_marks", r_.break_marks);
    archive.field("transmit", transmit_);
    archive.field("receive", receive_);
}

std::string Uart16550::info() const {
    const u32 divisor = r_.divisor == 0 ? 65536 : r_.divisor;
    return fmt::format(
        "{}: {} baud, LCR {:02x} MCR {:02x} IER {:02x} IIR {:02x} LSR {:02x} MSR {:02x}, FIFO {} (transmit {}, receive "
        "{})\n",
        name_, kClockHz / 16 / divisor, r_.line_control, r_.modem_control, r_.interrupt_enable, peek(2), line_status(),
        r_.modem_status, fifos_enabled() ? "on" : "off", transmit_.size(), receive_.size());
}

RegisterSpace Uart16550::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

/// Start bit, 5 to 8 data bits, parity, 1, 1.5 (five data bits) or 2 stop bits, 16 divided clocks each.
u64 Uart16550::character_ns() const {
    const u64 data_bits = 5 + (r_.line_control & 3u);
    u64 half_bits = 2 + 2 * data_bits + 2;
    if ((r_.line_control & 8) != 0) half_bits += 2;
    if ((r_.line_control & 4) != 0) half_bits += data_bits == 5 ? 1 : 2;
    // UNKNOWN: the datasheet does not say what divisor 0 does; the down counter then has 65536 steps.
    const u64 divisor = r_.divisor == 0 ? 65536 : r_.divisor;
    const u64 nominal = ns_from_ticks(half_bits * divisor * 8, kClockHz);
    return std::max<u64>(1, nominal / std::max<u32>(1, options_.line_speed_factor));
}

u8 Uart16550::interrupt_identification() const {
    const u8 enabled = r_.interrupt_enable;
    if ((enabled & kIerLineStatus) != 0 && r_.line_errors != 0) return kIirLineStatus;
    if ((enabled & kIerReceived) != 0 && receive_.size() >= trigger_level()) return kIirReceived;
    if ((enabled & kIerReceived) != 0 && r_.timeout_pending) return kIirTimeout;
    if ((enabled & kIerTransmit) != 0 && r_.transmit_pending) return kIirTransmit;
    if ((enabled & kIerModemStatus) != 0 && (r_.modem_status & 0x0F) != 0) return kIirModemStatus;
    return kIirNone;
}

u8 Uart16550::line_status() const {
    u8 status = r_.line_errors;
    if (!receive_.empty()) status |= kLsrDataReady;
    if (transmit_.empty()) {
        status |= kLsrTransmitHoldingEmpty;
        if (!r_.shifting) status |= kLsrTransmitterEmpty;
    }
    if (fifos_enabled() && r_.break_marks != 0) status |= kLsrFifoError;
    return status;
}

unsigned Uart16550::trigger_level() const {
    constexpr std::array<u8, 4> kLevels{1, 4, 8, 14};
    return fifos_enabled() ? kLevels[r_.fifo_control >> 6] : 1;
}

unsigned Uart16550::receive_room() const { return fifos_enabled() ? receive_.room() : (receive_.empty() ? 1 : 0); }

u8 Uart16550::peek(u64 offset) const {
    const bool divisor_latch = (r_.line_control & kLcrDivisorLatch) != 0;
    switch (offset & 7) {
        case 0:
            return divisor_latch      ? static_cast<u8>(r_.divisor)
                   : receive_.empty() ? r_.receiver_buffer
                                      : receive_.front();
        case 1:
            return divisor_latch ? static_cast<u8>(r_.divisor >> 8) : r_.interrupt_enable;
        case 2:
            return static_cast<u8>(interrupt_identification() | (fifos_enabled() ? 0xC0 : 0));
        case 3:
            return r_.line_control;
        case 4:
            return r_.modem_control;
        case 5:
            return line_status();
        case 6:
            return r_.modem_status;
        default:
            return r_.scratch;
    }
}

u8 Uart16550::read(u64 offset) {
    transmit_until(scheduler_.now());
    const u8 value = peek(offset);
    switch (offset & 7) {
        case 0:
            if ((r_.line_control & kLcrDivisorLatch) != 0 || receive_.empty()) break;
            r_.receiver_buffer = receive_.pop();
            r_.break_marks >>= 1;
            if ((r_.break_marks & 1) != 0) r_.line_errors |= kLsrBreak | kLsrFraming;
            r_.timeout_pending = false;
            restart_timeout();
            if (!receive_timer_.armed()) take_from_port();
            break;
        case 2:
            if ((value & 0x0F) == kIirTransmit) r_.transmit_pending = false;
            break;
        case 5:
            r_.line_errors = 0;
            count_poll(value);
            break;
        case 6:
            r_.modem_status &= 0xF0;
            break;
        default:
            return value;
    }
    update_interrupt();
    return value;
}

void Uart16550::write(u64 offset, u8 value) {
    const u64 now = scheduler_.now();
    transmit_until(now);
    const bool divisor_latch = (r_.line_control & kLcrDivisorLatch) != 0;
    switch (offset & 7) {
        case 0:
            if (divisor_latch) {
                r_.divisor = static_cast<u16>((r_.divisor & 0xFF00) | value);
                break;
            }
            if (!listening()) r_.idle_polls = 0;
            if (!fifos_enabled()) transmit_.clear();
            transmit_.push(value);  // to a full FIFO the character is lost, as on the chip
            r_.transmit_pending = false;
            if (!r_.shifting) load_shift_register(now);
            schedule_transmit();
            break;
        case 1:
            if (divisor_latch) {
                r_.divisor = static_cast<u16>((r_.divisor & 0x00FF) | (value << 8));
                break;
            }
            // Enabling the interrupt while the holding register is empty raises it.
            if ((value & kIerTransmit) != 0 && (r_.interrupt_enable & kIerTransmit) == 0 && transmit_.empty()) {
                r_.transmit_pending = true;
            }
            r_.interrupt_enable = value & 0x0F;
            break;
        case 2:
            write_fifo_control(value);
            break;
        case 3: {
            const bool break_begins = (value & kLcrBreak) != 0 && (r_.line_control & kLcrBreak) == 0;
            r_.line_control = value;
            if (break_begins && loopback()) accept(0, true);
            break;
        }
        case 4:
            write_modem_control(value);
            break;
        case 7:
            r_.scratch = value;
            break;
        default:
            break;  // LSR and MSR are read-only outside factory test
    }
    update_interrupt();
}

void Uart16550::write_fifo_control(u8 value) {
    r_.idle_polls = 0;
    const bool toggled = ((value ^ r_.fifo_control) & 1) != 0;
    if (toggled || (value & 2) != 0) {
        receive_.clear();
        r_.break_marks = 0;
        r_.timeout_pending = false;
        timeout_timer_.disarm();
    }
    if (toggled || (value & 4) != 0) {
        if (!transmit_.empty()) r_.transmit_pending = true;
        transmit_.clear();
        schedule_transmit();
    }
    // The other bits are programmed only together with FIFO enable.
    r_.fifo_control = (value & 1) != 0 ? static_cast<u8>(value & 0xC9) : u8{0};
    if (!receive_timer_.armed()) take_from_port();
}

void Uart16550::write_modem_control(u8 value) {
    r_.modem_control = value & 0x1F;
    set_modem_inputs();
    schedule_transmit();
    if (!receive_timer_.armed()) take_from_port();
}

/// Recomputes CTS, DSR, RI, DCD from the far end or the loop, and their deltas.
void Uart16550::set_modem_inputs() {
    u8 lines = 0;
    if (loopback()) {
        if ((r_.modem_control & kMcrRts) != 0) lines |= kMsrCts;
        if ((r_.modem_control & kMcrDtr) != 0) lines |= kMsrDsr;
        if ((r_.modem_control & kMcrOut1) != 0) lines |= kMsrRi;
        if ((r_.modem_control & kMcrOut2) != 0) lines |= kMsrDcd;
    } else if (port_ != nullptr && port_->connected()) {
        lines = kMsrCts | kMsrDsr | kMsrDcd;
    }
    const u8 changed = static_cast<u8>((lines ^ r_.modem_status) & 0xF0);
    u8 deltas = static_cast<u8>((changed >> 4) & ~unsigned{kMsrTrailingRing});
    if ((changed & kMsrRi) != 0 && (lines & kMsrRi) == 0) deltas |= kMsrTrailingRing;
    r_.modem_status = static_cast<u8>(lines | (r_.modem_status & 0x0F) | deltas);
}

void Uart16550::load_shift_register(u64 start_ns) {
    r_.shift_register = transmit_.pop();
    r_.shifting = true;
    r_.shift_end_ns = start_ns + character_ns();
    if (transmit_.empty()) r_.transmit_pending = true;
}

/// Brings the transmitter to `now`: characters whose stop bit has passed are handed over, the next ones move up.
void Uart16550::transmit_until(u64 now) {
    while (r_.shifting && r_.shift_end_ns <= now) {
        const u64 end = r_.shift_end_ns;
        r_.shifting = false;
        // While break is set the line is held low and the character never leaves.
        if ((r_.line_control & kLcrBreak) == 0) {
            if (loopback()) {
                accept(r_.shift_register, false);
            } else if (port_ != nullptr) {
                port_->put(r_.shift_register);
            }
        }
        if (!transmit_.empty()) load_shift_register(end);
    }
}

void Uart16550::send_rest() const {
    if (port_ == nullptr || loopback() || !r_.shifting || (r_.line_control & kLcrBreak) != 0) return;
    port_->put(r_.shift_register);
    for (unsigned i = 0; i < transmit_.size(); ++i) port_->put(transmit_.at(i));
}

void Uart16550::schedule_transmit() {
    if (!r_.shifting) {
        transmit_timer_.disarm();
    } else if (transmit_.empty() || loopback()) {
        transmit_timer_.arm(r_.shift_end_ns);
    } else {
        // A deadline that wrapped would lie in the past for ever: what no run reaches, a saved state can say.
        const u64 rest = (transmit_.size() - 1) * character_ns();
        transmit_timer_.arm(std::min(r_.shift_end_ns, Scheduler::kNever - rest) + rest);
    }
}

/// A character has arrived in the receiver's shift register.
void Uart16550::accept(u8 byte, bool break_condition) {
    if (receive_room() == 0) {
        r_.line_errors |= kLsrOverrun;
        if (fifos_enabled()) return;  // the FIFO keeps what it has
        receive_.clear();             // the buffer register is overwritten
        r_.break_marks = 0;
    }
    if (break_condition) {
        r_.break_marks |= u64{1} << receive_.size();
        if (receive_.empty()) r_.line_errors |= kLsrBreak | kLsrFraming;
    }
    receive_.push(byte);
    restart_timeout();
}

void Uart16550::restart_timeout() {
    if (fifos_enabled() && !receive_.empty()) {
        timeout_timer_.arm(scheduler_.now() + 4 * character_ns());
    } else {
        timeout_timer_.disarm();
    }
}

void Uart16550::receive_ready() {
    set_modem_inputs();
    if (!receive_timer_.armed()) take_from_port();
    update_interrupt();
}

bool Uart16550::listening() const {
    return (r_.modem_control & (kMcrDtr | kMcrRts)) != 0 || r_.idle_polls == kListeningPolls;
}

void Uart16550::count_poll(u8 line_status) {
    const bool idle = (line_status & (kLsrDataReady | kLsrTransmitterEmpty)) == kLsrTransmitterEmpty;
    if (!idle || r_.idle_polls == kListeningPolls) return;
    if (++r_.idle_polls == kListeningPolls && !receive_timer_.armed()) take_from_port();
}

/// One character from the far end, if the line is free and there is room. The far end keeps silent until the guest
/// listens, so what is typed before is not lost when its driver clears the FIFOs.
void Uart16550::take_from_port() {
    const bool open = port_ != nullptr && !loopback() && listening();
    if (!open || receive_room() == 0) return;
    const u64 now = scheduler_.now();
    if (now < r_.receive_next_ns) {
        receive_timer_.arm(r_.receive_next_ns);
        return;
    }
    const std::optional<u8> byte = port_->get();
    if (!byte) return;
    accept(*byte, false);
    r_.receive_next_ns = now + character_ns();
    receive_timer_.arm(r_.receive_next_ns);
    update_interrupt();
}

/// INTR reaches the bus through a gate that OUT2 opens; in loopback OUT2's pin is inactive.
void Uart16550::update_interrupt() {
    const bool gate = (r_.modem_control & kMcrOut2) != 0 && !loopback();
    const bool level = gate && interrupt_identification() != kIirNone;
    if (level == r_.interrupt_level) return;
    r_.interrupt_level = level;
    if (pins_.interrupt) pins_.interrupt(level);
}

}  // namespace bantam::devices
