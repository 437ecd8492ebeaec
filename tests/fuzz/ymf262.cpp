// Fuzz target: the YMF262, heard or not: any port access, whole register writes, damaged state, any time step.
#include "devices/ymf262.h"

#include "tests/devices/recorded_audio.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    Ymf262 chip(session.scheduler);
    RecordedAudio sound;
    if (size % 4 != 0) chip.connect(&sound);
    session.add_chip(chip);
    session.add_window(chip.registers(), 4);
    session.add_action([&](u64 value) {
        chip.write(bit(value, 16) ? 2 : 0, static_cast<u8>(value));
        chip.write(1, static_cast<u8>(value >> 8));
    });
    session.add_action([&](u64) {
        (void)chip.generate();
        sound.frames.clear();
    });
    session.run();
    return 0;
}
