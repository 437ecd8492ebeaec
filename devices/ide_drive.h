// IdeDrive: what ATA disks and ATAPI drives have in common (ATA/ATAPI-6, T13/1410D): the task file with its previous
// contents for 48-bit commands, the status register, INTRQ, and the buffer that moves to or from the host by PIO in DRQ
// blocks or by DMA. Commands take virtual time: between "busy" and "ready" lies a timer. The drive classes implement
// execute() and the callbacks. An access to the medium is submitted when that time begins and taken when it ends, so
// the guest sees the same on any host. Left out: overlapped and queued commands.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "devices/device.h"
#include "storage/block_device.h"

namespace bantam::devices {

class IdeDrive : public Device {
public:
    /// Offsets in the command block.
    enum Register : u8 { kData, kError, kCount, kLbaLow, kLbaMid, kLbaHigh, kDevice, kStatus };
    enum StatusBit : u8 { kErr = 0x01, kDrq = 0x08, kSeekComplete = 0x10, kFault = 0x20, kReady = 0x40, kBusy = 0x80 };
    enum ErrorBit : u8 { kAbort = 0x04, kIdNotFound = 0x10, kUncorrectable = 0x40 };
    /// The most that moves between two looks at the image file.
    static constexpr u32 kBufferBytes = 0x10000;

    IdeDrive(Scheduler& scheduler, std::string name);

    [[nodiscard]] std::string_view name() const override { return name_; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;
    /// INTRQ or DMARQ changed.
    void set_listener(std::function<void()> listener) { listener_ = std::move(listener); }

    // --- the channel's side
    /// Any register but data. `previous`: the HOB bit, for the previous contents of count and LBA registers.
    [[nodiscard]] u8 peek(u8 index, bool previous) const;
    /// Reading the status register drops INTRQ.
    u8 read_status();
    /// Registers 1-6; refused while busy.
    void write(u8 index, u8 value);
    void command(u8 value);
    u16 read_data();
    void write_data(u16 value);
    /// SRST went low again, or EXECUTE DEVICE DIAGNOSTIC: signature, nothing pending.
    void software_reset();
    /// SRST is high: busy until software_reset().
    void hold_in_reset() { r_.status = kBusy; }
    /// After EXECUTE DEVICE DIAGNOSTIC: device 0 interrupts.
    void diagnosed() { raise_interrupt(); }
    [[nodiscard]] bool interrupt() const { return r_.interrupt; }

    // --- DMA: DMARQ asserted, direction, what the drive offers or wants next, and how much of it was moved
    [[nodiscard]] bool dma_request() const {
        return r_.dma && (r_.phase == Phase::data_in || r_.phase == Phase::data_out);
    }
    [[nodiscard]] bool dma_to_host() const { return r_.phase == Phase::data_in; }
    [[nodiscard]] std::span<u8> dma_span() { return std::span(buffer_).subspan(r_.position, r_.end - r_.position); }
    void dma_advance(u32 bytes);

    enum class Phase : u8 { idle, busy, packet, data_in, data_out };
    struct Registers {
        u8 error = 0;
        u8 status = 0;
        u8 device = 0;
        std::array<u8, 4> task{};      // count, LBA low, mid, high
        std::array<u8, 4> previous{};  // what they held before the last write
        u8 features = 0, features_previous = 0;
        u8 command = 0;
        Phase phase = Phase::idle;
        bool interrupt = false;
        bool dma = false;
        u32 position = 0;   // next byte of the buffer for the host
        u32 block_end = 0;  // end of the DRQ block
        u32 end = 0;        // end of the buffer's contents
    };

protected:
    /// Carries out a command that the host has written; ends in finish(), fail(), busy_for() or a data phase.
    virtual void execute(u8 code) = 0;
    /// The time given to busy_for() is over.
    virtual void work() = 0;
    /// The medium's part of the running command: a read, a write of what is in the buffer, or a flush. Called once,
    /// from access() or, if that request was lost with a saved state, from take().
    virtual storage::BlockDevice::Request submit() = 0;
    /// The host took, or filled, the whole buffer.
    virtual void buffer_done() = 0;
    /// A DRQ block of a PIO transfer begins; `bytes` long.
    virtual void block_begins(u32 bytes) = 0;
    /// Leaves the signature in the task file and the status after reset.
    virtual void set_signature() = 0;
    /// More than the base's line for info().
    [[nodiscard]] virtual std::string describe_medium() const = 0;
    /// True for a command that runs even while another one does (DEVICE RESET of packet devices).
    [[nodiscard]] virtual bool interrupts_others(u8) const { return false; }

    void busy_for(u64 ns);
    /// Submits the medium's part and is busy for `ns`; take() in work() gives the result.
    void access(u64 ns);
    /// The request that access() submitted, finished by the host. Null if that failed, which is logged.
    [[nodiscard]] storage::BlockDevice::Request take();
    /// Ends the command well: DRDY, and INTRQ unless `quiet`.
    void finish(bool quiet = false);
    /// Ends the command with ERR and `error`.
    void fail(u8 error);
    /// Offers `bytes` of the buffer to the host / asks the host for them, in DRQ blocks of at most `block` bytes; PIO
    /// raises INTRQ at each block unless `quiet` (the first block of a PIO write).
    void begin_data(bool to_host, u32 bytes, u32 block, bool quiet = false);
    void begin_packet();
    void raise_interrupt();
    [[nodiscard]] std::vector<u8>& buffer() { return buffer_; }
    /// Time for `bytes` from or to the medium.
    [[nodiscard]] static u64 access_ns(u64 bytes);

    Registers r_;

private:
    void begin_block(bool quiet);
    void advance(u32 bytes);
    void changed() {
        if (listener_) listener_();
    }

    std::string name_;
    Scheduler& scheduler_;
    std::function<void()> listener_;
    std::vector<u8> buffer_;
    u32 block_bytes_ = 512;
    storage::BlockDevice::Request request_;  // not part of the state: submit() makes it again
    Timer timer_;
};

}  // namespace bantam::devices
