// The DSDT: the PCI root with its windows and interrupt routing, the ISA devices, HPET, processors, soft off.
#include <fmt/format.h>

#include "machine/boot/acpi_tables.h"
#include "machine/boot/aml.h"
#include "machine/boot/sdt.h"

namespace bantam::boot {
namespace {

using aml::device, aml::dma, aml::eisa_id, aml::integer, aml::io_ports, aml::irq, aml::join, aml::name, aml::resources,
    aml::Term;

Term fixed_device(std::string_view segment, std::string_view id, const Term& current_resources) {
    return device(segment, join({name("_HID", eisa_id(id)), name("_CRS", current_resources)}));
}

Term serial_port(unsigned index) {
    constexpr std::array<u16, 4> kBases{0x3F8, 0x2F8, 0x3E8, 0x2E8};
    constexpr std::array<u8, 4> kIrqs{4, 3, 4, 3};
    return device(fmt::format("COM{}", index + 1),
                  join({name("_HID", eisa_id("PNP0501")), name("_UID", integer(index + 1)),
                        name("_CRS", resources({io_ports(kBases.at(index), 8), irq(kIrqs.at(index))}))}));
}

Term isa_bridge(const BoardDescription& board) {
    Term body = join({
        name("_ADR", integer(0x00010000)),
        fixed_device("PIC", "PNP0000", resources({io_ports(0x20, 2), io_ports(0xA0, 2), io_ports(0x4D0, 2), irq(2)})),
        fixed_device("TMR", "PNP0100", resources({io_ports(0x40, 4), irq(0)})),
        fixed_device("DMAC", "PNP0200",
                     resources({io_ports(0x00, 16), io_ports(0x81, 15), io_ports(0xC0, 32), dma(4)})),
        fixed_device("RTC", "PNP0B00", resources({io_ports(0x70, 8), irq(8)})),
        fixed_device("SPKR", "PNP0800", resources({io_ports(0x61, 1)})),
        fixed_device("FPU", "PNP0C04", resources({io_ports(0xF0, 16), irq(13)})),
        fixed_device("KBD", "PNP0303", resources({io_ports(0x60, 1), io_ports(0x64, 1), irq(1)})),
        fixed_device("MOU", "PNP0F13", resources({irq(12)})),
    });
    if (board.floppy) {
        const Term diskettes = resources({io_ports(0x3F0, 6), io_ports(0x3F7, 1), irq(6), dma(2)});
        body = join({body, fixed_device("FDC0", "PNP0700", diskettes)});
    }
    if (board.pvpanic)  // QEMU, docs/specs/pvpanic.rst, "ACPI Interface"
        body = join({body, device("PEVT", join({name("_HID", aml::string("QEMU0001")), name("_STA", integer(0x0F)),
                                                name("_CRS", resources({io_ports(kPvpanicPort, 1)}))}))});
    for (unsigned i = 0; i < board.serial.size(); ++i) {
        if (board.serial.at(i)) body = join({body, serial_port(i)});
    }
    return device("ISA", body);
}

/// _PRT (6.2.13): every device and pin, straight to the interrupt input; the routes are fixed.
Term interrupt_routing() {
    std::vector<Term> entries;
    for (unsigned slot = 0; slot < 32; ++slot) {
        for (unsigned pin = 0; pin < 4; ++pin) {
            entries.push_back(aml::package(
                {integer(slot << 16 | 0xFFFF), integer(pin), integer(0), integer(kPirqRoutes.at(pirq_of(slot, pin)))}));
        }
    }
    return aml::package(entries);
}

Term pci_root(const BoardDescription& board) {
    return device(
        "PCI0", join({name("_HID", eisa_id("PNP0A03")), name("_UID", integer(0)),
                      name("_CRS", resources({aml::bus_range(0, 0), io_ports(0xCF8, 8), aml::io_window(0, 0xCF7),
                                              aml::io_window(0xD00, 0xFFFF), aml::memory_window(0xA0000, 0xBFFFF, true),
                                              aml::memory_window(kPciHoleBase, kPciHoleEnd, false)})),
                      name("_PRT", interrupt_routing()), isa_bridge(board)}));
}

}  // namespace

std::vector<u8> make_dsdt(const BoardDescription& board) {
    const Term hpet = fixed_device("HPET", "PNP0103", resources({aml::memory32_fixed(kHpetBase, 0x400)}));
    const Term motherboard =
        fixed_device("MBRD", "PNP0C02",
                     resources({io_ports(board.pm_base, kPmBytes), io_ports(kSmiCommandPort, 2), io_ports(0x80, 1),
                                io_ports(0x92, 1), aml::memory32_fixed(kIoApicBase, 0x1000),
                                aml::memory32_fixed(kLocalApicBase, 0x1000)}));
    Term processors;
    const std::size_t count = board.local_apic_ids.empty() ? 1 : board.local_apic_ids.size();
    for (std::size_t i = 0; i < count; ++i) {
        processors = join({processors, aml::processor(fmt::format("C{:03X}", i), static_cast<u8>(i))});
    }
    // SLP_TYP 0 is the PIIX4's soft off.
    const Term soft_off = name("\\_S5", aml::package({integer(0), integer(0), integer(0), integer(0)}));
    constexpr u8 kRevision = 1;  // integers are 32 bits wide
    return make_sdt("DSDT", kRevision,
                    join({soft_off, aml::scope("\\_PR", processors),
                          aml::scope("\\_SB", join({pci_root(board), hpet, motherboard}))}));
}

}  // namespace bantam::boot
