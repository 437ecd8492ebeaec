// Fuzz target: 82077AA with two drives on ISA DMA: any port accesses, programmed DMA, diskettes that come and go, fail
// and are read-only, damaged state, any time step.
#include "devices/i82077.h"
#include "devices/isa_dma.h"
#include "tests/fuzz/chip_session.h"
#include "tests/storage/memory_image.h"

using namespace bantam;
using namespace bantam::devices;

namespace {

struct Diskette {
    explicit Diskette(u64 bytes) : format(*storage::floppy_format_of(bytes)) {
        auto made = std::make_unique<storage::MemoryImage>(bytes / storage::kSectorSize);
        image = made.get();
        device = std::move(storage::BlockDevice::create(std::move(made)).value());
    }
    storage::FloppyFormat format;
    storage::MemoryImage* image;
    std::unique_ptr<storage::BlockDevice> device;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    // One thread a diskette: made once, shared by all runs; what they hold decides nothing.
    static Diskette small(163'840), usual(1'474'560), big(2'949'120);
    static const auto memory = std::move(PhysicalMemory::create(u64{1} << 24).value());
    ChipSession session(data, size);
    FloppyDrive first("floppy0", FloppyDrive::Type::inch3_2880k), second("floppy1", FloppyDrive::Type::inch5_1200k);
    IsaDma dma(session.scheduler, *memory);
    I82077 fdc(session.scheduler, {.interrupt = nullptr, .dma_request = [&](bool level) { dma.set_request(2, level); }},
               {&first, &second},
               {.interface = size % 7 == 0 ? I82077::Interface::model30 : I82077::Interface::at,
                .speed_factor = size % 3 == 0 ? 10u : 1u});
    dma.connect(2, {.read = [&](bool last) { return u16{fdc.dma_read(last)}; },
                    .write = [&](u16 value, bool last) { fdc.dma_write(static_cast<u8>(value), last); },
                    .verify = [&](bool last) { fdc.dma_verify(last); }});
    first.insert(usual.device.get(), usual.format);
    second.insert(small.device.get(), small.format);
    fdc.write(2, 0x1C);
    fdc.write(7, 0);
    session.add_chip(fdc);
    session.add_chip(dma);
    session.add_chip(first);
    session.add_chip(second);
    session.add_window(fdc.registers(), 8);
    session.add_window(fdc.registers(), 8);
    session.add_window(dma.first_registers(), 16);
    session.add_window(dma.second_registers(), 32);
    session.add_window(dma.page_registers(), 15);
    // A command at once: opcode, unit, C, H, R, N, EOT from the value.
    session.add_action([&](u64 value) {
        for (unsigned i = 0; i < 9; ++i) {
            if ((fdc.read(4) & 0xC0) == 0x80) fdc.write(5, i < 8 ? static_cast<u8>(value >> (8 * i)) : u8{0xFF});
        }
    });
    // Channel 2 ready for the controller.
    session.add_action([&](u64 value) {
        dma.second_registers().write(0x16, 1, 0xC0);
        dma.second_registers().write(0x14, 1, 0);
        dma.first_registers().write(0x0B, 1, (value & 0x3C) | 0x42);
        dma.first_registers().write(0x0A, 1, 2);
    });
    session.add_action([&](u64 value) {
        Diskette& disk = bit(value, 0) ? big : usual;
        if (bit(value, 1)) {
            first.eject();
        } else {
            first.insert(disk.device.get(), disk.format);
        }
        disk.image->read_only = bit(value, 2);
        disk.image->broken = bit(value, 3);
    });
    session.run();
    first.eject();
    second.eject();
    return 0;
}
