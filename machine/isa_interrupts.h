// IsaInterrupts: the sixteen ISA interrupt lines. Several chips may pull one line (COM1 and COM3, SCI and PCI); it is
// asserted while any does. Each line ends at an 8259A input and at the I/O APIC input of the same number, but for the
// timer: IRQ0 is I/O APIC input 2, as on every PC with an MP table, and IRQ2 is the cascade.
#pragma once

#include <array>

#include "base/check.h"
#include "devices/i8259.h"
#include "devices/io_apic.h"

namespace bantam {

/// Who may pull an ISA interrupt line; one bit each per line.
enum class IrqSource : u8 {
    timer,
    hpet,
    keyboard,
    mouse,
    rtc,
    serial1,
    serial2,
    serial3,
    serial4,
    sci,
    floppy,
    ide,
    pirq,
    fpu,
    sound
};

class IsaInterrupts {
public:
    static constexpr unsigned kLines = 16;

    IsaInterrupts(devices::I8259& master, devices::I8259& slave, devices::IoApic& io_apic)
        : master_(master), slave_(slave), io_apic_(io_apic) {}

    /// `source` pulls line `irq` (0..15), or lets go.
    void set(unsigned irq, IrqSource source, bool level);
    [[nodiscard]] bool level(unsigned irq) const { return pulled_[irq] != 0; }
    /// An output pin that drives `irq` as `source`.
    [[nodiscard]] devices::OutputLine line(unsigned irq, IrqSource source) {
        return [this, irq, source](bool level) { set(irq, source, level); };
    }
    /// Nobody pulls any line: before the chips are reset.
    void reset() { pulled_ = {}; }
    void describe(Archive& archive) { archive.field("pulled", pulled_); }

private:
    devices::I8259& master_;
    devices::I8259& slave_;
    devices::IoApic& io_apic_;
    std::array<u16, kLines> pulled_{};  // bit per IrqSource
};

}  // namespace bantam
