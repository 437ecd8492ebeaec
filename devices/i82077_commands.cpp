// Control commands and seeks of the 82077AA (datasheet, chapter 5). See i82077.h.
#include <algorithm>

#include "base/bits.h"
#include "devices/i82077.h"
#include "devices/i82077_bits.h"

namespace bantam::devices {
namespace {
constexpr u8 kVersion82077 = 0x90;
constexpr u8 kRecalibrateSteps = 79;
constexpr u64 kSeekStartNs = 20'000;  // from the last command byte to the first look at the drive
}  // namespace

// Bits that the command set shows as zero must be zero, or the command is invalid.
const I82077::Command* I82077::find_command(u8 first) {
    static constexpr std::array kCommands{
        Command{0x1F, 0x06, 9, &I82077::start_read},  // READ DATA: MT MFM SK
        Command{0x1F, 0x0C, 9, &I82077::start_read},  // READ DELETED DATA
        Command{0x3F, 0x05, 9, &I82077::start_write},
        Command{0x3F, 0x09, 9, &I82077::start_write},  // WRITE DELETED DATA
        Command{0xBF, 0x02, 9, &I82077::start_read_track},
        Command{0x1F, 0x16, 9, &I82077::start_verify},
        Command{0xFF, 0x10, 1, &I82077::version},
        Command{0xBF, 0x0D, 6, &I82077::start_format},
        Command{0x1F, 0x11, 9, &I82077::start_scan},  // EQUAL
        Command{0x1F, 0x19, 9, &I82077::start_scan},  // LOW OR EQUAL
        Command{0x1F, 0x1D, 9, &I82077::start_scan},  // HIGH OR EQUAL
        Command{0xFF, 0x07, 2, &I82077::recalibrate},
        Command{0xFF, 0x08, 1, &I82077::sense_interrupt},
        Command{0xFF, 0x03, 3, &I82077::specify},
        Command{0xFF, 0x04, 2, &I82077::sense_drive},
        Command{0xFF, 0x0F, 3, &I82077::seek},
        Command{0xBF, 0x8F, 3, &I82077::relative_seek},
        Command{0xFF, 0x13, 4, &I82077::configure},
        Command{0xFF, 0x0E, 1, &I82077::dump_registers},
        Command{0xBF, 0x0A, 2, &I82077::start_read_id},
        Command{0xFF, 0x12, 2, &I82077::perpendicular_mode},
        Command{0x7F, 0x14, 1, &I82077::lock},
    };
    const auto* const found = std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& command) {
        return (first & command.mask) == command.code;
    });
    return found == kCommands.end() ? nullptr : found;
}

void I82077::Seek::describe(Archive& archive) {
    archive.field("active", active);
    archive.field("recalibrate", recalibrate);
    archive.field("inward", inward);
    archive.field("target", target);
    archive.field("steps", steps);
}

void I82077::invalid() { give_result({kInvalidCommand}); }

void I82077::version() { give_result({kVersion82077}); }

void I82077::specify() {
    r_.specify = {r_.command[1], r_.command[2]};
    end_command();
}

void I82077::configure() {
    r_.configure = r_.command[2] & 0x7F;
    r_.precompensation_track = r_.command[3];
    end_command();
}

void I82077::perpendicular_mode() {
    constexpr u8 kOverwrite = 0x80, kDrivesField = 0x3C, kGapAndGate = 0x03;
    const u8 mask = (r_.command[1] & kOverwrite) != 0 ? kDrivesField | kGapAndGate : kGapAndGate;
    r_.perpendicular = replace_bits(r_.perpendicular, r_.command[1], mask);
    end_command();
}

void I82077::lock() {
    r_.lock = bit(r_.command[0], 7);
    give_result({static_cast<u8>(r_.lock ? 0x10 : 0)});
}

void I82077::dump_registers() {
    give_result({r_.cylinder[0], r_.cylinder[1], r_.cylinder[2], r_.cylinder[3], r_.specify[0], r_.specify[1],
                 r_.last_eot, static_cast<u8>((r_.lock ? 0x80 : 0) | r_.perpendicular), r_.configure,
                 r_.precompensation_track});
}

