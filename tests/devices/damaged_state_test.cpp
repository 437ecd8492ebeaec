// A saved state may hold anything: a chip that loads one neither reads out of bounds nor keeps its timers firing for
// ever, and what it saves after a legal history it takes back unchanged. Each case was found by a fuzz target.
#include "devices/i8042.h"
#include "devices/i82801_audio.h"
#include "devices/intel_flash.h"
#include "devices/mc146818.h"
#include "devices/ps2_keyboard.h"
#include "devices/uart16550.h"
#include "devices/vga.h"
#include "tests/devices/test_board.h"
#include "tests/storage/memory_image.h"

namespace bantam::devices {
namespace {

/// Loads what `chip` saves, with the entry `name` set to `value`.
template <class Chip>
void load_damaged(Chip& chip, std::string_view name, u64 value) {
    auto entries = saved(chip);
    const auto entry = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.first == name; });
    ASSERT_NE(entry, entries.end()) << name;
    std::memcpy(entry->second.data(), &value, entry->second.size());
    LoadArchive load(std::move(entries));
    chip.describe(load);
}

template <class Chip>
void expect_reload_changes_nothing(Chip& chip) {
    const auto before = saved(chip);
    LoadArchive load(before);
    chip.describe(load);
    EXPECT_EQ(saved(chip), before);
}

constexpr u64 kNearlyNever = ~u64{0} - 10;

TEST(DamagedState, RtcWithItsPeriodicOriginInTheFutureDoesNotSpin) {
    TestBoard board;
    Mc146818 chip(board.scheduler, {}, 1'000'000'000);
    board.run_for(1'000'000);
    load_damaged(chip, "periodic_base_ns", kNearlyNever);
    chip.write(0, 0x0B);
    chip.write(1, 0x42);  // periodic interrupt enabled, 24 hours
    board.run_for(10'000'000);
    EXPECT_GT(board.scheduler.next_deadline(), board.now());
}

TEST(DamagedState, UartWithItsShiftEndAtTheEndOfTimeDoesNotSpin) {
    TestBoard board;
    Uart16550 chip("com1", board.scheduler, {}, nullptr);
    chip.write(2, 0x01);
    for (unsigned i = 0; i < 8; ++i) chip.write(0, 'x');
    load_damaged(chip, "shift_end_ns", kNearlyNever);
    chip.write(0, 'y');  // arms the transmit timer anew
    board.run_for(60'000'000'000);
    EXPECT_GT(board.scheduler.next_deadline(), board.now());
}

TEST(DamagedState, KeyboardThatWaitsForTheArgumentOfNoCommandAcknowledges) {
    TestBoard board;
    Ps2Keyboard keyboard(board.scheduler);
    load_damaged(keyboard, "command", 0xF6);
    keyboard.receive(0x55);
    board.run_for(100'000'000);
    EXPECT_EQ(keyboard.take_output(), 0xFA);
}

TEST(DamagedState, FlashTakesBackABufferThatBeganAtItsEnd) {
    constexpr u32 kBytes = 2 * IntelFlash::kBlockBytes;
    TestBoard board;
    auto image = std::make_unique<storage::MemoryImage>(kBytes / storage::kSectorSize);
    const auto medium = std::move(storage::BlockDevice::create(std::move(image)).value());
    IntelFlash chip(board.scheduler, "flash", *medium, std::vector<u8>(kBytes, 0xFF), {});
    const RegisterSpace space = chip.registers();
    space.write(0, 1, 0xE8);
    space.write(0, 1, 9);              // ten bytes,
    space.write(kBytes - 1, 1, 0x12);  // the first of them the memory's last
    expect_reload_changes_nothing(chip);
    for (unsigned i = 0; i < 9; ++i) space.write(kBytes - 1, 1, 0);
    space.write(0, 1, 0xD0);
    EXPECT_EQ(space.read(0, 1) & 0x30, 0x30) << "sequence error";
    space.write(0, 1, 0xE8);
    space.write(0, 1, 0xFF);
    expect_reload_changes_nothing(chip);
}

TEST(DamagedState, AudioControllerTakesBackAListThatIsOver) {
    TestBoard board;
    const auto memory = std::move(PhysicalMemory::create(u64{1} << 20).value());
    Stac9700 codec({});
    I82801Audio chip(board.scheduler, *memory, codec, {});
    memory->write({4}, 4, 4);  // the first buffer: four samples
    chip.bus_master_registers().write(0x1B, 1, 1);
    board.run_for(1'000'000);
    ASSERT_EQ(chip.bus_master_registers().read(0x16, 2) & 1, 1u) << "halted";
    expect_reload_changes_nothing(chip);
}

TEST(DamagedState, VgaTakesBackABankChosenWhileDispiIsOff) {
    TestBoard board;
    Vga chip(board.scheduler, {});
    const RegisterSpace dispi = chip.dispi();
    dispi.write(0, 2, 5);  // bank
    dispi.write(1, 1, 3);
    dispi.write(2, 1, 0);
    expect_reload_changes_nothing(chip);
}

}  // namespace
}  // namespace bantam::devices
