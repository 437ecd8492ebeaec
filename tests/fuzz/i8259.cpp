// Fuzz target: the PC's pair of 8259As: any register access, input and INTA.
#include "devices/i8259.h"

#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    I8259* slave_pointer = nullptr;
    I8259 master("pic", 0xF8,
                 {.interrupt = [](bool) {}, .cascade = [&](unsigned) { return slave_pointer->acknowledge(); }});
    I8259 slave("pic2", 0xDE, {.interrupt = [&](bool level) { master.set_irq(2, level); }, .cascade = nullptr});
    slave_pointer = &slave;
    for (I8259* chip : {&master, &slave}) {
        session.add_chip(*chip);
        session.add_window(chip->registers(), 2);
        session.add_window(chip->elcr(), 1);
        session.add_action([chip](u64 value) { chip->set_irq(value & 7, bit(value, 3)); });
    }
    session.add_action([&](u64) { (void)master.acknowledge(); });
    session.run();
    return 0;
}
