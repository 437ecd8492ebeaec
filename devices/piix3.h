// Piix3: function 0 of the PIIX3 (Intel 82371SB datasheet, 290550), the PCI-to-ISA bridge 8086:7000 at 0:1.0: routes
// PIRQA#-D# to ISA interrupts (60h-63h) and holds the edge/level registers ELCR1/ELCR2 (ports 4D0h, 4D1h). Reset
// control (CF9h) is in system_ports.h. X-bus chip selects, ISA timing, DMA aliasing and SMI registers are stored
// without effect.
#pragma once

#include "devices/pci.h"

namespace bantam::devices {

class Piix3 final : public PciFunction {
public:
    struct Pins {
        std::function<void(unsigned irq, bool level)> isa_interrupt;  // what the PIRQs put on an ISA IRQ
        std::function<void(u16 mask)> elcr_changed;                   // bit n: IRQ n is level-triggered
    };
    explicit Piix3(Pins pins);

    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// INTx# (`pin` 1..4) of PCI device `device` changed; the board's swizzle is PIRQ (device + pin - 1 + kSwizzle)
    /// mod 4.
    void set_pci_interrupt(unsigned device, unsigned pin, bool asserted);
    /// PIRQ number 0..3 (A..D) that `pin` of `device` is wired to.
    [[nodiscard]] static unsigned pirq_of(unsigned device, unsigned pin) { return (device + pin - 1 + 3) % 4; }
    /// ISA IRQ that PIRQ `index` is routed to, or -1 when disabled.
    [[nodiscard]] int route(unsigned index) const;
    /// True while PIRQ `index` is asserted (I/O APIC inputs 16-19 on boards that wire them).
    [[nodiscard]] bool pirq(unsigned index) const { return r_.asserted[index] != 0; }

    /// Ports 4D0h and 4D1h: offsets 0 and 1.
    u8 read(u64 offset) const;
    void write(u64 offset, u8 value);
    RegisterSpace elcr_registers();
    [[nodiscard]] u16 elcr() const { return r_.elcr; }

    struct Registers {
        u16 elcr = 0;
        u16 irq_levels = 0;             // what was last told to isa_interrupt
        std::array<u32, 4> asserted{};  // per PIRQ: devices (bit n = device n) that pull it
    };

protected:
    void config_changed(unsigned offset, unsigned size) override;

private:
    void update_interrupts();

    Pins pins_;
    Registers r_;
};

}  // namespace bantam::devices
