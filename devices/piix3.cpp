// See piix3.h.
#include "devices/piix3.h"

#include <fmt/format.h>

#include "base/bits.h"
#include "base/check.h"

namespace bantam::devices {
namespace {
constexpr u8 kPirqRoute = 0x60;
// IRQs a PIRQ may be routed to: not 0, 1, 2, 8, 13.
constexpr u16 kRoutable = 0xDEF8;
}  // namespace

Piix3::Piix3(Pins pins)
    : PciFunction(
          "piix3",
          {.vendor = 0x8086, .device = 0x7000, .revision = 0x00, .class_code = 0x060100, .multifunction = true}),
      pins_(std::move(pins)) {
    define(0x04, 0x07, 0x08);  // I/O, memory, bus master hard-wired on; special cycle enable
    define(0x05, 0, 0x01);
    define(0x07, 0x02, 0);
    define(0x4C, 0x4D, 0x7F);  // ISA I/O recovery
    define(0x4E, 0x03, 0xFF);  // X-bus chip select
    define(0x4F, 0, 0x07);
    for (u8 i = 0; i < 4; ++i) define(static_cast<u8>(kPirqRoute + i), 0x80, 0x8F);
    define(0x69, 0x02, 0xFE);  // top of memory
    define(0x6A, 0, 0xFF);
    define(0x6B, 0, 0xFF);
    for (u8 i = 0; i < 2; ++i) define(static_cast<u8>(0x70 + i), 0x80, 0xEF);  // motherboard device IRQ routes
    define(0x76, 0x0C, 0x8F);                                                  // DMA
    define(0x77, 0x0C, 0x8F);
    define(0x78, 0x02, 0xFF);  // programmable chip select
    define(0x79, 0, 0xFF);
    define(0x80, 0, 0x7F);     // APIC base
    define(0x82, 0, 0x0F);     // deterministic latency
    define(0xA0, 0x08, 0x1F);  // SMI control
    define(0xA2, 0, 0xFF);
    define(0xA3, 0, 0x1F);
    for (u8 i = 0; i < 4; ++i) define(static_cast<u8>(0xA4 + i), 0, 0xFF);
    define(0xA8, 0x0F, 0xFF);
    define_write_one_to_clear(0xAA, 0xFF);
    define_write_one_to_clear(0xAB, 0x01);
    define(0xAC, 0, 0xFF);
    define(0xAE, 0, 0xFF);
}

void Piix3::reset() {
    PciFunction::reset();
    for (u32& devices : r_.asserted) devices = 0;
    update_interrupts();
    r_ = {};
}

void Piix3::describe(Archive& archive) {
    archive.field("irq_levels", r_.irq_levels);
    archive.field("asserted", r_.asserted);
    PciFunction::describe(archive);
}

std::string Piix3::info() const {
    std::string text = PciFunction::info();
    for (unsigned i = 0; i < 4; ++i) {
        const int irq = route(i);
        text += fmt::format("  PIRQ{} -> {}{}\n", static_cast<char>('A' + i),
                            irq < 0 ? "off" : fmt::format("IRQ {}", irq), pirq(i) ? " (asserted)" : "");
    }
    return text;
}

int Piix3::route(unsigned index) const {
    const u8 value = config(static_cast<u8>(kPirqRoute + index));
    if (bit(value, 7) || !bit(kRoutable, value & 0x0F)) return -1;
    return value & 0x0F;
}

void Piix3::set_pci_interrupt(unsigned device, unsigned pin, bool asserted) {
    CHECK(device < 32 && pin >= 1 && pin <= 4);
    u32& devices = r_.asserted[pirq_of(device, pin)];
    devices = asserted ? devices | (u32{1} << device) : devices & ~(u32{1} << device);
    update_interrupts();
}

void Piix3::update_interrupts() {
    u16 levels = 0;
    for (unsigned i = 0; i < 4; ++i) {
        if (pirq(i) && route(i) >= 0) levels |= static_cast<u16>(1u << route(i));
    }
    const unsigned changed = levels ^ r_.irq_levels;
    r_.irq_levels = levels;
    for (unsigned irq = 0; irq < 16; ++irq) {
        if (bit(changed, irq) && pins_.isa_interrupt) pins_.isa_interrupt(irq, bit(levels, irq));
    }
}

void Piix3::config_changed(unsigned offset, unsigned size) {
    if (offset < kPirqRoute + 4 && offset + size > kPirqRoute) update_interrupts();
}

}  // namespace bantam::devices
