// What a machine consists of at the moment, as data: for programs that control it, and for `info` (machine/info.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/block_device.h"

namespace bantam {

struct DriveState {
    std::string name;  // "ide0-hd0", "ide1-cd0", "floppy0"
    bool removable = false;
    bool locked = false;     // the guest does not let the medium out
    bool tray_open = false;  // CD-ROM
    bool has_tray = false;   // CD-ROM
    std::string words{};     // what the drive says of itself: kind, medium, registers
    struct Medium {
        std::string path;
        u64 bytes = 0;
        bool readonly = false;
        storage::BlockStatistics statistics;  // since it was put in
    };
    std::optional<Medium> medium;
};

struct PciFunctionState {
    unsigned device = 0, function = 0;
    std::string name;
    u16 vendor_id = 0, device_id = 0, subsystem_vendor = 0, subsystem = 0;
    u16 class_code = 0;  // class and subclass
    u8 programming_interface = 0;
    unsigned interrupt_pin = 0;  // 1: INTA#; 0: none
    unsigned interrupt_line = 0;
    struct Region {
        unsigned bar = 0;  // 6: the expansion ROM
        bool io = false, prefetchable = false;
        std::optional<u64> base;  // nothing: not mapped
        u64 bytes = 0;
    };
    std::vector<Region> regions;
};

}  // namespace bantam
