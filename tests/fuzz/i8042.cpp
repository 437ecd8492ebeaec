// Fuzz target: 8042 with keyboard and mouse: registers, keys, moves, commands, any time step.
#include "devices/i8042.h"

#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    Ps2Keyboard keyboard(session.scheduler);
    Ps2Mouse mouse(session.scheduler);
    I8042 chip(session.scheduler, {}, &keyboard, &mouse);
    session.add_chip(keyboard);
    session.add_chip(mouse);
    session.add_chip(chip);
    session.add_window(chip.registers(), 2);
    session.add_action([&](u64 value) { keyboard.key(static_cast<KeyCode>(value & 0xFF), bit(value, 8)); });
    session.add_action([&](u64 value) {
        const auto moved = [&](unsigned shift) { return static_cast<int>(static_cast<u32>(value >> shift)); };
        mouse.move(moved(0), moved(8), moved(16));
    });
    session.add_action([&](u64 value) { mouse.buttons(static_cast<u8>(value)); });
    session.run();
    return 0;
}
