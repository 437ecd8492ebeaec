// Pvpanic: what it offers and what it passes on.
#include "devices/pvpanic.h"

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

TEST(PvpanicTest, TellsPanicsAndCrashKernels) {
    std::string told;
    Pvpanic chip({.panicked = [&] { told += 'p'; }, .crash_loaded = [&] { told += 'c'; }});
    const RegisterSpace space = chip.registers();
    EXPECT_EQ(space.read(0, 1), 3u);
    EXPECT_EQ(space.peek(0, 1), 3u);
    for (const u64 value : {0x01u, 0x02u, 0x03u, 0x00u, 0xFCu}) space.write(0, 1, value);
    EXPECT_EQ(told, "pcp");
    Pvpanic({}).write(0, 3);  // nobody listens
}

}  // namespace
}  // namespace bantam::devices
