#include "machine/boot/e820.h"

#include <array>

#include "machine/boot/little_endian.h"
#include "machine/boot/low_memory.h"

namespace bantam::boot {

std::vector<MemoryRange> memory_ranges(const PhysicalMemory& memory) {
    using Type = MemoryRange::Type;
    constexpr u64 kFirmwareBase = 0xFEC00000;  // I/O APIC, HPET, local APIC, BIOS
    std::vector<MemoryRange> ranges{
        {0, low_memory::kExtendedBiosData, Type::ram},
        {low_memory::kExtendedBiosData, low_memory::kVga - low_memory::kExtendedBiosData, Type::reserved},
        {low_memory::kAcpiTables, low_memory::kBiosEnd - low_memory::kAcpiTables, Type::reserved},
    };
    if (memory.low_ram_bytes() > low_memory::kBiosEnd) {
        ranges.push_back({low_memory::kBiosEnd, memory.low_ram_bytes() - low_memory::kBiosEnd, Type::ram});
    }
    ranges.push_back({kFirmwareBase, PhysicalMemory::kHighRamBase - kFirmwareBase, Type::reserved});
    if (memory.high_ram_bytes() != 0)
        ranges.push_back({PhysicalMemory::kHighRamBase, memory.high_ram_bytes(), Type::ram});
    return ranges;
}

void write_bios_data_area(PhysicalMemory& memory, const std::array<bool, 4>& serial) {
    constexpr std::array<u16, 4> kSerialPorts{0x3F8, 0x2F8, 0x3E8, 0x2E8};
    std::array<u8, 0x100> area{};
    u16 count = 0;
    for (std::size_t i = 0; i < serial.size(); ++i) {
        if (!serial[i]) continue;
        write_le<u16>(area, 2 * i, kSerialPorts[i]);
        ++count;
    }
    write_le<u16>(area, 0x0E, low_memory::kExtendedBiosData >> 4);
    write_le<u16>(area, 0x10, static_cast<u16>(0x0026 | count << 9));  // equipment: FPU, PS/2 mouse, colour 80 x 25
    write_le<u16>(area, 0x13, low_memory::kExtendedBiosData >> 10);    // KiB of base memory
    write_le<u16>(area, 0x1A, 0x1E);                                   // keyboard buffer: empty, at its usual place
    write_le<u16>(area, 0x1C, 0x1E);
    write_le<u8>(area, 0x49, 3);  // video mode
    write_le<u16>(area, 0x4A, 80);
    write_le<u16>(area, 0x4C, 4096);
    write_le<u16>(area, 0x60, 0x0D0E);  // cursor shape
    write_le<u16>(area, 0x63, 0x3D4);
    write_le<u16>(area, 0x80, 0x1E);
    write_le<u16>(area, 0x82, 0x3E);
    write_le<u8>(area, 0x84, 24);
    write_le<u16>(area, 0x85, 16);
    memory.copy_in({low_memory::kBiosData}, area);
    const std::array<u8, 1> kib{1};  // the EBDA begins with its size
    memory.copy_in({low_memory::kExtendedBiosData}, kib);
}

}  // namespace bantam::boot
