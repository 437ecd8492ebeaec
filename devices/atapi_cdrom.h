// AtapiCdrom: a CD-ROM drive by the PACKET feature set of ATA/ATAPI-6 and the MMC-3 and SPC-2 commands that systems
// use: one data track of 2048-byte blocks over a BlockDevice, tray, lock, media events. Left out: audio, raw sectors,
// sessions beyond the first, writing.
#pragma once

#include "devices/ide_drive.h"
#include "storage/block_device.h"

namespace bantam::devices {

class AtapiCdrom final : public IdeDrive {
public:
    /// `medium` may be null (none); it must outlive its stay in the drive.
    AtapiCdrom(Scheduler& scheduler, std::string name, storage::BlockDevice* medium, std::string serial);

    void reset() override;
    void describe(Archive& archive) override;

    // --- the user's side
    /// Closes the tray on `medium`, or on nothing; the guest sees a media change.
    void insert(storage::BlockDevice* medium);
    /// Opens the tray and takes the medium out, locked or not.
    void eject();
    [[nodiscard]] bool tray_open() const { return s_.tray_open; }
    /// Told when the tray has moved, by the user or the guest.
    void set_tray_listener(std::function<void()> listener) { tray_listener_ = std::move(listener); }
    /// The guest has locked the tray (PREVENT ALLOW MEDIUM REMOVAL).
    [[nodiscard]] bool locked() const { return s_.locked; }
    /// The eject button was pressed while the tray is locked: the guest can see it as a media event.
    void request_eject() { s_.event = kEjectRequest; }

    struct Settings {
        u8 sense = 0, asc = 0, ascq = 0;
        bool attention = false;  // a unit attention condition waits
        u8 attention_asc = 0;
        bool tray_open = false;
        bool locked = false;
        u8 event = 0;  // media event that GET EVENT STATUS NOTIFICATION will report
        u8 transfer_mode = 0x0C;
        u32 lba = 0, remaining = 0;  // blocks the running READ still has to fetch
        u32 limit = 2;               // byte count limit of a DRQ block
        std::array<u8, 12> packet{};
    };

protected:
    void execute(u8 code) override;
    void work() override;
    storage::BlockDevice::Request submit() override;
    void buffer_done() override;
    void block_begins(u32 bytes) override;
    void set_signature() override;
    [[nodiscard]] std::string describe_medium() const override;
    [[nodiscard]] bool interrupts_others(u8 code) const override { return code == kDeviceReset; }

private:
    static constexpr u8 kDeviceReset = 0x08;
    enum Event : u8 { kNoEvent = 0, kEjectRequest = 1, kNewMedia = 2, kMediaRemoval = 3 };
    struct Sense {
        u8 key, asc, ascq;
    };

    void move_tray(bool open);
    [[nodiscard]] bool ready() const { return medium_ != nullptr && !s_.tray_open; }
    [[nodiscard]] u32 blocks() const;
    void identify();
    void run_packet();
    void packet_done();
    void packet_failed(Sense sense);
    /// Sends the first `bytes` of the buffer, at most `allocation` of them.
    void reply(u32 bytes, u32 allocation);
    void read_blocks(u32 lba, u32 count);
    void access_piece();
    void piece_done();
    [[nodiscard]] u32 piece_blocks() const;
    [[nodiscard]] bool piece_in_range() const;
    bool require_medium();

    // --- atapi_replies.cpp
    void request_sense();
    void inquiry();
    void mode_sense();
    void read_toc();
    void get_configuration();
    void event_status();
    void mechanism_status();
    void disc_information();
    void start_stop();

    storage::BlockDevice* medium_;
    std::function<void()> tray_listener_;
    std::string serial_;
    Settings s_;
};

}  // namespace bantam::devices
