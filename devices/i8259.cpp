#include "devices/i8259.h"

#include <fmt/format.h>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr unsigned kSpuriousLine = 7;
u8 mask_of(unsigned line) { return static_cast<u8>(1u << line); }
}  // namespace

I8259::I8259(std::string name, u8 elcr_writable, Pins pins)
    : name_(std::move(name)), elcr_writable_(elcr_writable), pins_(std::move(pins)) {}

void I8259::reset() {
    const bool was_high = r_.interrupt;
    r_ = {};
    if (was_high && pins_.interrupt) pins_.interrupt(false);
}

void I8259::describe(Archive& archive) {
    archive.field("irr", r_.irr);
    archive.field("isr", r_.isr);
    archive.field("imr", r_.imr);
    archive.field("lines", r_.lines);
    archive.field("elcr", r_.elcr);
    archive.field("icw2", r_.icw2);
    archive.field("icw3", r_.icw3);
    archive.field("icw4", r_.icw4);
    archive.field("step", r_.step);
    archive.field("initialised", r_.initialised);
    archive.field("level_triggered", r_.level_triggered);
    archive.field("single", r_.single);
    archive.field("expects_icw4", r_.expects_icw4);
    archive.field("lowest", r_.lowest);
    archive.field("rotate_on_auto_eoi", r_.rotate_on_auto_eoi);
    archive.field("special_mask", r_.special_mask);
    archive.field("poll", r_.poll);
    archive.field("read_isr", r_.read_isr);
    archive.field("interrupt", r_.interrupt);
    if (archive.loading()) r_.lowest &= 7;
}

std::string I8259::info() const {
    return fmt::format("{}: irr={:02x} isr={:02x} imr={:02x} lines={:02x} elcr={:02x} base={:02x} int={}{}{}{}\n",
                       name_, r_.irr, r_.isr, r_.imr, r_.lines, r_.elcr, r_.icw2, int{r_.interrupt},
                       r_.initialised ? "" : " uninitialised", auto_eoi() ? " auto-eoi" : "",
                       r_.special_mask ? " special-mask" : "");
}

bool I8259::is_level(unsigned line) const { return r_.level_triggered || bit(r_.elcr, line); }

void I8259::set_irq(unsigned line, bool level) {
    const u8 mask = mask_of(line & 7);
    const bool was = (r_.lines & mask) != 0;
    if (was == level) return;
    r_.lines = static_cast<u8>(r_.lines ^ mask);
    r_.irr = static_cast<u8>(level ? r_.irr | mask : r_.irr & ~mask);
    update();
}

int I8259::highest_of(u8 mask) const {
    for (unsigned step = 1; step <= 8; ++step) {
        const unsigned line = (r_.lowest + step) & 7;
        if (bit(mask, line)) return static_cast<int>(line);
    }
    return -1;
}

int I8259::highest_request() const {
    if (!r_.initialised) return -1;
    // A masked input in service blocks nobody in special mask mode; a slave in service may interrupt itself in special
    // fully nested mode, because it knows better which of its inputs outranks which.
    u8 blocking = r_.isr;
    if (r_.special_mask) blocking = static_cast<u8>(blocking & ~r_.imr);
    if (special_fully_nested() && !r_.single) {
        const int served = highest_of(blocking);
        if (served >= 0 && pins_.cascade && bit(r_.icw3, static_cast<unsigned>(served)) &&
            bit(r_.irr & ~r_.imr, static_cast<unsigned>(served))) {
            blocking = static_cast<u8>(blocking & ~mask_of(static_cast<unsigned>(served)));
        }
    }
    for (unsigned step = 1; step <= 8; ++step) {
        const unsigned line = (r_.lowest + step) & 7;
        if (bit(blocking, line)) return -1;
        if (bit(r_.irr & ~r_.imr, line)) return static_cast<int>(line);
    }
    return -1;
}

void I8259::update() {
    const bool level = highest_request() >= 0;
    if (level == r_.interrupt) return;
    r_.interrupt = level;
    if (pins_.interrupt) pins_.interrupt(level);
}

void I8259::take(unsigned line) {
    if (!is_level(line)) r_.irr = static_cast<u8>(r_.irr & ~mask_of(line));
    if (!auto_eoi()) {
        r_.isr = static_cast<u8>(r_.isr | mask_of(line));
    } else if (r_.rotate_on_auto_eoi) {
        r_.lowest = static_cast<u8>(line);
    }
}

u8 I8259::acknowledge() {
    const int request = highest_request();
    const unsigned line = request >= 0 ? static_cast<unsigned>(request) : kSpuriousLine;
    u8 vector = static_cast<u8>((r_.icw2 & 0xF8) | line);
    if (request >= 0) {
        take(line);
        // INT falls during INTA and rises again for the next request, so an edge-sensing receiver sees every one.
        if (r_.interrupt) {
            r_.interrupt = false;
            if (pins_.interrupt) pins_.interrupt(false);
        }
        if (pins_.cascade && !r_.single && bit(r_.icw3, line)) vector = pins_.cascade(line);
    }
    update();
    return vector;
}

