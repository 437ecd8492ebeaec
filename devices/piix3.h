// Piix3: function 0 of the PIIX3 (Intel 82371SB datasheet, 290550), the PCI-to-ISA bridge 8086:7000 at 0:1.0: routes
// PIRQA#-D# to ISA interrupts (60h-63h). Its edge/level registers (ports 4D0h, 4D1h) belong to the 8259As here
// (i8259.h), reset control (CF9h) is in system_ports.h. X-bus chip selects, ISA timing, DMA aliasing and SMI registers
// are stored without effect.
#pragma once

#include "devices/pci.h"

namespace bantam::devices {

class Piix3 final : public PciFunction {
public:
    struct Pins {
        std::function<void(unsigned irq, bool level)> isa_interrupt;  // what the PIRQs put on an ISA IRQ
    };
    explicit Piix3(Pins pins);

    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// INTx# (`pin` 1..4) of PCI device `device` changed; which PIRQ that is says pirq_of.
    void set_pci_interrupt(unsigned device, unsigned pin, bool asserted);
    /// PIRQ number 0..3 (A..D) that `pin` of `device` is wired to.
    [[nodiscard]] static constexpr unsigned pirq_of(unsigned device, unsigned pin) {
        return (device + pin - 1 + 3) % 4;
    }
    /// ISA IRQ that PIRQ `index` is routed to, or -1 when disabled.
    [[nodiscard]] int route(unsigned index) const;
    /// True while PIRQ `index` is asserted (I/O APIC inputs 16-19 on boards that wire them).
    [[nodiscard]] bool pirq(unsigned index) const { return r_.asserted[index] != 0; }

    struct Registers {
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
