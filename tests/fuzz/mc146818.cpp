// Fuzz target: MC146818: registers, clock, alarms, any time step.
#include "devices/mc146818.h"

#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    Mc146818 chip(session.scheduler, {}, 1'000'000'000);
    session.add_chip(chip);
    session.add_window(chip.registers(), 4);
    session.run();
    return 0;
}
