// Fuzz target: Pvpanic: any access of its port.
#include "devices/pvpanic.h"

#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    Pvpanic chip({.panicked = [] {}, .crash_loaded = nullptr});
    session.add_chip(chip);
    session.add_window(chip.registers(), 1);
    session.run();
    return 0;
}
