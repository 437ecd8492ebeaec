// Configuration space of the 440FX and the PIIX3 behind mechanism #1, its interrupt wires and ELCR, and the loose
// system ports, from fuzzer bytes.
#include "devices/pci.h"

#include "devices/debug_ports.h"
#include "devices/i440fx.h"
#include "devices/piix3.h"
#include "devices/system_ports.h"
#include "tests/fuzz/chip_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const bantam::u8* data, std::size_t size) {
    using namespace bantam::devices;
    bantam::Scheduler scheduler;
    I440fx bridge({});
    Piix3 isa({});
    ResetControl reset_control({});
    PciBus bus({.reset_control = reset_control.registers()});
    bus.attach(0, 0, bridge);
    bus.attach(1, 0, isa);
    SystemControlB port_61h(scheduler, {});
    SystemControlA port_92h({});
    DebugExit debug_exit({});
    bantam::RegisterSpace spaces[] = {bus.registers(), isa.elcr_registers(), port_61h.registers(), port_92h.registers(),
                                      debug_exit.registers()};
    constexpr bantam::u64 kWindows[] = {8, 2, 1, 1, 4};
    bantam::fuzz::Input input(data, size);
    while (!input.empty()) {
        const unsigned act = static_cast<unsigned>(input.take(1));
        if (act >= 128) {
            isa.set_pci_interrupt(act & 31, 1 + act / 32 % 4, (input.take(1) & 1) != 0);
        } else {
            bantam::fuzz::step(input, scheduler, spaces[act % 5], kWindows[act % 5]);
        }
    }
    bridge.reset();
    isa.reset();
    return 0;
}
