// VGA from fuzzer bytes: registers, memory, time; the picture and the text of whatever state results.
#include "devices/vga.h"

#include "tests/fuzz/chip_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const bantam::u8* data, std::size_t size) {
    bantam::Scheduler scheduler;
    bantam::devices::Vga chip(scheduler, {});
    bantam::RegisterSpace registers = chip.registers();
    bantam::RegisterSpace memory = chip.memory();
    bantam::fuzz::Input input(data, size);
    if ((input.take(1) & 1) != 0) chip.set_text_mode_3(bantam::devices::VgaFont{});
    while (!input.empty()) {
        const bool to_memory = (input.take(1) & 1) != 0;
        bantam::fuzz::step(input, scheduler, to_memory ? memory : registers, to_memory ? 0x20000 : 0x30);
    }
    const auto frame = chip.render();
    const auto text = chip.text_screen();
    const auto info = chip.info();
    if (frame.pixels.empty() || info.empty() || text.size() > frame.pixels.size()) __builtin_trap();
    return 0;
}
