// Fuzz target: configuration space of the 440FX and the PIIX3 behind mechanism #1, the PIIX3's interrupt wires, and the
// loose system ports.
#include "devices/pci.h"

#include "devices/debug_ports.h"
#include "devices/i440fx.h"
#include "devices/piix3.h"
#include "devices/system_ports.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    I440fx bridge({});
    Piix3 isa({});
    ResetControl reset_control({});
    PciBus bus({.reset_control = reset_control.registers()});
    bus.attach(0, 0, bridge);
    bus.attach(1, 0, isa);
    SystemControlB port_61h(session.scheduler, {});
    SystemControlA port_92h({});
    DebugExit debug_exit({});
    for (Device* chip : std::initializer_list<Device*>{&bridge, &isa, &reset_control, &bus, &port_61h, &port_92h})
        session.add_chip(*chip);
    session.add_window(bus.registers(), 8);
    session.add_window(port_61h.registers(), 1);
    session.add_window(port_92h.registers(), 1);
    session.add_window(debug_exit.registers(), 4);
    session.add_action([&](u64 value) {
        isa.set_pci_interrupt(static_cast<unsigned>(value & 31), 1 + static_cast<unsigned>(bits(value, 5, 2)),
                              bit(value, 7));
    });
    session.run();
    return 0;
}
