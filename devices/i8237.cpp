// See i8237.h.
#include "devices/i8237.h"

#include <fmt/format.h>

#include "base/bits.h"

namespace bantam::devices {
namespace {
// Register numbers 8..15 (table 5); 0..7 are address and count of channel n / 2.
enum Register : u8 {
    kCommandStatus = 0x8,
    kRequest = 0x9,
    kSingleMask = 0xA,
    kMode = 0xB,
    kClearFlipFlop = 0xC,
    kMasterClear = 0xD,
    kClearMask = 0xE,
    kAllMask = 0xF,
};
// Command register
constexpr unsigned kDisabled = 2, kRotatingPriority = 4, kRequestActiveLow = 6;
// Mode register
constexpr unsigned kAutoinitialize = 4, kDecrement = 5;
constexpr u8 kDemand = 0, kBlock = 2, kCascade = 3;  // bits 7:6
constexpr u8 kAllChannels = 0x0F;

u8 operating_mode(const I8237::Channel& channel) { return static_cast<u8>(channel.mode >> 6); }

I8237::Transfer transfer_of(const I8237::Channel& channel) {
    if (operating_mode(channel) == kCascade) return I8237::Transfer::cascade;
    switch (bits(channel.mode, 2, 2)) {
        case 1:
            return I8237::Transfer::write;
        case 2:
            return I8237::Transfer::read;
        default:  // 3 is called illegal: nothing is strobed
            return I8237::Transfer::verify;
    }
}

void replace_byte(u16& word, bool high, u8 value) {
    word = high ? static_cast<u16>((word & 0x00FF) | value << 8) : static_cast<u16>((word & 0xFF00) | value);
}
}  // namespace

void I8237::Channel::describe(Archive& archive) {
    archive.field("base_address", base_address);
    archive.field("base_count", base_count);
    archive.field("address", address);
    archive.field("count", count);
    archive.field("mode", mode);
}

void I8237::reset() {
    const u8 pins = r_.pins;
    r_ = {};
    r_.pins = pins;
    if (pins_.hold_request) pins_.hold_request(false);
}

void I8237::describe(Archive& archive) {
    archive.field("channels", r_.channels);
    archive.field("command", r_.command);
    archive.field("mask", r_.mask);
    archive.field("request", r_.request);
    archive.field("reached", r_.reached);
    archive.field("pins", r_.pins);
    archive.field("holder", r_.holder);
    archive.field("lowest_priority", r_.lowest_priority);
    archive.field("second_byte", r_.second_byte);
    archive.field("hold_request", r_.hold_request);
    if (archive.loading()) {
        if (r_.holder >= kChannels) r_.holder = kNobody;
        r_.lowest_priority %= kChannels;
    }
}

std::string I8237::info() const {
    std::string text = fmt::format("{}: command={:02x} status={:02x} mask={:x} hold request={}\n", name_, r_.command,
                                   status(), r_.mask, int{r_.hold_request});
    for (unsigned i = 0; i < kChannels; ++i) {
        const Channel& channel = r_.channels.at(i);
        text += fmt::format("  channel {}: mode={:02x} address={:04x} count={:04x} base {:04x} {:04x}\n", i,
                            channel.mode, channel.address, channel.count, channel.base_address, channel.base_count);
    }
    return text;
}

RegisterSpace I8237::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

u8 I8237::status() const { return static_cast<u8>(r_.reached | hardware_requests() << 4); }

u8 I8237::current_byte(u64 offset) const {
    const Channel& channel = r_.channels.at((offset >> 1) & 3);
    const u16 word = bit(offset, 0) ? channel.count : channel.address;
    return static_cast<u8>(r_.second_byte ? word >> 8 : word);
}

u8 I8237::peek(u64 offset) const {
    switch (offset & 0xF) {
        case kCommandStatus:
            return status();
        case kMasterClear:
            return 0;  // the temporary register, which only memory-to-memory transfers fill
        case kAllMask:
            return r_.mask;
        case kRequest:
        case kSingleMask:
        case kMode:
        case kClearFlipFlop:
        case kClearMask:
            return 0xFF;
        default:
            return current_byte(offset);
    }
}

u8 I8237::read(u64 offset) {
    const u8 value = peek(offset);
    if ((offset & 0xF) < kCommandStatus) r_.second_byte = !r_.second_byte;
    if ((offset & 0xF) == kCommandStatus) r_.reached = 0;
    return value;
}

void I8237::write_count_or_address(u64 offset, u8 value) {
    Channel& channel = r_.channels.at((offset >> 1) & 3);
    replace_byte(bit(offset, 0) ? channel.base_count : channel.base_address, r_.second_byte, value);
    replace_byte(bit(offset, 0) ? channel.count : channel.address, r_.second_byte, value);
    r_.second_byte = !r_.second_byte;
}

void I8237::write(u64 offset, u8 value) {
    const u8 selected = static_cast<u8>(1 << (value & 3));
    switch (offset & 0xF) {
        case kCommandStatus:
            r_.command = value;
            break;
        case kRequest:
            r_.request = replace_bits(r_.request, bit(value, 2) ? kAllChannels : u8{0}, selected);
            break;
        case kSingleMask:
            r_.mask = replace_bits(r_.mask, bit(value, 2) ? kAllChannels : u8{0}, selected);
            break;
        case kMode:
            r_.channels.at(value & 3).mode = value & 0xFC;
            break;
        case kClearFlipFlop:
            r_.second_byte = false;
            break;
        case kMasterClear:
            r_.command = r_.request = r_.reached = 0;
            r_.mask = kAllChannels;
            r_.second_byte = false;
            r_.holder = kNobody;
            break;
        case kClearMask:
            r_.mask = 0;
            break;
        case kAllMask:
            r_.mask = value & kAllChannels;
            break;
        default:
            write_count_or_address(offset, value);
            break;
    }
    update();
}

void I8237::set_request(unsigned channel, bool level) {
    const u8 line = static_cast<u8>(1 << channel);
    r_.pins = replace_bits(r_.pins, level ? line : u8{0}, line);
    update();
}

u8 I8237::hardware_requests() const {
    return static_cast<u8>(bit(r_.command, kRequestActiveLow) ? ~r_.pins & kAllChannels : r_.pins);
}

// They pass the mask, and count in block mode only.
u8 I8237::software_requests() const {
    u8 requests = 0;
    for (unsigned i = 0; i < kChannels; ++i) {
        if (operating_mode(r_.channels.at(i)) == kBlock) requests |= static_cast<u8>(r_.request & 1u << i);
    }
    return requests;
}

std::optional<unsigned> I8237::next_channel() const {
    if (bit(r_.command, kDisabled)) return std::nullopt;
    if (r_.holder != kNobody) return r_.holder;
    const unsigned wanted = (hardware_requests() & ~r_.mask & kAllChannels) | software_requests();
    for (unsigned i = 1; i <= kChannels; ++i) {
        const unsigned channel = (r_.lowest_priority + i) % kChannels;
        if (bit(wanted, channel)) return channel;
    }
    return std::nullopt;
}

void I8237::run_cycle() {
    if (running_) return;
    const std::optional<unsigned> chosen = next_channel();
    if (!chosen) return update();
    running_ = true;
    const unsigned index = *chosen;
    Channel& channel = r_.channels.at(index);
    const u8 mode = operating_mode(channel);
    if (mode == kCascade) {
        // Only priority is ours: addresses and strobes are the other controller's.
        pins_.cycle({.channel = index, .transfer = Transfer::cascade});
    } else {
        const Cycle cycle{index, channel.address, transfer_of(channel), channel.count == 0};
        channel.address = static_cast<u16>(bit(channel.mode, kDecrement) ? channel.address - 1 : channel.address + 1);
        channel.count = static_cast<u16>(channel.count - 1);
        r_.holder = mode == kBlock ? static_cast<u8>(index) : kNobody;
        pins_.cycle(cycle);
        const bool goes_on = mode == kDemand && bit(hardware_requests(), index);
        if (goes_on) r_.holder = static_cast<u8>(index);
        if (cycle.end_of_process) reach_terminal_count(index);
    }
    if (bit(r_.command, kRotatingPriority)) r_.lowest_priority = static_cast<u8>(index);
    running_ = false;
    update();
}

void I8237::reach_terminal_count(unsigned index) {
    const u8 line = static_cast<u8>(1 << index);
    Channel& channel = r_.channels.at(index);
    r_.holder = kNobody;
    r_.reached |= line;
    r_.request &= static_cast<u8>(~line);
    if (bit(channel.mode, kAutoinitialize)) {
        channel.address = channel.base_address;
        channel.count = channel.base_count;
    } else {
        r_.mask |= line;
    }
}

void I8237::update() {
    if (running_) return;
    // A demand transfer pauses when its request goes or its channel is masked.
    if (r_.holder != kNobody && operating_mode(r_.channels.at(r_.holder)) == kDemand &&
        (!bit(hardware_requests(), r_.holder) || bit(r_.mask, r_.holder))) {
        r_.holder = kNobody;
    }
    const bool wanted = next_channel().has_value();
    if (wanted == r_.hold_request) return;
    r_.hold_request = wanted;
    if (pins_.hold_request) pins_.hold_request(wanted);
}

}  // namespace bantam::devices
