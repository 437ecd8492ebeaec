// See ymf262.h. Registers, keys and timers.
#include "devices/ymf262.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr unsigned kTimer1 = 0x02, kTimer2 = 0x03, kTimerControl = 0x04, kNew = 0x105;
constexpr unsigned kBank = 0x100;
constexpr std::array<u64, 2> kSamplesPerCount{4, 16};  // 80 and 320 us

/// The operator of a register 20h-35h, 40h-55h, ..., E0h-F5h; kOperators: none.
unsigned operator_index(unsigned index) {
    const unsigned offset = index & 0x1F;
    if (offset >= 0x16 || (offset & 7) >= 6) return Ymf262::kOperators;
    return (index & kBank ? 18u : 0u) + offset / 8 * 6 + offset % 8;
}
}  // namespace

void Ymf262::reset() {
    static_cast<void>(generate());
    r_ = {};
}

void Ymf262::TimerCounter::describe(Archive& archive) {
    archive.field("preset", preset);
    archive.field("running", running);
    archive.field("masked", masked);
    archive.field("overflowed", overflowed);
    archive.field("started", started);
}

void Ymf262::describe(Archive& archive) {
    if (!archive.loading()) static_cast<void>(generate());  // the state is that of now
    archive.field("address", r_.address);
    archive.bytes("values", r_.values.data(), r_.values.size());
    archive.field("timers", r_.timers);
    archive.field("operators", r_.operators);
    if (!archive.loading()) return;
    r_.address &= 0x1FF;
    next_sample_ = sample_now();
    if (sink_ != nullptr && !silent()) sink_->wake();
}

std::string Ymf262::info() const {
    Operators operators = r_.operators;
    skip(operators, sample_now());
    const auto sounding =
        std::count_if(operators.begin(), operators.end(), [](const Operator& unit) { return !unit.silent(); });
    return fmt::format("ymf262: {}, {} operators sound, status {:02x}\n", is_new() ? "OPL3" : "OPL2", sounding,
                       read(0));
}

/// The timer's flag now. It counts up from its preset, and again when it has overflowed.
bool Ymf262::overflowed(unsigned timer) const {
    const TimerCounter& counter = r_.timers.at(timer);
    if (counter.overflowed) return true;
    if (!counter.running || counter.masked) return false;
    const u64 now = sample_now();
    return now >= counter.started && now - counter.started >= (256u - counter.preset) * kSamplesPerCount.at(timer);
}

u8 Ymf262::read(u64 offset) const {
    if ((offset & 3) != 0) return 0xFF;
    const u8 flags = static_cast<u8>((overflowed(0) ? 0x40 : 0) | (overflowed(1) ? 0x20 : 0));
    return static_cast<u8>(flags | (flags != 0 ? 0x80 : 0));
}

void Ymf262::write(u64 offset, u8 value) {
    switch (offset & 3) {
        case 0:
            r_.address = value;
            break;
        case 2:
            // An OPL2 has one bank; NEW itself is always within reach.
            r_.address = is_new() || value == (kNew & 0xFF) ? static_cast<u16>(kBank | value) : value;
            break;
        default:
            write_register(r_.address, value);
            break;
    }
}

RegisterSpace Ymf262::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{read(offset)}; };
    return space;
}

void Ymf262::write_register(unsigned index, u8 value) {
    // What sounds until now sounds by the old registers.
    static_cast<void>(generate());
    r_.values.at(index) = value;
    const unsigned low = index & 0xFF;
    if (index == kTimer1 || index == kTimer2) {
        r_.timers.at(index - kTimer1).preset = value;
    } else if (index == kTimerControl) {
        write_timer_control(value);
    } else if (index == kRhythm) {
        write_rhythm(value);
    } else if ((low & 0xF0) == 0xB0 && (low & 0x0F) < 9) {
        set_channel_key((index & kBank ? 9u : 0u) + (low & 0x0F));
    } else if (index == kFourOperators) {
        for (unsigned channel = 0; channel < kChannels; ++channel) set_channel_key(channel);
    } else if (low >= 0x20 && operator_index(index) < kOperators) {
        write_operator(index, value);
    }
    if (sink_ != nullptr && !silent()) sink_->wake();
}

void Ymf262::write_operator(unsigned index, u8 value) {
    Ymf262Operator& unit = r_.operators.at(operator_index(index));
    switch (index & 0xE0) {
        case 0x20:
            unit.set_modes(value);
            break;
        case 0x40:
            unit.set_level(value);
            break;
        case 0x60:
            unit.set_attack_decay(value);
            break;
        case 0x80:
            unit.set_sustain_release(value);
            break;
        case 0xE0:
            unit.set_waveform(is_new() ? value : value & 3);
            break;
        default:
            break;
    }
}

void Ymf262::write_timer_control(u8 value) {
    if (bit(value, 7)) {  // the other bits are ignored with it
        for (unsigned i = 0; i < 2; ++i) {
            TimerCounter& timer = r_.timers.at(i);
            if (!timer.overflowed && overflowed(i)) timer.started = sample_now();
            timer.overflowed = false;
            const u64 period = (256u - timer.preset) * kSamplesPerCount.at(i), now = sample_now();
            if (timer.running && now >= timer.started) timer.started += (now - timer.started) / period * period;
        }
        return;
    }
    for (unsigned i = 0; i < 2; ++i) {
        TimerCounter& timer = r_.timers.at(i);
        timer.overflowed = overflowed(i);
        timer.masked = bit(value, 6 - i);
        const bool run = bit(value, i);
        if (run && !timer.running) timer.started = sample_now();
        timer.running = run;
        if (timer.masked) timer.overflowed = false;
    }
}

/// A channel's key is its operators' key; that of a channel of four is for all four.
void Ymf262::set_channel_key(unsigned channel) {
    if (second_of_four(channel)) return;
    const bool on = bit(channel_value(0xB0, channel), 5);
    const unsigned count = four_operators(channel) ? 4 : 2;
    for (unsigned i = 0; i < count; ++i)
        op(i < 2 ? channel : channel + 3, i % 2).set_key(Operator::kChannelKey, on, pitch(channel));
}

/// Register BDh: depths, rhythm mode, keys of the instruments.
void Ymf262::write_rhythm(u8 value) {
    const bool rhythm = bit(value, 5);
    const auto key = [&](unsigned channel, unsigned index, unsigned key_bit) {
        op(channel, index).set_key(Operator::kRhythmKey, rhythm && bit(value, key_bit), pitch(channel));
    };
    key(6, 0, 4);  // bass drum
    key(6, 1, 4);
    key(7, 0, 0);  // hi-hat
    key(7, 1, 3);  // snare drum
    key(8, 0, 2);  // tom-tom
    key(8, 1, 1);  // cymbal
}

}  // namespace bantam::devices
