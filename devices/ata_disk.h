// AtaDisk: a hard disk by ATA/ATAPI-6 (T13/1410D) over a BlockDevice: IDENTIFY, reads and writes by PIO, in blocks
// (MULTIPLE) and by DMA with CHS, 28- and 48-bit addresses, verify, flush, geometry, power modes, features. A flush, or
// any write while the write cache is off, ends only when the image is on stable storage. Left out: security, SMART,
// host protected area, queued commands; they are not announced and abort.
#pragma once

#include "devices/ide_drive.h"
#include "storage/block_device.h"

namespace bantam::devices {

class AtaDisk final : public IdeDrive {
public:
    /// `image` must outlive the disk. `serial` is its serial number, at most 20 characters.
    AtaDisk(Scheduler& scheduler, std::string name, storage::BlockDevice& image, std::string serial);

    void reset() override;
    void describe(Archive& archive) override;

    struct Geometry {
        u32 cylinders = 0, heads = 0, sectors = 0;
    };
    /// The default translation: 16 heads, 63 sectors.
    [[nodiscard]] static Geometry default_geometry(u64 sectors);

    struct Settings {
        u8 heads = 16, sectors = 63;  // current translation
        u8 multiple = 0;              // sectors of a DRQ block in MULTIPLE commands; 0: those abort
        u8 transfer_mode = 0x0C;      // SET FEATURES 03h
        bool write_cache = true;
        bool look_ahead = true;
        u8 power = 0xFF;  // CHECK POWER MODE: active, or 0 in standby
        u64 lba = 0;      // next sector of the running command
        u32 remaining = 0;
        bool writing = false;
        bool extended = false;  // 48-bit command
        u8 block_sectors = 1;   // of a DRQ block in the running command
        bool verify = false;
    };

protected:
    void execute(u8 code) override;
    void work() override;
    storage::BlockDevice::Request submit() override;
    void buffer_done() override;
    void block_begins(u32) override {}
    void set_signature() override;
    [[nodiscard]] std::string describe_medium() const override;

private:
    struct Transfer {
        bool write = false;
        bool extended = false;
        bool dma = false;
        bool multiple = false;
        bool verify = false;
    };
    void start(const Transfer& transfer);
    void access_piece();
    void piece_done();
    void set_address(u64 lba);
    [[nodiscard]] bool take_address(bool extended, u64& lba) const;
    [[nodiscard]] u32 take_count(bool extended) const;
    [[nodiscard]] u32 piece_sectors() const;
    [[nodiscard]] bool piece_in_range() const;
    void piece_moved(u32 sectors);
    void fail_at(u64 lba, u8 error);
    void identify();
    void set_features();
    [[nodiscard]] bool flushes() const;
    void flushed();
    void native_max(bool extended);

    storage::BlockDevice& image_;
    std::string serial_;
    Settings s_;
};

}  // namespace bantam::devices
