// Fuzz target: two local APICs and an IO-APIC on one bus: register pages, MSRs, base changes, pins, INTA, messages.
#include "devices/io_apic.h"
#include "devices/local_apic.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    ApicBus bus;
    const auto pins = [&](u64 offset) {
        return LocalApic::Pins{.intr = [](bool) {},
                               .nmi = [] {},
                               .smi = [] {},
                               .init = [] {},
                               .startup = [](u8) {},
                               .acknowledge_external = [] { return u8{0x20}; },
                               .tsc = [&session, offset] { return session.scheduler.now() * 3 + offset; }};
    };
    LocalApic first(session.scheduler, bus, 0, true, 3'000'000'000, pins(0));
    LocalApic second(session.scheduler, bus, 1, false, 3'000'000'000, pins(1'000'000));
    IoApic io(bus);
    session.add_chip(io);
    session.add_window(io.registers(), 0x50);
    for (LocalApic* apic : {&first, &second}) {
        session.add_chip(*apic);
        session.add_window(apic->registers(), 0x400);
        session.add_action([apic](u64 value) { apic->set_base(value & 0xFFFFFFF00); });
        session.add_action([apic](u64 value) { apic->set_base(bit(value, 0) ? 0xFEE00C00 : 0xFEE00800); });
        session.add_action([apic](u64 value) { apic->set_lint(value & 1, bit(value, 1)); });
        session.add_action([apic](u64) { (void)apic->acknowledge(); });
        session.add_action([apic](u64 value) { apic->set_cr8(value & 15); });
        session.add_action([apic](u64) { apic->tsc_changed(); });
        session.add_action([apic](u64 value) { (void)apic->write_msr(0x800 + (value & 0xFF), value >> 8); });
        session.add_action([apic](u64 value) { (void)apic->write_msr(LocalApic::kTscDeadlineMsr, value); });
        session.add_action([apic](u64 value) { (void)apic->read_msr(static_cast<u32>(value), value); });
    }
    session.add_action([&](u64 value) { io.set_input(value & 31, bit(value, 5)); });
    session.add_action([&](u64 value) {
        (void)bus.send({.vector = static_cast<u8>(value),
                        .mode = static_cast<DeliveryMode>(bits(value, 8, 3)),
                        .destination = static_cast<u32>(value >> 16),
                        .logical = bit(value, 11),
                        .wide = bit(value, 12),
                        .level = bit(value, 13)});
    });
    session.run();
    return 0;
}
