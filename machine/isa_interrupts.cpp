#include "machine/isa_interrupts.h"

namespace bantam {
namespace {
constexpr unsigned kTimerLine = 0;
constexpr unsigned kTimerInput = 2;  // of the I/O APIC
constexpr unsigned kCascadeLine = 2;
}  // namespace

void IsaInterrupts::set(unsigned irq, IrqSource source, bool level) {
    CHECK(irq < kLines && irq != kCascadeLine);
    const bool before = pulled_[irq] != 0;
    const auto mask = static_cast<u16>(1u << static_cast<unsigned>(source));
    pulled_[irq] = static_cast<u16>(level ? pulled_[irq] | mask : pulled_[irq] & ~mask);
    const bool after = pulled_[irq] != 0;
    if (before == after) return;
    (irq < 8 ? master_ : slave_).set_irq(irq % 8, after);
    io_apic_.set_input(irq == kTimerLine ? kTimerInput : irq, after);
}

}  // namespace bantam
