// Fuzz target: an ATA disk and an ATAPI drive behind the PIIX3's channels and bus-master engine: any register access,
// any packet, any descriptor table, media changes.
#include "devices/ata_disk.h"
#include "devices/atapi_cdrom.h"
#include "devices/piix3_ide.h"
#include "tests/fuzz/chip_session.h"
#include "tests/storage/memory_image.h"

using namespace bantam;
using namespace bantam::devices;

namespace {
std::unique_ptr<storage::BlockDevice> make_medium() {
    constexpr u64 kSectors = 301;
    return std::move(storage::BlockDevice::create(std::make_unique<storage::MemoryImage>(kSectors)).value());
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    static const std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(1 << 16).value());
    // The media live on: threads are dear, and what they hold does not matter.
    static const std::unique_ptr<storage::BlockDevice> image = make_medium(), disc = make_medium();
    ChipSession session(data, size);
    Piix3Ide ide(*memory, {});
    AtaDisk disk(session.scheduler, "disk", *image, "1");
    AtapiCdrom cdrom(session.scheduler, "cdrom", disc.get(), "2");
    ide.channel(0).attach(0, disk);
    ide.channel(0).attach(1, cdrom);
    ide.write_config(0x20, 4, 0xC000);
    ide.write_config(0x04, 2, 5);
    const RegisterSpace command = ide.channel(0).command_block();
    session.add_window(command, 8);
    session.add_window(ide.channel(0).control_block(), 1);
    session.add_window(ide.engine_registers(), 16);
    session.add_chip(ide);
    session.add_chip(ide.channel(0));
    session.add_chip(disk);
    session.add_chip(cdrom);
    session.add_action([&](u64 value) { cdrom.insert((value & 1) != 0 ? disc.get() : nullptr); });
    session.add_action([&](u64 value) {  // a command to the selected drive, packet included
        command.write(7, 1, value & 0xFF);
        for (unsigned i = 0; i < 6; ++i) command.write(0, 2, value >> (8 * i) & 0xFFFF);
    });
    session.add_action([&](u64 value) {  // many words either way
        for (unsigned i = 0; i < 256; ++i) {
            if ((value & 1) != 0) {
                command.write(0, 2, value);
            } else {
                (void)command.read(0, 2);
            }
        }
    });
    session.add_action([&](u64 value) { memory->write({value >> 32 & 0xFFF8}, 4, value); });  // descriptors
    session.run();
    return 0;
}
