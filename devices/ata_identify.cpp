// AtaDisk's IDENTIFY DEVICE data (ATA/ATAPI-6, 8.15) and its geometry.
#include <fmt/format.h>

#include <algorithm>

#include "devices/ata_disk.h"
#include "devices/ide_identify.h"

namespace bantam::devices {

AtaDisk::Geometry AtaDisk::default_geometry(u64 sectors) {
    constexpr u32 kHeads = 16, kSectors = 63, kMaxCylinders = 16383;
    return {static_cast<u32>(std::clamp<u64>(sectors / (kHeads * kSectors), 1, kMaxCylinders)), kHeads, kSectors};
}

void AtaDisk::identify() {
    const u64 size = image_.sector_count();
    const Geometry g = default_geometry(size);
    const u32 cylinders = static_cast<u32>(std::min<u64>(size / (u64{s_.heads} * s_.sectors), 0xFFFF));
    const u32 current = cylinders * s_.heads * s_.sectors;
    IdentifyData words(buffer());
    words.set(0, 0x0040);  // fixed drive
    words.set(1, g.cylinders);
    words.set(3, g.heads);
    words.set(6, g.sectors);
    words.text(10, 10, serial_);
    words.text(23, 4, "1.0");
    words.text(27, 20, "BANTAM HARDDISK");
    words.set(47, 0x8010);
    words.set(48, 0x0001);  // 32-bit data port accesses work
    words.set(49, 0x0B00);  // IORDY, LBA, DMA
    words.set(50, 0x4000);
    words.set(51, 0x0200);
    words.set(53, 0x0007);
    words.set(54, cylinders);
    words.set(55, s_.heads);
    words.set(56, s_.sectors);
    words.set(57, current & 0xFFFF);
    words.set(58, current >> 16);
    words.set(59, s_.multiple == 0 ? 0u : 0x0100u | s_.multiple);
    const u32 lba28 = static_cast<u32>(std::min<u64>(size, 0x0FFFFFFF));
    words.set(60, lba28 & 0xFFFF);
    words.set(61, lba28 >> 16);
    words.transfer_modes(s_.transfer_mode);
    words.set(80, 0x007E);           // ATA-1 to ATA/ATAPI-6
    const u32 caches = 0x0060;       // write cache, look-ahead
    words.set(82, 0x4000 | caches);  // NOP
    words.set(83, 0x7400);           // FLUSH CACHE (EXT), 48-bit addresses
    words.set(84, 0x4000);
    words.set(85, 0x4000u | (s_.write_cache ? 0x20u : 0u) | (s_.look_ahead ? 0x40u : 0u));
    words.set(86, 0x3400);
    words.set(87, 0x4000);
    for (unsigned i = 0; i < 4; ++i) words.set(100 + i, static_cast<u32>(size >> (16 * i) & 0xFFFF));
    words.finish();
}

std::string AtaDisk::describe_medium() const { return "disk, " + image_.info(); }

}  // namespace bantam::devices
