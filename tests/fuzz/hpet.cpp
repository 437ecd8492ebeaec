// Fuzz target: the HPET: any register access and any time step.
#include "devices/hpet.h"

#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    const auto sink = [](bool) {};
    Hpet chip(session.scheduler,
              {.interrupt = [](unsigned, bool) {}, .irq0 = sink, .irq8 = sink, .legacy_replacement = sink});
    session.add_chip(chip);
    session.add_window(chip.registers(), 0x180);
    session.run();
    return 0;
}
