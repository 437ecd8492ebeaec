// See ct1745.h.
#include "devices/ct1745.h"

#include <fmt/format.h>

#include <cmath>

#include "base/bits.h"

namespace bantam::devices {
namespace {

constexpr u8 kReset = 0x00, kFirst = 0x30, kLast = 0x47;
constexpr u8 kMaster = 0x30, kMicrophone = 0x3A, kOutputGain = 0x41;
constexpr u8 kInterruptSelect = 0x80, kDmaSelect = 0x81, kInterruptStatus = 0x82;
constexpr u8 kDmaBits = 0xEB;

// Which bits of registers 30h-47h exist.
constexpr std::array<u8, kLast - kFirst + 1> kWritable{0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8,   // volumes
                                                       0xF8, 0xF8, 0xF8, 0xC0, 0x1F, 0x7F, 0x7F, 0xC0,   // switches
                                                       0xC0, 0xC0, 0xC0, 0x01, 0xF0, 0xF0, 0xF0, 0xF0};  // tone
// DEVIATION: the chip comes up with master, voice and MIDI at 24, -14 dB each (guide, chapter 4), so -28 dB together,
// and the utility that came with the card turned them up when DOS started. A guest without it would hardly be heard, so
// here they are up from the beginning. Drivers that set volumes find no difference.
constexpr std::array<u8, kLast - kFirst + 1> kDefaults{0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0x00, 0x00,  //
                                                       0x00, 0x00, 0x00, 0x00, 0x1F, 0x15, 0x0B, 0x00,  //
                                                       0x00, 0x00, 0x00, 0x00, 0x80, 0x80, 0x80, 0x80};

/// The stereo register pair behind a Sound Blaster Pro register, which has four bits a channel; 0: none.
u8 pair_behind(u8 index) {
    switch (index) {
        case 0x04:
            return 0x32;
        case 0x22:
            return 0x30;
        case 0x26:
            return 0x34;
        case 0x28:
            return 0x36;
        case 0x2E:
            return 0x38;
        default:
            return 0;
    }
}

/// The factor of a volume's five bits: 2 dB a step, 31 is 0 dB.
double volume_factor(u8 value) { return std::pow(10.0, -(31 - (value >> 3)) * 2.0 / 20); }

}  // namespace

Ct1745::Registers Ct1745::power_on() {
    Registers registers;
    std::copy(kDefaults.begin(), kDefaults.end(), registers.values.begin() + kFirst);
    return registers;
}

void Ct1745::reset() {
    r_ = power_on();
    if (pins_.routing_changed) pins_.routing_changed();
    if (pins_.volumes_changed) pins_.volumes_changed();
}

void Ct1745::describe(Archive& archive) {
    archive.field("index", r_.index);
    archive.field("interrupt_select", r_.interrupt_select);
    archive.field("dma_select", r_.dma_select);
    archive.bytes("values", r_.values.data() + kFirst, kWritable.size());
    if (!archive.loading()) return;
    if (pins_.routing_changed) pins_.routing_changed();
    if (pins_.volumes_changed) pins_.volumes_changed();
}

std::string Ct1745::info() const {
    return fmt::format(
        "ct1745: master {:02x}/{:02x} voice {:02x}/{:02x} MIDI {:02x}/{:02x}, IRQ bits {:02x}, DMA bits "
        "{:02x}\n",
        r_.values[0x30], r_.values[0x31], r_.values[0x32], r_.values[0x33], r_.values[0x34], r_.values[0x35],
        r_.interrupt_select, r_.dma_select);
}

u8 Ct1745::read(u64 offset) const {
    if (offset == 0) return r_.index;
    const u8 index = r_.index;
    if (const u8 pair = pair_behind(index); pair != 0)
        return static_cast<u8>((r_.values[pair] & 0xF0) | r_.values[pair + 1u] >> 4);
    if (index == 0x0A) return r_.values[kMicrophone] >> 5;
    if (index >= kFirst && index <= kLast) return r_.values[index];
    if (index == kInterruptSelect) return 0xF0 | r_.interrupt_select;
    if (index == kDmaSelect) return r_.dma_select;
    if (index == kInterruptStatus && pins_.interrupt_status) return pins_.interrupt_status();
    return 0xFF;
}

void Ct1745::write(u64 offset, u8 value) {
    if (offset == 0) {
        r_.index = value;
        return;
    }
    const u8 index = r_.index;
    if (index == kInterruptSelect || index == kDmaSelect) {
        (index == kInterruptSelect ? r_.interrupt_select : r_.dma_select) =
            value & (index == kInterruptSelect ? 0x0F : kDmaBits);
        if (pins_.routing_changed) pins_.routing_changed();
        return;
    }
    if (index == kReset) {
        const Registers defaults = power_on();
        r_.values = defaults.values;
    } else if (const u8 pair = pair_behind(index); pair != 0) {
        r_.values[pair] = (value & 0xF0) | 8;
        r_.values[pair + 1u] = static_cast<u8>((value & 0x0F) << 4 | 8);
    } else if (index == 0x0A) {
        r_.values[kMicrophone] = static_cast<u8>((value & 7) << 5 | 0x18);
    } else if (index >= kFirst && index <= kLast) {
        r_.values[index] = value & kWritable.at(index - kFirst);
    } else {
        return;  // no such register
    }
    if (pins_.volumes_changed) pins_.volumes_changed();
}

RegisterSpace Ct1745::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{read(offset)}; };
    return space;
}

Ct1745::Gain Ct1745::gain(u8 input) const {
    const auto factor = [&](unsigned channel) {
        const double amplified = 1u << (r_.values[kOutputGain + channel] >> 6);  // 0, 6, 12, 18 dB
        return static_cast<u32>(std::lround(65536 * volume_factor(r_.values[input + channel]) *
                                            volume_factor(r_.values[kMaster + channel]) * amplified));
    };
    return {factor(0), factor(1)};
}

unsigned Ct1745::interrupt_line() const {
    constexpr std::array<unsigned, 4> kLines{9, 5, 7, 10};  // the slot's IRQ2 is IRQ9
    for (unsigned i = 0; i < kLines.size(); ++i) {
        if (bit(r_.interrupt_select, i)) return kLines.at(i);
    }
    return kNone;
}

unsigned Ct1745::narrow_channel() const {
    for (const unsigned channel : {0u, 1u, 3u}) {
        if (bit(r_.dma_select, channel)) return channel;
    }
    return kNone;
}

unsigned Ct1745::wide_channel() const {
    for (const unsigned channel : {5u, 6u, 7u}) {
        if (bit(r_.dma_select, channel)) return channel;
    }
    return kNone;
}

}  // namespace bantam::devices
