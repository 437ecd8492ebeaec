// FwCfg: the firmware configuration device by which a virtual machine hands its firmware named blobs (QEMU's published
// specification, "QEMU Firmware Configuration (fw_cfg) Device"): selector port 510h, data port 511h, and the DMA
// address register at 514h. Items are read-only here: the guest cannot change what the board describes. Left out: the
// ACPI device node and writable files.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "devices/device.h"
#include "mmu/physical_memory.h"

namespace bantam::devices {

class FwCfg final : public Device {
public:
    /// Selector keys of the items that have no name.
    enum Key : u16 {
        kSignature = 0x00,
        kId = 0x01,
        kUuid = 0x02,
        kRamSize = 0x03,
        kNoGraphic = 0x04,
        kCpuCount = 0x05,
        kBootMenu = 0x0E,
        kMaxCpus = 0x0F,
        kFileDirectory = 0x19,
        kFirstFile = 0x20,
    };
    static constexpr std::size_t kFileNameBytes = 56;

    explicit FwCfg(PhysicalMemory& memory);

    /// Called when the guest is about to read item `key` from its start: the listener may renew it with set_file, at
    /// the size it had.
    void set_select_listener(std::function<void(u16 key)> listener) { select_listener_ = std::move(listener); }

    [[nodiscard]] std::string_view name() const override { return "fw_cfg"; }
    void reset() override { r_ = {}; }
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Sets an unnamed item.
    void set_item(u16 key, std::vector<u8> contents) { items_[key] = std::move(contents); }
    /// Sets the file called `name` (at most 55 characters) and gives its key; the first call for a name puts it into
    /// the directory.
    u16 set_file(std::string_view name, std::vector<u8> contents);
    /// Key of a file; 0: there is none.
    [[nodiscard]] u16 key_of(std::string_view name) const;

    /// Ports 510h and 511h: the selector takes 2 bytes at offset 0, data come a byte at a time from offset 1.
    RegisterSpace ports();
    /// Ports 514h-51Bh, big-endian: address high, address low (which starts the transfer); reading gives the signature.
    RegisterSpace dma_ports();

    struct Registers {
        u16 selector = 0;
        u32 offset = 0;
        u64 dma_address = 0;
    };

private:
    void select(u16 key);
    u8 read_data();
    void write_dma(u64 offset, unsigned size, u32 value);
    void run_dma();
    void write_zeroes(u64 address, u64 length);
    [[nodiscard]] std::span<const u8> current() const;
    void rebuild_directory();

    PhysicalMemory& memory_;
    std::function<void(u16 key)> select_listener_;
    Registers r_;
    std::map<u16, std::vector<u8>> items_;
    std::vector<std::string> files_;  // file n has key kFirstFile + n
};

}  // namespace bantam::devices
