// I8237: one 8237A programmable DMA controller (Intel 8237A datasheet, 231466-005): four channels with base and current
// address and count, demand, single, block and cascade mode, verify, write and read transfers, autoinitialization,
// address decrement, fixed and rotating priority, masks, software requests, status and terminal count.
// It counts and decides; what a cycle moves is its board's (devices/isa_dma.h). Left out: memory-to-memory transfers,
// whose command bits 0 and 1 are reserved in PC chipsets (Intel 82371SB datasheet, DCOM), and the timing bits 3 and 5,
// which no software can see. DACK sense (bit 7) is stored: every requester of a board agrees on one.
#pragma once

#include <optional>

#include "devices/device.h"

namespace bantam::devices {

class I8237 final : public Device {
public:
    static constexpr unsigned kChannels = 4;

    enum class Transfer : u8 { verify, write, read, cascade };  // write: to memory, read: from memory

    /// One DMA cycle: DACK of `channel` with address lines and strobes. `end_of_process`: EOP, its last one.
    struct Cycle {
        unsigned channel = 0;
        u16 address = 0;
        Transfer transfer = Transfer::verify;
        bool end_of_process = false;
    };
    struct Pins {
        OutputLine hold_request;  // HRQ
        std::function<void(const Cycle&)> cycle;
    };

    I8237(std::string name, Pins pins) : name_(std::move(name)), pins_(std::move(pins)) {}

    [[nodiscard]] std::string_view name() const override { return name_; }
    /// RESET; DREQ pins keep their levels, which are their drivers' affair.
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Registers 0..15 of the datasheet's table 5. Reading 0Fh gives the mask, as PC chipsets do; the other write-only
    /// registers read as FFh.
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;
    RegisterSpace registers();

    /// Drives DREQ of `channel` (0..3).
    void set_request(unsigned channel, bool level);
    /// HRQ: some channel wants the bus.
    [[nodiscard]] bool holds_request() const { return r_.hold_request; }
    /// HLDA for the length of one cycle of the channel that has priority. Nothing when none wants one.
    void run_cycle();

    struct Channel {
        u16 base_address = 0, base_count = 0;
        u16 address = 0, count = 0;  // current registers
        u8 mode = 0;                 // bits 7:2 of the mode register
        void describe(Archive& archive);
    };
    struct Registers {
        std::array<Channel, kChannels> channels{};
        u8 command = 0;
        u8 mask = 0x0F;
        u8 request = 0;       // software requests
        u8 reached = 0;       // status bits 3:0: terminal counts since the last look
        u8 pins = 0;          // DREQ as driven
        u8 holder = kNobody;  // keeps the bus between cycles: a block, or a demand transfer that goes on
        u8 lowest_priority = 3;
        bool second_byte = false;  // the first/last flip-flop
        bool hold_request = false;
    };

private:
    static constexpr u8 kNobody = 0xFF;
    [[nodiscard]] u8 hardware_requests() const;
    [[nodiscard]] u8 software_requests() const;
    [[nodiscard]] std::optional<unsigned> next_channel() const;
    [[nodiscard]] u8 status() const;
    [[nodiscard]] u8 current_byte(u64 offset) const;
    void write_count_or_address(u64 offset, u8 value);
    void reach_terminal_count(unsigned channel);
    void update();

    std::string name_;
    Pins pins_;
    Registers r_;
    bool running_ = false;  // inside run_cycle: requests that change are looked at afterwards
};

}  // namespace bantam::devices
