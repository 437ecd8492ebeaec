// See ide_channel.h.
#include "devices/ide_channel.h"

#include <fmt/format.h>

#include "base/bits.h"
#include "base/check.h"

namespace bantam::devices {
namespace {
constexpr u8 kNoInterrupts = 0x02, kSoftReset = 0x04, kPrevious = 0x80;  // device control
constexpr u8 kDiagnostic = 0x90;
}  // namespace

void IdeChannel::reset() {
    const bool line = r_.line;
    r_ = {};
    if (line && pins_.interrupt) pins_.interrupt(false);
}

void IdeChannel::describe(Archive& archive) {
    archive.field("unit", r_.unit);
    archive.field("control", r_.control);
    archive.field("line", r_.line);
    if (archive.loading()) r_.unit &= 1;
}

std::string IdeChannel::info() const {
    return fmt::format("{}: unit {} selected, control {:02x}{}\n", name_, r_.unit, r_.control, r_.line ? " INTRQ" : "");
}

void IdeChannel::attach(unsigned unit, IdeDrive& drive) {
    CHECK(drives_.at(unit) == nullptr);
    drives_.at(unit) = &drive;
    drive.set_listener([this] { update(); });
}

void IdeChannel::update() {
    const IdeDrive* drive = selected();
    const bool level = drive != nullptr && drive->interrupt() && (r_.control & kNoInterrupts) == 0;
    if (level != r_.line) {
        r_.line = level;
        if (pins_.interrupt) pins_.interrupt(level);
    }
    if (drive != nullptr && drive->dma_request() && pins_.dma_requested) pins_.dma_requested();
}

u8 IdeChannel::peek(u64 offset) const {
    // Nobody drives the cable. The host's resistor pulls DD7 down, so that BSY is clear and software sees that nobody
    // is there (ATA/ATAPI-6, "Driver types and required termination"): OVMF waits half a minute for BSY.
    constexpr u8 kFloating = 0x7F;
    if (!populated()) return kFloating;
    const auto index = static_cast<u8>(offset);
    const bool previous = (r_.control & kPrevious) != 0;
    if (const IdeDrive* drive = selected()) return drive->peek(index, previous);
    if (index == IdeDrive::kStatus) return 0;
    return drives_[r_.unit ^ 1u]->peek(index, previous);
}

u8 IdeChannel::read(u64 offset) {
    if (offset == IdeDrive::kStatus && selected() != nullptr) return selected()->read_status();
    return peek(offset);
}

void IdeChannel::write(u64 offset, u8 value) {
    r_.control &= static_cast<u8>(~kPrevious);
    const auto index = static_cast<u8>(offset);
    if (index == IdeDrive::kStatus) {
        if (value == kDiagnostic) return diagnose();
        if (IdeDrive* drive = selected()) drive->command(value);
        return;
    }
    for (IdeDrive* drive : drives_) {
        if (drive != nullptr) drive->write(index, value);
    }
    if (index == IdeDrive::kDevice) {
        r_.unit = bit(value, 4) ? 1 : 0;
        update();
    }
}

/// EXECUTE DEVICE DIAGNOSTIC goes to both drives and selects device 0, which reports.
void IdeChannel::diagnose() {
    r_.unit = 0;
    for (IdeDrive* drive : drives_) {
        if (drive != nullptr) drive->software_reset();
    }
    if (IdeDrive* drive = drives_[0]) drive->diagnosed();
}

void IdeChannel::write_control(u8 value) {
    const bool reset_ends = (r_.control & kSoftReset) != 0 && (value & kSoftReset) == 0;
    const bool reset_begins = (r_.control & kSoftReset) == 0 && (value & kSoftReset) != 0;
    r_.control = value & (kNoInterrupts | kSoftReset | kPrevious);
    if (reset_begins || reset_ends) {
        r_.unit = 0;
        for (IdeDrive* drive : drives_) {
            if (drive == nullptr) continue;
            drive->software_reset();
            if (reset_begins) drive->hold_in_reset();
        }
    }
    update();
}

RegisterSpace IdeChannel::command_block() {
    return {.read = [this](u64 offset, unsigned size) -> u64 {
                if (offset == IdeDrive::kData) {
                    IdeDrive* drive = selected();
                    if (drive == nullptr) return mask_for(size);
                    u64 value = drive->read_data();
                    if (size == 4) value |= u64{drive->read_data()} << 16;
                    return value;
                }
                u64 value = 0;
                for (unsigned i = 0; i < size; ++i) value |= u64{read(offset + i)} << (8 * i);
                return value;
            },
            .write =
                [this](u64 offset, unsigned size, u64 value) {
                    if (offset == IdeDrive::kData) {
                        IdeDrive* drive = selected();
                        if (drive == nullptr) return;
                        drive->write_data(static_cast<u16>(value));
                        if (size == 4) drive->write_data(static_cast<u16>(value >> 16));
                        return;
                    }
                    for (unsigned i = 0; i < size; ++i) write(offset + i, static_cast<u8>(value >> (8 * i)));
                },
            .peek = [this](u64 offset, unsigned size) -> u64 { return size == 1 ? peek(offset) : mask_for(size); },
            .max_size = 4};
}

RegisterSpace IdeChannel::control_block() {
    const auto read = [this](u64, unsigned) { return u64{peek(IdeDrive::kStatus)}; };  // alternate status
    return {.read = read,
            .write = [this](u64, unsigned, u64 value) { write_control(static_cast<u8>(value)); },
            .peek = read,
            .max_size = 1};
}

}  // namespace bantam::devices
