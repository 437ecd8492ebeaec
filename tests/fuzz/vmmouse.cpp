// Fuzz target: Vmmouse: calls with any registers, and pointing.
#include "devices/vmmouse.h"

#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    Vmmouse chip({});
    session.add_chip(chip);
    const auto call = [&chip](u32 command, u32 argument) {
        Vmmouse::CallRegisters registers{.eax = 0x564D5868, .ebx = argument, .ecx = command};
        chip.call(registers);
    };
    session.add_action([&](u64 value) { call(39 + (value & 3), static_cast<u32>(value >> 2)); });
    session.add_action([&](u64 value) {
        constexpr u32 kCommands[] = {0x45414552, 0xF5, 0x53424152, 0x4C455252};
        call(41, kCommands[value & 3]);
    });
    session.add_action([&](u64 value) {
        chip.point(static_cast<u16>(value), static_cast<u16>(value >> 16), static_cast<u8>(value >> 8),
                   static_cast<int>(static_cast<u32>(value >> 24)));
    });
    session.run();
    return 0;
}
