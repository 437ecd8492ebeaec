// See ct1741.h. Ports, interrupts and state.
#include "devices/ct1741.h"

#include <fmt/format.h>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr u64 kReset = 0, kReadData = 4, kWrite = 6, kReadStatus = 8, kAcknowledge16 = 9;
constexpr u8 kReady = 0xAA;
constexpr u32 kHighestRate = 1'000'000;
}  // namespace

Ct1741::Ct1741(Scheduler& scheduler, Pins pins)
    : scheduler_(scheduler),
      pins_(std::move(pins)),
      timers_{{{scheduler, "ct1741.8", [this] { portion_due(kNarrow); }},
               {scheduler, "ct1741.16", [this] { portion_due(kWide); }}}} {}

void Ct1741::reset() {
    finish_reset();
    r_ = {};
}

/// Everything stops. The rate and the test register stay as they were.
void Ct1741::finish_reset() {
    for (const Channel channel : {kNarrow, kWide}) stop(channel);
    acknowledge(kInterrupt8 | kInterrupt16);
    if (sink_ != nullptr) sink_->set_level(scheduler_.now(), {});
    const Registers before = r_;
    r_ = {};
    r_.rate = before.rate;
    r_.test = before.test;
}

void Ct1741::Transfer::describe(Archive& archive) {
    archive.field("active", active);
    archive.field("paused", paused);
    archive.field("format", format);
    archive.field("is_signed", is_signed);
    archive.field("stereo", stereo);
    archive.field("input", input);
    archive.field("auto_init", auto_init);
    archive.field("reference", reference);
    archive.field("rate", rate);
    archive.field("block", block);
    archive.field("left", left);
    archive.field("portion", portion);
    archive.field("wanted", wanted);
    archive.field("origin_ns", origin_ns);
    archive.field("done", done);
    archive.field("starved", starved);
    archive.field("half", half);
    archive.field("low_byte", low_byte);
    archive.field("has_left", has_left);
    archive.field("left_sample", left_sample);
    if (!archive.loading()) return;
    // A block has a unit at least, and time goes on with each.
    if (format > Format::identification) format = Format::pcm;
    if (rate == 0 || rate > kHighestRate || block == 0 || left == 0 || left > block || portion > block || wanted > left)
        *this = {};
}

void Ct1741::describe(Archive& archive) {
    archive.field("reset_held", r_.reset_held);
    archive.field("midi", r_.midi);
    archive.field("speaker", r_.speaker);
    archive.field("command", r_.command);
    archive.field("arguments_expected", r_.arguments_expected);
    archive.field("arguments_count", r_.arguments_count);
    archive.field("arguments", r_.arguments);
    archive.field("output", r_.output);
    archive.field("last_output", r_.last_output);
    archive.field("test", r_.test);
    archive.field("identity", r_.identity);
    archive.field("identity_key", r_.identity_key);
    archive.field("interrupts", r_.interrupts);
    archive.field("rate", r_.rate);
    archive.field("block_size", r_.block_size);
    archive.field("adpcm", r_.adpcm);
    archive.field("transfers", r_.transfers);
    if (!archive.loading()) return;
    if (r_.arguments_expected > r_.arguments.size() || r_.arguments_count >= r_.arguments_expected)
        r_.arguments_expected = r_.arguments_count = 0;
    if (r_.rate == 0 || r_.rate > kHighestRate) r_.rate = Registers{}.rate;
    if (r_.block_size == 0) r_.block_size = Registers{}.block_size;
}

std::string Ct1741::info() const {
    std::string text = fmt::format("ct1741: speaker {}, {} Hz, interrupts {}, {} bytes wait\n",
                                   r_.speaker ? "on" : "off", r_.rate, r_.interrupts, r_.output.size());
    for (const Channel channel : {kNarrow, kWide}) {
        const Transfer& transfer = r_.transfers.at(channel);
        if (!transfer.active) continue;
        text += fmt::format("  {} bits: {}{} {} Hz, {} of {} units left{}{}\n", channel == kNarrow ? 8 : 16,
                            transfer.input ? "input" : "output", transfer.stereo ? " stereo" : "", transfer.rate,
                            transfer.left, transfer.block, transfer.auto_init ? ", auto-initialised" : "",
                            transfer.paused ? ", paused" : "");
    }
    return text;
}

void Ct1741::raise(u8 kind) {
    const bool before = r_.interrupts != 0;
    r_.interrupts |= kind;
    drive(before);
}

void Ct1741::acknowledge(u8 kind) {
    const bool before = r_.interrupts != 0;
    r_.interrupts &= static_cast<u8>(~kind);
    drive(before);
}

void Ct1741::drive(bool level_before) {
    const bool level = r_.interrupts != 0;
    if (level != level_before && pins_.interrupt) pins_.interrupt(level);
}

u8 Ct1741::peek(u64 offset) const {
    switch (offset) {
        case kReadData:
            return r_.output.empty() ? r_.last_output : r_.output.front();
        case kWrite:
            return r_.reset_held ? 0xFF : 0x7F;  // busy only in reset
        case kReadStatus:
            return r_.output.empty() ? 0x7F : 0xFF;
        default:
            return 0xFF;
    }
}

u8 Ct1741::read(u64 offset) {
    const u8 value = peek(offset);
    if (offset == kReadData && !r_.output.empty()) r_.last_output = r_.output.pop();
    if (offset == kReadStatus) acknowledge(kInterrupt8);
    if (offset == kAcknowledge16) acknowledge(kInterrupt16);
    return value;
}

void Ct1741::write(u64 offset, u8 value) {
    if (offset == kReset) {
        const bool was_midi = r_.midi, was_held = r_.reset_held;
        if (bit(value, 0) && !was_held) finish_reset();
        r_.reset_held = bit(value, 0);
        r_.midi = was_midi && r_.reset_held;
        if (was_held && !r_.reset_held && !was_midi) answer(kReady);  // leaving UART mode is not answered
    } else if (offset == kWrite && !r_.reset_held) {
        write_command(value);
    }
}

RegisterSpace Ct1741::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

}  // namespace bantam::devices
