// FloppyDrive: a diskette drive with its mechanics: head, spindle, sensors (track 0, write protect, index, disk change)
// and the diskette in it. After drive makers' data sheets (TEAC FD-55GFR for 5.25", FD-235HF for 3.5"). A raw image
// holds data only: every track is taken as formatted with its sectors in order, evenly spaced; deleted data address
// marks are kept here while the diskette is in. Left out: the half second a motor needs to come up to speed.
#pragma once

#include <array>
#include <optional>

#include "devices/device.h"
#include "storage/block_device.h"
#include "storage/floppy_format.h"

namespace bantam::devices {

class FloppyDrive final : public Device {
public:
    /// Values as in CMOS byte 10h.
    enum class Type : u8 { inch5_360k = 1, inch5_1200k = 2, inch3_1440k = 4, inch3_2880k = 5 };

    /// `name` is "floppy0" or the like.
    FloppyDrive(std::string name, Type type) : name_(std::move(name)), type_(type) {}

    /// The drive that a PC with diskettes of `format` would have; none given: 3.5" 1.44M.
    [[nodiscard]] static Type type_for(const std::optional<storage::FloppyFormat>& format);

    [[nodiscard]] std::string_view name() const override { return name_; }
    /// A drive has no reset line: the head stays where it is, as does the diskette.
    void reset() override {}
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    [[nodiscard]] Type type() const { return type_; }
    /// Whether a diskette of `format` goes in and can be read there.
    [[nodiscard]] bool takes(const storage::FloppyFormat& format) const;
    /// Puts a diskette in (null: takes it out); it must outlive its stay. `format` is its own, and the drive takes it.
    void insert(storage::BlockDevice* image, storage::FloppyFormat format);
    void eject();
    /// Told of every insert and eject.
    void set_medium_listener(std::function<void()> listener) { medium_listener_ = std::move(listener); }

    [[nodiscard]] bool has_disk() const { return image_ != nullptr; }
    [[nodiscard]] const storage::BlockDevice* image() const { return image_; }
    [[nodiscard]] const storage::FloppyFormat& format() const { return format_; }

    // --- what its signals say
    [[nodiscard]] bool at_track0() const { return r_.track == 0; }
    /// Without a diskette the sensor sees what it sees on a protected one.
    [[nodiscard]] bool write_protected() const { return !image_ || image_->readonly(); }
    [[nodiscard]] bool disk_changed() const { return r_.changed; }
    /// One STEP pulse; it also clears disk change when a diskette is in.
    void step(bool inward);
    [[nodiscard]] u64 rotation_ns() const { return type_ == Type::inch5_1200k ? 166'666'667 : 200'000'000; }

    // --- what the head reads
    /// Data rate of the diskette at this drive's speed of rotation, in kbit/s.
    [[nodiscard]] unsigned kilobits_per_second() const;
    /// Cylinder number in the ID fields under the head; none: no track of the diskette is there.
    [[nodiscard]] std::optional<u8> cylinder() const;
    /// Sectors of the track under `head`, 0: none.
    [[nodiscard]] unsigned sectors(unsigned head) const;
    /// Sectors are numbered from 1; `head` and `sector` exist and a cylinder is under the head.
    [[nodiscard]] storage::BlockDevice::Request read(unsigned head, unsigned sector);
    [[nodiscard]] storage::BlockDevice::Request write(unsigned head, unsigned sector, std::span<const u8> data,
                                                      bool deleted);
    /// The sector has a deleted data address mark.
    [[nodiscard]] bool deleted(unsigned head, unsigned sector) const;

    struct Registers {
        u8 track = 0;         // where the head is
        bool changed = true;  // DSKCHG: no step since a diskette came, or none is in
    };

private:
    static constexpr std::size_t kMostSectors = 8192;
    [[nodiscard]] bool doubled() const;
    [[nodiscard]] u8 last_track() const { return type_ == Type::inch5_360k ? 41 : 83; }
    [[nodiscard]] u64 block(unsigned head, unsigned sector) const;

    std::string name_;
    Type type_;
    storage::BlockDevice* image_ = nullptr;
    storage::FloppyFormat format_{};
    std::function<void()> medium_listener_;
    Registers r_;
    std::array<u8, kMostSectors / 8> deleted_{};  // bit per sector
};

}  // namespace bantam::devices
