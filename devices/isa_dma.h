// IsaDma: DMA on the ISA bus: two 8237As, the second one's channel 0 the cascade of the first, the page registers that
// give address lines 16-23, and the bus they share with the processor (IBM PC/AT technical reference; Intel 82371SB
// datasheet, DMA controller). Channels 0-3 move bytes within 64 KiB pages, 5-7 words within 128 KiB: an address that
// runs over wraps in its page. The A20 gate does not touch bus addresses. The bus is granted at once; one burst is
// bounded, and what still asks then goes on after the time those cycles take.
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/i8237.h"
#include "mmu/physical_memory.h"

namespace bantam::devices {

/// What a DACK line reaches. Bytes on channels 0-3, words on 5-7; `last`: TC comes with this one.
struct DmaRequester {
    std::function<u16(bool last)> read;               // IOR: the device gives
    std::function<void(u16 value, bool last)> write;  // IOW: the device takes
    std::function<void(bool last)> verify;            // DACK without a strobe
};

class IsaDma final : public Device {
public:
    static constexpr unsigned kChannels = 8;
    static constexpr unsigned kCascade = 4;

    IsaDma(Scheduler& scheduler, PhysicalMemory& memory);

    [[nodiscard]] std::string_view name() const override { return "dma"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Who answers DACK of `channel` (not 4). Without one the bus floats: reads give ones.
    void connect(unsigned channel, DmaRequester requester) { requesters_.at(channel) = std::move(requester); }
    /// Drives DREQ of `channel` (not 4).
    void set_request(unsigned channel, bool level);

    /// Ports 00h-0Fh, C0h-DFh (a register at every second port) and 81h-8Fh (offset 0: 81h).
    RegisterSpace first_registers() { return first_.registers(); }
    RegisterSpace second_registers();
    RegisterSpace page_registers();

private:
    static constexpr unsigned kPages = 16;
    void arbitrate();
    void move(unsigned channel, const I8237::Cycle& cycle);
    [[nodiscard]] Physical bus_address(unsigned channel, u16 address) const;

    Scheduler& scheduler_;
    PhysicalMemory& memory_;
    I8237 first_, second_;
    std::array<u8, kPages> pages_{};  // by port, 80h up; those of no channel are scratch
    std::array<DmaRequester, kChannels> requesters_;
    Timer next_burst_;
    bool granting_ = false;
};

}  // namespace bantam::devices
