// IntelFlash: a NOR flash memory with Intel's command set, 8 bits wide, as firmware images for PCs expect it below 4
// GiB: read array, identifier codes, CFI query, status register, block erase, byte program, write to buffer, block lock
// bits. Documents: "Intel StrataFlash Memory (J3)" (290667), whose register and command names are used here, and
// "Common Flash Memory Interface" (JEDEC JESD68.01) with Intel's command set 0001h (JEP137). The array is the machine's
// copy of an image file: what changes in it is written back, block by block, kWriteBackNs of guest time later.
//
// DEVIATION: programming and erasing take no guest time, since firmware for virtual machines (OVMF) does not wait for
// SR.7; so nothing can be suspended. It also tells flash from ROM by a status register that reads 00h after Clear
// Status Register, SR.7 included. Blocks are 4 KiB, smaller than any J3 has. Lock bits are not kept in the image. Left
// out: protection registers, the STS pin.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "devices/device.h"
#include "storage/block_device.h"

namespace bantam::devices {

class IntelFlash final : public Device {
public:
    static constexpr u32 kBlockBytes = 4096;
    static constexpr u32 kBufferBytes = 256;
    static constexpr u64 kWriteBackNs = 1'000'000;
    enum StatusBit : u8 {
        kDeviceProtect = 0x02,  // SR.1: the block is locked
        kVpen = 0x08,           // SR.3: VPEN is low, nothing can be changed
        kProgramError = 0x10,   // SR.4; with SR.5: improper command sequence
        kEraseError = 0x20,     // SR.5
        kReady = 0x80,          // SR.7
    };
    struct Pins {
        /// The array shows (reads need not come here), or something else does. The board maps accordingly.
        std::function<void(bool shown)> array_shown;
    };

    /// `contents` is what `medium` holds, a whole number of blocks. A read-only medium holds VPEN low.
    IntelFlash(Scheduler& scheduler, std::string name, storage::BlockDevice& medium, std::vector<u8> contents,
               Pins pins);
    /// Writes back what is still waiting.
    ~IntelFlash() override;
    IntelFlash(const IntelFlash&) = delete;
    IntelFlash& operator=(const IntelFlash&) = delete;

    [[nodiscard]] std::string_view name() const override { return name_; }
    /// RP#: the array shows. Its contents and the lock bits stay.
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    RegisterSpace registers();
    [[nodiscard]] std::span<const u8> array() const { return array_; }
    [[nodiscard]] bool shows_array() const { return r_.shows == Shows::array; }

    enum class Shows : u8 { array, identifier, query, status };
    /// What the next write is.
    enum class Expects : u8 {
        command,
        program_data,
        erase_confirm,
        lock_confirm,
        buffer_count,
        buffer_data,
        buffer_confirm
    };
    struct Registers {
        Shows shows = Shows::array;
        Expects expects = Expects::command;
        u8 status = kReady;
        u32 block = 0;         // that the running sequence is about
        u32 buffer_start = 0;  // where in the array the write buffer begins
        u16 buffer_bytes = 1;  // how many the sequence announced
        u16 buffer_filled = 0;
        bool sequence_error = false;  // of the running write to buffer
        std::array<u8, kBufferBytes> buffer{};
    };

private:
    [[nodiscard]] u8 read(u32 offset) const;
    void write(u32 offset, u8 value);
    void command(u32 offset, u8 code);
    void fill_buffer(u32 offset, u8 value);
    void program(u32 offset, std::span<const u8> data);
    void erase();
    void confirm_lock(u8 value);
    void finish(unsigned error_bits);
    void show(Shows shows);
    [[nodiscard]] u8 query(u32 offset) const;
    [[nodiscard]] u8 identifier(u32 offset) const;
    [[nodiscard]] u8 protection(u32 block) const;
    void changed(u32 block);
    void write_back();
    void judge(const storage::BlockDevice::Request& request);

    const std::string name_;
    Scheduler& scheduler_;
    storage::BlockDevice& medium_;
    const Pins pins_;
    Registers r_;
    std::vector<u8> array_;
    std::vector<u8> locked_;  // a lock bit a block
    std::vector<u8> dirty_;   // a block: changed since it was last written back
    bool vpen_ = true;        // false: the medium takes no writes
    std::vector<storage::BlockDevice::Request> under_way_;
    Timer write_back_timer_;
};

}  // namespace bantam::devices
