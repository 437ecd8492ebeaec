#include "devices/io_apic.h"

#include <fmt/format.h>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr u64 kSelect = 0x00, kWindow = 0x10, kEoi = 0x40;
constexpr u8 kId = 0x00, kVersion = 0x01, kArbitration = 0x02, kFirstEntry = 0x10;
constexpr u32 kIdMask = 0x0F000000;
constexpr u32 kVersionValue = 0x20 | (IoApic::kInputs - 1) << 16;
// Redirection entry
constexpr u64 kVector = 0xFF, kRemoteIrr = u64{1} << 14, kLevel = u64{1} << 15, kMask = u64{1} << 16;
constexpr u64 kLogical = u64{1} << 11;
constexpr u64 kWritable = 0xFF00'0000'0001'AFFF;  // all but delivery status, remote IRR and the reserved bits

DeliveryMode mode_of(u64 entry) { return static_cast<DeliveryMode>(bits(entry, 8, 3)); }

/// Fixed and lowest-priority entries alone may be level-triggered; SMI, NMI, INIT and ExtINT are edges (82093AA 3.2.4).
bool is_level(u64 entry) { return (entry & kLevel) != 0 && mode_of(entry) <= DeliveryMode::lowest_priority; }
}  // namespace

IoApic::IoApic(ApicBus& bus) : bus_(bus) { bus_.attach(*this); }

void IoApic::reset() { r_ = {}; }

void IoApic::describe(Archive& archive) {
    archive.field("select", r_.select);
    archive.field("id", r_.id);
    archive.field("redirection", r_.redirection);
    archive.field("lines", r_.lines);
}

std::string IoApic::info() const {
    std::string text = fmt::format("io_apic: id={} lines={:06x}\n", r_.id >> 24, r_.lines);
    for (unsigned input = 0; input < kInputs; ++input) {
        const u64 entry = r_.redirection.at(input);
        if ((entry & kMask) != 0 && (entry & kVector) == 0) continue;
        text += fmt::format("  input {:2}: vector={:02x} mode={} dest={}{:02x} {}{}{}\n", input, entry & kVector,
                            bits(entry, 8, 3), (entry & kLogical) != 0 ? "logical " : "", entry >> 56,
                            (entry & kLevel) != 0 ? "level" : "edge", (entry & kMask) != 0 ? " masked" : "",
                            (entry & kRemoteIrr) != 0 ? " remote-irr" : "");
    }
    return text;
}

bool IoApic::deliver(unsigned input) {
    const u64 entry = r_.redirection.at(input);
    return bus_.send({.vector = static_cast<u8>(entry & kVector),
                      .mode = mode_of(entry),
                      .destination = static_cast<u32>(entry >> 56),
                      .logical = (entry & kLogical) != 0,
                      .level = is_level(entry)});
}

void IoApic::service_level(unsigned input) {
    const u64 entry = r_.redirection.at(input);
    if (!is_level(entry) || (entry & (kMask | kRemoteIrr)) != 0 || !bit(r_.lines, input)) return;
    if (deliver(input)) r_.redirection.at(input) |= kRemoteIrr;
}

void IoApic::set_input(unsigned input, bool asserted) {
    if (input >= kInputs || bit(r_.lines, input) == asserted) return;
    r_.lines ^= u32{1} << input;
    if (!asserted) return;
    const u64 entry = r_.redirection.at(input);
    if (is_level(entry)) {
        service_level(input);
    } else if ((entry & kMask) == 0) {
        // An edge on a masked input is lost (82093AA 3.2.4, interrupt mask).
        deliver(input);
    }
}

void IoApic::end_of_interrupt(u8 vector) {
    for (unsigned input = 0; input < kInputs; ++input) {
        u64& entry = r_.redirection.at(input);
        if ((entry & kRemoteIrr) == 0 || (entry & kVector) != vector) continue;
        entry &= ~kRemoteIrr;
        service_level(input);
    }
}

void IoApic::offer_again() {
    for (unsigned input = 0; input < kInputs; ++input) service_level(input);
}

RegisterSpace IoApic::registers() {
    const auto read_register = [this](u64 offset, unsigned size) {
        return bits(read(offset & ~u64{3}), static_cast<unsigned>(offset & 3) * 8, size * 8);
    };
    const auto write_register = [this](u64 offset, unsigned size, u64 value) {
        const u64 aligned = offset & ~u64{3};
        const unsigned shift = static_cast<unsigned>(offset & 3) * 8;
        const u64 mask = mask_for(size) << shift;
        write(aligned, static_cast<u32>(replace_bits(u64{read(aligned)}, value << shift, mask)));
    };
    return {.read = read_register, .write = write_register, .peek = read_register, .max_size = 4};
}

u32 IoApic::read(u64 offset) const {
    switch (offset) {
        case kSelect:
            return r_.select;
        case kWindow:
            return window();
        default:
            return 0;
    }
}

void IoApic::write(u64 offset, u32 value) {
    switch (offset) {
        case kSelect:
            r_.select = static_cast<u8>(value);
            break;
        case kWindow:
            write_window(value);
            break;
        case kEoi:
            end_of_interrupt(static_cast<u8>(value));
            break;
        default:
            break;  // reserved
    }
}

u32 IoApic::window() const {
    if (r_.select >= kFirstEntry && r_.select < kFirstEntry + 2 * kInputs) {
        const unsigned word = r_.select - kFirstEntry;
        return static_cast<u32>(r_.redirection.at(word / 2) >> (word % 2 * 32));
    }
    switch (r_.select) {
        case kId:
        case kArbitration:  // the arbitration ID is loaded with the ID when that is written
            return r_.id;
        case kVersion:
            return kVersionValue;
        default:
            return 0;
    }
}

void IoApic::write_window(u32 value) {
    if (r_.select >= kFirstEntry && r_.select < kFirstEntry + 2 * kInputs) {
        const unsigned word = r_.select - kFirstEntry;
        const unsigned shift = word % 2 * 32;
        const u64 mask = (u64{0xFFFFFFFF} << shift) & kWritable;
        write_entry(word / 2, replace_bits(r_.redirection.at(word / 2), u64{value} << shift, mask));
    } else if (r_.select == kId) {
        r_.id = value & kIdMask;
    }
}

void IoApic::write_entry(unsigned input, u64 value) {
    // Remote IRR means nothing for edges and is cleared by choosing them, which is how software clears it by force.
    if (!is_level(value)) value &= ~kRemoteIrr;
    r_.redirection.at(input) = value;
    service_level(input);
}

}  // namespace bantam::devices
