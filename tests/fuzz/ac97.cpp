// Fuzz target: the AC'97 controller and codec with memory of random descriptors: any register and configuration access,
// damaged state, any time step.
#include "devices/i82801_audio.h"
#include "tests/devices/recorded_audio.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    static const auto memory = std::move(PhysicalMemory::create(u64{1} << 20).value());
    memory->copy_in({0}, std::array<u8, 256>{});  // the descriptors: a run depends on its input alone
    ChipSession session(data, size);
    Stac9700 codec({});
    I82801Audio chip(session.scheduler, *memory, codec, {});
    RecordedAudio sound;
    if (size % 2 == 0) chip.connect(&sound);
    session.add_chip(chip);
    session.add_chip(codec);
    session.add_window(chip.mixer_registers(), 256);
    session.add_window(chip.bus_master_registers(), 64);
    session.add_window(chip.bus_master_registers(), 64);
    session.add_action(
        [&](u64 value) { chip.write_config(static_cast<u8>(value & 0xFC), 4, static_cast<u32>(value >> 8)); });
    session.add_action([&](u64 value) {
        const u64 entry = value % 32 * 8;
        memory->copy_in({entry}, std::span(reinterpret_cast<const u8*>(&value), sizeof value));
        chip.bus_master_registers().write(0x10, 4, 0);
    });
    session.add_action([&](u64) { sound = {}; });
    session.run();
    return 0;
}