RegisterSpace I8259::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

RegisterSpace I8259::elcr() {
    const auto read_elcr = [this](u64, unsigned) { return u64{r_.elcr}; };
    const auto write_elcr = [this](u64, unsigned, u64 value) {
        const u8 before = r_.elcr;
        r_.elcr = static_cast<u8>(value & elcr_writable_);
        // A line that becomes level-triggered requests by its level alone.
        const u8 now_level = static_cast<u8>(r_.elcr & ~before);
        r_.irr = replace_bits(r_.irr, r_.lines, now_level);
        update();
    };
    return {.read = read_elcr, .write = write_elcr, .peek = read_elcr, .max_size = 1};
}

u8 I8259::peek(u64 offset) const {
    if (r_.poll) {
        const int request = highest_request();
        return request < 0 ? u8{0} : static_cast<u8>(0x80 | request);
    }
    if ((offset & 1) != 0) return r_.imr;
    return r_.read_isr ? r_.isr : r_.irr;
}

u8 I8259::read(u64 offset) {
    const u8 value = peek(offset);
    if (r_.poll) {
        // The read pulse is the poll's INTA.
        r_.poll = false;
        if ((value & 0x80) != 0) take(value & 7);
        update();
    }
    return value;
}

void I8259::write(u64 offset, u8 value) {
    if ((offset & 1) == 0) {
        if ((value & 0x10) != 0) {
            write_icw1(value);
        } else if ((value & 0x08) != 0) {
            write_ocw3(value);
        } else {
            write_ocw2(value);
        }
        update();
        return;
    }
    switch (r_.step) {
        case Step::operation:
            r_.imr = value;
            update();
            return;
        case Step::icw2:
            r_.icw2 = value;
            r_.step = !r_.single ? Step::icw3 : r_.expects_icw4 ? Step::icw4 : Step::operation;
            break;
        case Step::icw3:
            r_.icw3 = value;
            r_.step = r_.expects_icw4 ? Step::icw4 : Step::operation;
            break;
        case Step::icw4:
            r_.icw4 = value;
            r_.step = Step::operation;
            break;
    }
    r_.initialised = r_.step == Step::operation;
    update();
}

void I8259::write_icw1(u8 value) {
    r_.initialised = false;
    r_.step = Step::icw2;
    r_.expects_icw4 = (value & 0x01) != 0;
    r_.single = (value & 0x02) != 0;
    r_.level_triggered = (value & 0x08) != 0;
    // The edge sense latches are cleared: an input must fall and rise again to request. Level inputs still request.
    const u8 level_lines = r_.level_triggered ? u8{0xFF} : r_.elcr;
    r_.irr = static_cast<u8>(r_.lines & level_lines);
    r_.isr = 0;
    r_.imr = 0;
    r_.icw3 = 0;
    r_.icw4 = 0;
    r_.lowest = 7;
    r_.rotate_on_auto_eoi = false;
    r_.special_mask = false;
    r_.poll = false;
    r_.read_isr = false;
}

void I8259::write_ocw2(u8 value) {
    const u8 named = mask_of(value & 7);
    const u8 eligible = r_.special_mask ? static_cast<u8>(r_.isr & ~r_.imr) : r_.isr;
    const int served = highest_of(eligible);
    switch (value >> 5) {
        case 0:  // rotate in automatic EOI mode: clear
            r_.rotate_on_auto_eoi = false;
            break;
        case 4:  // ... set
            r_.rotate_on_auto_eoi = true;
            break;
        case 1:  // non-specific EOI
        case 5:  // and rotate
            if (served < 0) break;
            r_.isr = static_cast<u8>(r_.isr & ~mask_of(static_cast<unsigned>(served)));
            if ((value >> 5) == 5) r_.lowest = static_cast<u8>(served);
            break;
        case 3:  // specific EOI
            r_.isr = static_cast<u8>(r_.isr & ~named);
            break;
        case 7:  // and rotate
            r_.isr = static_cast<u8>(r_.isr & ~named);
            r_.lowest = value & 7;
            break;
        case 6:  // set priority
            r_.lowest = value & 7;
            break;
        default:  // 2: no operation
            break;
    }
}

void I8259::write_ocw3(u8 value) {
    if ((value & 0x40) != 0) r_.special_mask = (value & 0x20) != 0;
    r_.poll = (value & 0x04) != 0;
    if ((value & 0x02) != 0) r_.read_isr = (value & 0x01) != 0;
}

}  // namespace bantam::devices
