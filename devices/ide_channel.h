// IdeChannel: one ATA cable: command block (eight ports) and control block (one port), up to two drives, the interrupt
// line of whichever is selected (ATA/ATAPI-6, 9.16: device 0 answers for an absent device 1).
#pragma once

#include <array>

#include "devices/ide_drive.h"

namespace bantam::devices {

class IdeChannel final : public Device {
public:
    struct Pins {
        OutputLine interrupt;                 // INTRQ of the selected drive, unless nIEN
        std::function<void()> dma_requested;  // the selected drive asserts DMARQ
    };
    IdeChannel(std::string name, Pins pins) : name_(std::move(name)), pins_(std::move(pins)) {}

    [[nodiscard]] std::string_view name() const override { return name_; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// `unit` 0 or 1; the drive must outlive the channel.
    void attach(unsigned unit, IdeDrive& drive);
    [[nodiscard]] IdeDrive* drive(unsigned unit) const { return drives_.at(unit); }
    [[nodiscard]] bool populated() const { return drives_[0] != nullptr || drives_[1] != nullptr; }
    /// The drive that DEV selects; null: absent.
    [[nodiscard]] IdeDrive* selected() const { return drives_[r_.unit]; }

    RegisterSpace command_block();
    RegisterSpace control_block();

    struct Registers {
        u8 unit = 0;
        u8 control = 0;
        bool line = false;  // what was last told to interrupt
    };

private:
    u8 read(u64 offset);
    [[nodiscard]] u8 peek(u64 offset) const;
    void write(u64 offset, u8 value);
    void write_control(u8 value);
    void diagnose();
    void update();

    std::string name_;
    Pins pins_;
    Registers r_;
    std::array<IdeDrive*, 2> drives_{};
};

}  // namespace bantam::devices
