// Fuzz target: VGA: registers, memory, any time step; the picture and the text of whatever state results, drawn
// whole and by what changed.
#include "devices/vga.h"

#include "tests/devices/code_page_437_glyphs.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    Vga chip(session.scheduler, {});
    if (size % 2 != 0) chip.set_text_mode_3(VgaFont{});
    session.add_chip(chip);
    session.add_window(chip.registers(), 0x30);
    session.add_window(chip.memory(), 0x20000);
    session.add_window(chip.dispi(), 3);
    session.add_window(chip.mmio(), 0x1000);
    const RegisterSpace dispi = chip.dispi();
    session.add_action([&dispi](u64 value) {  // one whole register
        dispi.write(0, 2, value & 15);
        dispi.write(1, 1, value >> 4 & 0xFF);
        dispi.write(2, 1, value >> 12 & 0xFF);
    });
    session.add_action([&chip](u64 value) {
        const u64 at = (value >> 8) % Vga::kMemoryBytes;
        chip.memory_written(at);
        chip.linear_memory()[at] = static_cast<u8>(value);
    });
    Picture picture;
    session.add_action([&](u64) {
        const bool changed = chip.render_changes(picture);
        if (changed != (picture.first_row < picture.end_row)) std::abort();
        if (picture.frame.pixels != chip.render().pixels) std::abort();
    });
    session.run();
    const auto frame = chip.render();
    if (frame.pixels.empty() || chip.text_screen(code_page_437_glyphs()).size() > frame.pixels.size()) std::abort();
    return 0;
}
