// Fuzz target: the 8254 with every OUT listened to: any register access, gates, any time step.
#include "devices/i8254.h"

#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    const auto sink = [](bool) {};
    I8254 chip(session.scheduler, {.out = {sink, sink, sink}});
    session.add_chip(chip);
    session.add_window(chip.registers(), 4);
    session.add_action([&](u64 value) { chip.set_gate(static_cast<unsigned>(value & 0xFF) % 3, bit(value, 7)); });
    session.add_action([&](u64 value) { (void)chip.out(static_cast<unsigned>(value & 0xFF) % 3); });
    session.run();
    return 0;
}
