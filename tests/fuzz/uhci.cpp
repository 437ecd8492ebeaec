// Fuzz target: the USB host controller with keyboard and tablet, and memory of random schedules: any register and
// configuration access, damaged state, keys and pointing, cables pulled out and put in, any time step.
#include "devices/piix3_usb.h"
#include "devices/usb_keyboard.h"
#include "devices/usb_tablet.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    static const auto memory = std::move(PhysicalMemory::create(u64{1} << 20).value());
    constexpr u32 kEntries = 64;  // queue heads and transfer descriptors of 16 bytes, behind the frame list
    constexpr u32 kFirst = 0x1000;
    memory->copy_in({0}, std::vector<u8>(0x4000));  // a run depends on its input alone
    ChipSession session(data, size);
    Piix3Usb* controller = nullptr;
    UsbTablet tablet(session.scheduler, {.resume = [&controller] { controller->resume(0); }});
    UsbKeyboard keyboard(session.scheduler, {.resume = [&controller] { controller->resume(1); }});
    Piix3Usb chip(session.scheduler, *memory, {});
    controller = &chip;
    chip.connect(0, &tablet);
    chip.connect(1, &keyboard);
    chip.write_config(4, 2, 5);
    for (u32 i = 0; i < 1024; ++i) memory->write({u64{i} * 4}, 4, (kFirst + (i % kEntries) * 16) | (i & 2));
    session.add_chip(chip);
    session.add_chip(tablet);
    session.add_chip(keyboard);
    session.add_window(chip.registers(), Piix3Usb::kRegisterBytes);
    session.add_window(chip.registers(), Piix3Usb::kRegisterBytes);
    session.add_action(
        [&](u64 value) { chip.write_config(static_cast<u8>(value & 0xFC), 4, static_cast<u32>(value >> 8)); });
    // A link, and a likely descriptor behind it.
    session.add_action([&](u64 value) {
        const u64 at = kFirst + value % kEntries * 16;
        memory->write({at}, 4, (kFirst + (value >> 8) % kEntries * 16) | (value >> 16 & 7));
    });
    session.add_action([&](u64 value) {
        constexpr std::array<u8, 4> kPids{0x69, 0xE1, 0x2D, 0x69};
        const u64 at = kFirst + value % kEntries * 16;
        memory->write({at + 4}, 4, 0x00800000 | (value >> 8 & 0x3F) << 24);
        memory->write({at + 8}, 4, kPids.at(value >> 14 & 3) | (value >> 16 & 0xFFFFFF) << 8);
        memory->write({at + 12}, 4, 0x2000 + (value >> 40 & 0xFFF));
    });
    session.add_action([&](u64 value) { memory->write({0x2000 + (value & 0xF8)}, 8, value >> 8); });
    session.add_action([&](u64 value) { memory->write({kFirst + (value & 0x3FC)}, 4, value >> 16); });
    session.add_action([&](u64 value) { keyboard.key(static_cast<KeyCode>(value & 0xFF), (value & 0x100) != 0); });
    session.add_action([&](u64 value) {
        tablet.point(static_cast<u16>(value), static_cast<u16>(value >> 16), static_cast<u8>(value >> 32),
                     static_cast<i8>(value >> 40));
    });
    session.add_action([&](u64 value) {
        UsbDevice* device = (value & 1) != 0 ? static_cast<UsbDevice*>(&tablet) : &keyboard;
        chip.connect(static_cast<unsigned>(value >> 1 & 1), (value & 4) != 0 ? device : nullptr);
    });
    session.run();
    return 0;
}
