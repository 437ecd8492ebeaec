// The ACPI tables of board `pc` (ACPI specification 6.4, tables as of revision 2.0): RSDP, RSDT, XSDT, FADT, FACS,
// DSDT, MADT and HPET, for kernels loaded without firmware and, relocatable, for firmware to install. They describe
// what machine/pc.cpp wires; the constants here are the ones both use. Left out: sleep states other than soft off,
// thermal zones.
#pragma once

#include <array>
#include <vector>

#include "devices/hpet.h"
#include "devices/io_apic.h"
#include "devices/local_apic.h"
#include "devices/piix3.h"
#include "mmu/physical_memory.h"

namespace bantam::boot {

/// PM registers of the PIIX4 (PMBASE), SMI command port and its values.
inline constexpr u16 kPmBase = 0x600;
inline constexpr u16 kPmBytes = 0x40;
inline constexpr u16 kSmiCommandPort = 0xB2;
inline constexpr u16 kPvpanicPort = 0x505;
inline constexpr u8 kAcpiEnable = 0xF1, kAcpiDisable = 0xF0;
inline constexpr u8 kSciIrq = 9;
/// ISA IRQs, and I/O APIC inputs, of PIRQA#-D#.
inline constexpr std::array<u8, 4> kPirqRoutes{10, 10, 11, 11};
/// PIRQ 0-3 that INTA#-D# (`pin` 0-3) of PCI device `device` is wired to.
constexpr unsigned pirq_of(unsigned device, unsigned pin) { return devices::Piix3::pirq_of(device, pin + 1); }
/// Where PCI memory may be given out.
inline constexpr u32 kPciHoleBase = 0xE0000000, kPciHoleEnd = 0xFEBFFFFF;
inline constexpr u32 kIoApicBase = u32{devices::IoApic::kDefaultBase};
inline constexpr u32 kLocalApicBase = u32{devices::LocalApic::kDefaultBase};
inline constexpr u32 kHpetBase = u32{devices::Hpet::kDefaultBase};
inline constexpr u8 kIoApicId = 1;

struct BoardDescription {
    std::array<bool, 4> serial{};       // which of COM1-4 exist
    std::vector<u8> local_apic_ids{0};  // one a processor; empty: no APICs at all, so no MADT and no MP table
    bool pvpanic = false;               // there is the port for panics
    bool floppy = false;                // there is a diskette controller
    u16 pm_base = kPmBase;
    u32 cpu_signature = 0;  // CPUID.1 EAX and EDX, for the MP table
    u32 cpu_features = 0;
};

/// The tables as one block to be loaded at `base`, and the RSDP; everything that changes when firmware loads them
/// elsewhere is listed, with offsets from the start of the block (of the RSDP).
struct AcpiImage {
    struct Pointer {
        u64 offset;
        u8 size;  // 4 or 8 bytes
    };
    struct Checksum {
        u64 offset;
        u64 start;
        u64 length;
    };
    std::vector<u8> tables, rsdp;
    std::vector<Pointer> pointers, rsdp_pointers;  // all into the tables
    std::vector<Checksum> checksums, rsdp_checksums;
};
[[nodiscard]] AcpiImage make_acpi_image(const BoardDescription& board, u64 base);

/// Writes the tables into the BIOS area (low_memory.h), which must be RAM now; gives the RSDP's address.
Physical install_acpi_tables(PhysicalMemory& memory, const BoardDescription& board);

/// The DSDT alone, for tests and `iasl`.
[[nodiscard]] std::vector<u8> make_dsdt(const BoardDescription& board);

}  // namespace bantam::boot
