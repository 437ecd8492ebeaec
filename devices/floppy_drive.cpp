// See floppy_drive.h.
#include "devices/floppy_drive.h"

#include <fmt/format.h>

#include "base/bits.h"
#include "base/check.h"

namespace bantam::devices {
namespace {
using storage::FloppyForm;
using storage::FloppyFormat;

constexpr unsigned kDoubleDensity = 250, kHighDensity = 500;

const char* type_name(FloppyDrive::Type type) {
    switch (type) {
        case FloppyDrive::Type::inch5_360k:
            return "5.25\" 360K";
        case FloppyDrive::Type::inch5_1200k:
            return "5.25\" 1.2M";
        case FloppyDrive::Type::inch3_1440k:
            return "3.5\" 1.44M";
        case FloppyDrive::Type::inch3_2880k:
            return "3.5\" 2.88M";
    }
    return "";
}
}  // namespace

FloppyDrive::Type FloppyDrive::type_for(const std::optional<FloppyFormat>& format) {
    if (!format) return Type::inch3_1440k;
    if (format->form == FloppyForm::inch5) {
        return format->kilobits_per_second == kDoubleDensity ? Type::inch5_360k : Type::inch5_1200k;
    }
    return format->kilobits_per_second > kHighDensity ? Type::inch3_2880k : Type::inch3_1440k;
}

bool FloppyDrive::takes(const FloppyFormat& format) const {
    switch (type_) {
        case Type::inch5_360k:
            return format.form == FloppyForm::inch5 && format.kilobits_per_second == kDoubleDensity;
        case Type::inch5_1200k:
            return format.form == FloppyForm::inch5;
        case Type::inch3_1440k:
            return format.form == FloppyForm::inch3 && format.kilobits_per_second <= kHighDensity;
        case Type::inch3_2880k:
            return format.form == FloppyForm::inch3;
    }
    return false;
}

void FloppyDrive::insert(storage::BlockDevice* image, FloppyFormat format) {
    CHECK(!image || (takes(format) && image->sector_count() * storage::kSectorSize == format.bytes()));
    image_ = image;
    format_ = format;
    r_.changed = true;
    deleted_ = {};
    if (medium_listener_) medium_listener_();
}

void FloppyDrive::eject() { insert(nullptr, {}); }

void FloppyDrive::describe(Archive& archive) {
    archive.field("track", r_.track);
    archive.field("changed", r_.changed);
    archive.bytes("deleted", deleted_.data(), deleted_.size());
    if (archive.loading() && r_.track > last_track()) r_.track = last_track();
}

std::string FloppyDrive::info() const {
    return fmt::format("{} ({}): {}, track {}{}", name_, type_name(type_),
                       image_ ? fmt::format("{}, {} diskette", image_->info(), format_.name) : "no diskette", r_.track,
                       r_.changed ? ", disk change" : "");
}

void FloppyDrive::step(bool inward) {
    if (inward && r_.track < last_track()) ++r_.track;
    if (!inward && r_.track > 0) --r_.track;
    if (image_) r_.changed = false;
}

/// A 40-cylinder diskette has every second track of an 80-track drive.
bool FloppyDrive::doubled() const { return format_.cylinders <= 42 && type_ != Type::inch5_360k; }

unsigned FloppyDrive::kilobits_per_second() const {
    constexpr unsigned kSlow = 300, kFast = 360;  // rotations a minute
    const bool faster = type_ == Type::inch5_1200k && format_.kilobits_per_second == kDoubleDensity;
    return faster ? format_.kilobits_per_second * kFast / kSlow : format_.kilobits_per_second;
}

std::optional<u8> FloppyDrive::cylinder() const {
    if (!image_ || (doubled() && bit(r_.track, 0))) return std::nullopt;
    const u8 cylinder = doubled() ? r_.track / 2 : r_.track;
    return cylinder < format_.cylinders ? std::optional<u8>(cylinder) : std::nullopt;
}

unsigned FloppyDrive::sectors(unsigned head) const {
    return cylinder().has_value() && head < format_.heads ? format_.sectors : 0;
}

u64 FloppyDrive::block(unsigned head, unsigned sector) const {
    const std::optional<u8> at = cylinder();
    CHECK(at.has_value() && sector >= 1 && sector <= sectors(head));
    return (u64{*at} * format_.heads + head) * format_.sectors + sector - 1;
}

storage::BlockDevice::Request FloppyDrive::read(unsigned head, unsigned sector) {
    return image_->read(block(head, sector), 1);
}

storage::BlockDevice::Request FloppyDrive::write(unsigned head, unsigned sector, std::span<const u8> data,
                                                 bool deleted) {
    const u64 at = block(head, sector);
    const u8 mark = static_cast<u8>(1 << (at % 8));
    deleted_.at(at / 8) = replace_bits(deleted_.at(at / 8), deleted ? mark : u8{0}, mark);
    return image_->write(at, data);
}

bool FloppyDrive::deleted(unsigned head, unsigned sector) const {
    const u64 at = block(head, sector);
    return bit(deleted_.at(at / 8), at % 8);
}

}  // namespace bantam::devices
