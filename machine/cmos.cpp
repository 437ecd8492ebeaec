// What the board's setup program would have stored in CMOS (IBM PC/AT technical reference; Ralf Brown's list for the
// extended bytes that PC firmware reads).
#include <algorithm>

#include "machine/pc.h"

namespace bantam {
namespace {

constexpr u64 kKiB = 1024, kMiB = 1024 * kKiB;
constexpr u16 kBaseMemory_KiB = 640;

enum CmosByte : u8 {
    kDisketteTypes = 0x10,  // bits 7:4 drive A, 3:0 drive B
    kEquipment = 0x14,
    kBaseMemory = 0x15,
    kExtendedMemory = 0x17,  // KiB above 1 MiB
    kExtendedMemoryCopy = 0x30,
    kMemoryAbove16M = 0x34,  // 64 KiB units
    kBootOrder3 = 0x38,      // bits 7:4 the third choice
    kDiskTranslation = 0x39,
    kBootOrder = 0x3D,      // bits 3:0 the first choice, 7:4 the second
    kMemoryAbove4G = 0x5B,  // 64 KiB units, three bytes
};
constexpr u8 kEquipmentFpu = 0x02, kEquipmentPs2Mouse = 0x04;

u8 boot_code(char letter) {
    switch (letter) {
        case 'a':
            return 1;
        case 'c':
            return 2;
        case 'd':
            return 3;
        case 'n':
            return 4;
        default:
            return 0;
    }
}

}  // namespace

void Pc::fill_cmos(const Options& options) {
    const auto word = [this](u8 index, u64 value) {
        rtc_.set_cmos(index, static_cast<u8>(value));
        rtc_.set_cmos(static_cast<u8>(index + 1), static_cast<u8>(value >> 8));
    };
    const u64 low = memory_.low_ram_bytes();
    const u64 extended = low > kMiB ? std::min<u64>((low - kMiB) / kKiB, 0xFFFF) : 0;
    const u64 above_16m = low > 16 * kMiB ? std::min<u64>((low - 16 * kMiB) / (64 * kKiB), 0xFFFF) : 0;
    const u64 above_4g = memory_.high_ram_bytes() / (64 * kKiB);
    word(kBaseMemory, kBaseMemory_KiB);
    word(kExtendedMemory, extended);
    word(kExtendedMemoryCopy, extended);
    word(kMemoryAbove16M, above_16m);
    word(kMemoryAbove4G, above_4g & 0xFFFF);
    rtc_.set_cmos(kMemoryAbove4G + 2, static_cast<u8>(above_4g >> 16));

    const bool fpu = cpu_.model.has(isa::Feature::fpu);
    unsigned equipment = kEquipmentPs2Mouse | (fpu ? kEquipmentFpu : 0), diskette_drives = 0, diskette_types = 0;
    for (const auto& type : options.floppies) {
        diskette_types = diskette_types << 4 | static_cast<unsigned>(type ? *type : devices::FloppyDrive::Type{});
        if (type) ++diskette_drives;
    }
    if (diskette_drives != 0) equipment |= 1 | (diskette_drives - 1) << 6;
    rtc_.set_cmos(kDisketteTypes, static_cast<u8>(diskette_types));
    rtc_.set_cmos(kEquipment, static_cast<u8>(equipment));
    const auto choice = [&](std::size_t index) {
        return index < options.boot_order.size() ? boot_code(options.boot_order[index]) : u8{0};
    };
    rtc_.set_cmos(kBootOrder, static_cast<u8>(choice(0) | choice(1) << 4));
    rtc_.set_cmos(kBootOrder3, static_cast<u8>(choice(2) << 4));
    // Two bits a drive: 1 asks the BIOS for LBA-assisted translation, which disks beyond 504 MiB need.
    constexpr u64 kChsLimit = u64{1024} * 16 * 63;
    u8 translations = 0;
    for (unsigned i = 0; i < kIdeDrives; ++i) {
        const Options::Drive& drive = options.drives.at(i);
        if (drive.present && !drive.cdrom && drive.medium->sector_count() > kChsLimit)
            translations |= static_cast<u8>(1 << (2 * i));
    }
    rtc_.set_cmos(kDiskTranslation, translations);
    rtc_.update_cmos_checksum();
}

}  // namespace bantam
