// Piix3Ide: function 1 of the PIIX3 (Intel 82371SB datasheet, 290550; Bus Master IDE programming interface 1.0), PCI
// 8086:7010: two channels at the legacy ports and the bus-master engine in BAR 4 that walks physical region descriptor
// tables. Timing registers are stored without effect; their decode enable bits count. DEVIATION: these are set after
// reset: firmware for virtual machines (OVMF) leaves them alone and looks for drives all the same.
#pragma once

#include "devices/ide_channel.h"
#include "devices/pci.h"
#include "mmu/physical_memory.h"

namespace bantam::devices {

class Piix3Ide final : public PciFunction {
public:
    static constexpr unsigned kChannels = 2;
    static constexpr unsigned kBusMasterBar = 4;
    struct Pins {
        std::function<void(unsigned channel, bool level)> interrupt;  // IRQ14, IRQ15
        std::function<void()> decode_changed;                         // channel_decoded() may be different
    };
    Piix3Ide(PhysicalMemory& memory, Pins pins);

    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    [[nodiscard]] IdeChannel& channel(unsigned index) { return channels_.at(index); }
    /// The channel's legacy ports answer: IDETIM decode enable and I/O space enable.
    [[nodiscard]] bool channel_decoded(unsigned index) const;
    /// BAR 4: 16 ports, eight a channel.
    RegisterSpace engine_registers();

    struct Engine {
        u8 command = 0;  // bit 0 start, bit 3 direction: to memory
        u8 status = 0;   // bit 0 active, 1 error, 2 interrupt, 5 and 6 drive DMA capable
        u32 table = 0;
        u32 next = 0;  // address of the next descriptor
        u32 address = 0;
        u32 left = 0;  // bytes left of the current region
        bool last = false;
    };

protected:
    void config_changed(unsigned offset, unsigned size) override;

private:
    u8 read(u64 offset) const;
    void write(u64 offset, u8 value);
    void write_command(unsigned index, u8 value);
    void interrupt_changed(unsigned index, bool level);
    void run(unsigned index);

    PhysicalMemory& memory_;
    Pins pins_;
    std::array<IdeChannel, kChannels> channels_;
    std::array<Engine, kChannels> engines_{};
};

}  // namespace bantam::devices
