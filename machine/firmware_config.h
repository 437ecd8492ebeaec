// FirmwareConfig: what the board tells its firmware through fw_cfg: memory map, processor count, boot order, and the
// ACPI and SMBIOS tables with the script that installs them ("etc/table-loader": allocate, add pointer, add checksum,
// as in QEMU's published linker-loader format). ACPI tables are made again when the firmware reads them, since by then
// it has placed the power management ports.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "devices/fw_cfg.h"
#include "machine/boot/acpi_tables.h"
#include "machine/firmware.h"

namespace bantam {

class FirmwareConfig {
public:
    struct Board {
        const PhysicalMemory& memory;
        /// Describes the board as it is now.
        std::function<boot::BoardDescription()> describe;
        /// Boot devices, the first choice first, as Open Firmware paths below the PCI host bridge.
        std::vector<std::string> boot_paths;
        /// What the firmware is to run beside the ROMs of the PCI functions, in this order.
        std::vector<OptionRom> option_roms;
    };
    /// Fills `device`; both must outlive this object.
    FirmwareConfig(devices::FwCfg& device, Board board);

private:
    void make_acpi_files();
    void set_option_roms();

    devices::FwCfg& device_;
    Board board_;
    u16 tables_key_ = 0;
};

}  // namespace bantam
