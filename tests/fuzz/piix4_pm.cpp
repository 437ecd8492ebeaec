// Fuzz target: PIIX4 power management: PM, SMBus, APM and configuration registers, events, any time step.
#include "devices/piix4_pm.h"

#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    Piix4Pm* pointer = nullptr;
    Piix4Pm chip(session.scheduler, {.sci = [](bool) {},
                                     .smi = [] {},
                                     .power_off = [] {},
                                     .suspend = [&](unsigned) { pointer->resume(); },
                                     .decode_changed = nullptr});
    pointer = &chip;
    session.add_chip(chip);
    session.add_window(chip.pm_registers(), Piix4Pm::kPmWindowBytes);
    session.add_window(chip.smbus_registers(), Piix4Pm::kSmbusWindowBytes);
    session.add_window(chip.apm_registers(), 2);
    session.add_action([&](u64 value) {
        const auto offset = static_cast<u8>(value & 0xFC);
        (void)chip.read_config(offset, 4);
        chip.write_config(offset, 4, static_cast<u32>(value >> 8));
    });
    session.add_action([&](u64) { chip.press_power_button(); });
    session.add_action([&](u64 value) { chip.raise_general_event(static_cast<unsigned>(value & 0xFF)); });
    session.add_action([&](u64) { chip.rtc_alarm(); });
    session.run();
    return 0;
}
