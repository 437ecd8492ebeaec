// VgaPci: the PCI side of the VGA, function 1234:1111 as in Bochs and QEMU: base address register 0 is the linear frame
// buffer, 2, if it has that, the registers as memory with a monitor's EDID, the expansion ROM holds the VGA BIOS. The
// chip behind it is Vga; the board maps them.
#pragma once

#include "devices/pci.h"
#include "devices/vga.h"

namespace bantam::devices {

class VgaPci final : public PciFunction {
public:
    static constexpr u32 kRomBytes = 64 << 10;
    static constexpr unsigned kFrameBuffer = 0, kRegisters = 2;
    static constexpr u32 kRegisterBytes = 4096;

    explicit VgaPci(bool registers_as_memory)
        : PciFunction("vga_pci", {.vendor = 0x1234,
                                  .device = 0x1111,
                                  .revision = 2,
                                  .class_code = 0x030000,
                                  .subsystem_vendor = 0x1AF4,
                                  .subsystem = 0x1100}) {
        add_bar(kFrameBuffer, Space::prefetchable_memory, Vga::kMemoryBytes);
        if (registers_as_memory) add_bar(kRegisters, Space::memory, kRegisterBytes);
        add_rom_bar(kRomBytes);
    }
};

}  // namespace bantam::devices