void I82077::sense_drive() {
    constexpr u8 kAlwaysSet = 0x28;
    const FloppyDrive* drive = selected();
    const bool is_protected = drive != nullptr && drive->write_protected();
    const bool track0 = drive != nullptr && drive->at_track0();
    give_result({static_cast<u8>((is_protected ? 0x40 : 0) | kAlwaysSet | (track0 ? 0x10 : 0) | (r_.command[1] & 7))});
}

void I82077::sense_interrupt() {
    unsigned unit = 0;
    while (unit < kDrives && !bit(r_.attention, unit)) ++unit;
    if (unit == kDrives) return invalid();
    r_.attention &= static_cast<u8>(~(1u << unit));
    r_.interrupt = false;
    update_pins();
    // Another seek that has ended asks anew; the four of a reset share one interrupt.
    r_.interrupt = (r_.attention & ~r_.polled) != 0;
    update_pins();
    give_result({r_.attention_status.at(unit), r_.cylinder.at(unit)});
}

unsigned I82077::kilobits_per_second() const {
    constexpr std::array<unsigned, 4> kRates{500, 300, 250, 1000};
    return kRates.at(r_.rate_select & 3);
}

// SRT counts down from 16 units of 1 ms at 500 kbit/s.
u64 I82077::step_ns() const { return (16 - (r_.specify[0] >> 4)) * (u64{500'000'000} / kilobits_per_second()); }

void I82077::seek() {
    const u8 from = r_.cylinder.at(r_.command[1] & 3);
    const u8 to = r_.command[2];
    start_seek({.active = true,
                .inward = to > from,
                .target = to,
                .steps = static_cast<u8>(to > from ? to - from : from - to)});
    end_command();
}

void I82077::relative_seek() {
    const bool inward = bit(r_.command[0], 6);
    const u8 from = r_.cylinder.at(r_.command[1] & 3);
    const u8 steps = r_.command[2];
    start_seek({.active = true,
                .inward = inward,
                .target = static_cast<u8>(inward ? from + steps : from - steps),
                .steps = steps});
    end_command();
}

void I82077::recalibrate() {
    start_seek({.active = true, .recalibrate = true, .steps = kRecalibrateSteps});
    end_command();
}

void I82077::start_seek(Seek seek) {
    const unsigned unit = r_.command[1] & 3;
    r_.seeks.at(unit) = seek;
    r_.inward = seek.inward;
    r_.attention &= static_cast<u8>(~(1u << unit));
    step_timers_.at(unit).arm(scheduler_.now() + kSeekStartNs);
}

void I82077::step_due(unsigned unit) {
    Seek& seek = r_.seeks.at(unit);
    FloppyDrive* drive = selected();
    const u8 ended = static_cast<u8>(kSeekEnd | unit);
    if (seek.recalibrate && drive != nullptr && drive->at_track0()) {
        seek.target = 0;
        return end_seek(unit, ended);
    }
    if (seek.steps == 0) {
        const bool lost = seek.recalibrate;  // no TRACK 0 after all those steps
        return end_seek(unit, lost ? ended | kAbnormal | kEquipmentCheck : ended);
    }
    --seek.steps;
    if (drive != nullptr) drive->step(seek.inward);
    r_.stepped = true;
    u8& cylinder = r_.cylinder.at(unit);
    cylinder = static_cast<u8>(seek.inward ? cylinder + 1 : cylinder - 1);
    step_timers_.at(unit).arm(scheduler_.now() + step_ns() / options_.speed_factor);
}

void I82077::end_seek(unsigned unit, u8 status) {
    Seek& seek = r_.seeks.at(unit);
    seek.active = false;
    r_.cylinder.at(unit) = seek.target;
    if (r_.phase == Phase::execution && r_.stage == Stage::seeking && (r_.command[1] & 3) == unit) return load_head();
    const u8 line = static_cast<u8>(1 << unit);
    r_.attention |= line;
    r_.polled &= static_cast<u8>(~line);
    r_.attention_status.at(unit) = status;
    r_.interrupt = true;
    update_pins();
}

}  // namespace bantam::devices
