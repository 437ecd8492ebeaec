// 8042 with keyboard and mouse from fuzzer bytes: registers, keys, moves, time.
#include "devices/i8042.h"

#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "tests/fuzz/chip_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const bantam::u8* data, std::size_t size) {
    using bantam::u8;
    bantam::Scheduler scheduler;
    bantam::devices::Ps2Keyboard keyboard(scheduler);
    bantam::devices::Ps2Mouse mouse(scheduler);
    bantam::devices::I8042 chip(scheduler, {}, &keyboard, &mouse);
    bantam::RegisterSpace space = chip.registers();
    bantam::fuzz::Input input(data, size);
    while (!input.empty()) {
        const u8 act = static_cast<u8>(input.take(1));
        switch (act & 7) {
            case 0:
                keyboard.key(static_cast<bantam::devices::KeyCode>(input.take(1)), (act & 8) != 0);
                break;
            case 1:
                mouse.move(static_cast<int>(input.take(4)), static_cast<int>(input.take(4)),
                           static_cast<int>(input.take(4)));
                break;
            case 2:
                mouse.buttons(static_cast<u8>(input.take(1)));
                break;
            default:
                bantam::fuzz::step(input, scheduler, space, 2);
                break;
        }
    }
    keyboard.reset();
    mouse.reset();
    chip.reset();
    return 0;
}
