// 8042 with keyboard and mouse: controller commands, interrupts, translation, the devices' commands and reports.
#include "devices/i8042.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kMs = 1'000'000;

class KeyboardControllerTest : public ::testing::Test {
protected:
    /// Bytes that come out within `ns`, aux bytes with 100h added.
    std::vector<unsigned> drain(u64 ns) {
        std::vector<unsigned> bytes;
        for (const u64 end = board.now() + ns; board.now() < end; board.run_for(kMs / 10)) {
            const u8 status = chip.read(1);
            if ((status & 1) != 0) bytes.push_back(chip.read(0) | ((status & 0x20) != 0 ? 0x100u : 0u));
        }
        return bytes;
    }
    unsigned command(u8 value) {
        chip.write(1, value);
        EXPECT_EQ(chip.read(1) & 1, 1);
        return chip.read(0);
    }
    void set_command_byte(u8 value) {
        chip.write(1, 0x60);
        chip.write(0, value);
    }
    std::vector<unsigned> keyboard_send(u8 byte) {
        chip.write(0, byte);
        return drain(10 * kMs);
    }
    std::vector<unsigned> mouse_send(u8 byte) {
        chip.write(1, 0xD4);
        chip.write(0, byte);
        return drain(10 * kMs);
    }
    void press(std::string_view name, bool pressed) { keyboard.key(*key_by_name(name), pressed); }
    using Bytes = std::vector<unsigned>;

    TestBoard board;
    RecordedLine irq1{board.scheduler}, irq12{board.scheduler}, a20{board.scheduler};
    unsigned resets = 0;
    Ps2Keyboard keyboard{board.scheduler};
    Ps2Mouse mouse{board.scheduler};
    I8042 chip{board.scheduler,
               {.keyboard_interrupt = irq1.pin(),
                .mouse_interrupt = irq12.pin(),
                .a20 = a20.pin(),
                .reset = [this] { ++resets; }},
               &keyboard,
               &mouse};
};

TEST_F(KeyboardControllerTest, SelfTestsAndCommandByte) {
    EXPECT_EQ(command(0xAA), 0x55u);
    EXPECT_EQ(chip.read(1) & 0x04, 0x04) << "system flag";
    EXPECT_EQ(command(0xAB), 0x00u);
    EXPECT_EQ(command(0xA9), 0x00u);
    set_command_byte(0x47);
    EXPECT_EQ(command(0x20), 0x47u);
    chip.write(1, 0xA7);
    EXPECT_EQ(command(0x20), 0x67u);
    chip.write(1, 0xA8);
    chip.write(1, 0xAD);
    EXPECT_EQ(command(0x20), 0x57u);
    chip.write(1, 0xAE);
    EXPECT_EQ(command(0x20), 0x47u);
    chip.write(1, 0x65);
    chip.write(0, 0x99);
    EXPECT_EQ(command(0x25), 0x99u);
}

TEST_F(KeyboardControllerTest, OutputPortA20AndReset) {
    EXPECT_EQ(command(0xD0) & 3, 3u);
    chip.write(1, 0xD1);
    chip.write(0, 0xDD);
    EXPECT_FALSE(a20.level);
    EXPECT_EQ(a20.changes.size(), 1u);
    chip.write(1, 0xDF);
    EXPECT_TRUE(a20.level);
    EXPECT_EQ(resets, 0u);
    chip.write(1, 0xFE);
    EXPECT_EQ(resets, 1u);
    chip.write(1, 0xFF);
    EXPECT_EQ(resets, 1u);
    chip.write(1, 0xD1);
    chip.write(0, 0xDE);
    EXPECT_EQ(resets, 2u);
}

TEST_F(KeyboardControllerTest, LoopedBytesRaiseTheirInterrupts) {
    set_command_byte(0x47);
    chip.write(1, 0xD2);
    chip.write(0, 0x12);
    EXPECT_TRUE(irq1.level);
    EXPECT_EQ(chip.read(1) & 0x21, 0x01);
    EXPECT_EQ(chip.read(0), 0x12);
    EXPECT_FALSE(irq1.level);
    chip.write(1, 0xD3);
    chip.write(0, 0x34);
    EXPECT_TRUE(irq12.level);
    EXPECT_EQ(chip.read(1) & 0x21, 0x21);
    EXPECT_EQ(chip.read(0), 0x34);
    EXPECT_FALSE(irq12.level);
}

TEST_F(KeyboardControllerTest, BytesTakeTimeOnTheCable) {
    set_command_byte(0x44);
    chip.write(0, 0xEE);
    EXPECT_EQ(chip.read(1) & 0x02, 0x02) << "input buffer full while the byte is sent";
    board.run_for(I8042::kByteNs);
    EXPECT_EQ(chip.read(1) & 0x03, 0x00);
    board.run_for(I8042::kByteNs);
    EXPECT_EQ(chip.read(1) & 0x01, 0x01);
    EXPECT_EQ(chip.read(0), 0xEE);
}

TEST_F(KeyboardControllerTest, KeyboardCommands) {
    set_command_byte(0x04);  // no translation
    EXPECT_EQ(keyboard_send(0xF2), (Bytes{0xFA, 0xAB, 0x83}));
    EXPECT_EQ(keyboard_send(0xED), (Bytes{0xFA}));
    EXPECT_EQ(keyboard_send(0x05), (Bytes{0xFA}));
    EXPECT_EQ(keyboard.leds(), 5);
    EXPECT_EQ(keyboard_send(0xF0), (Bytes{0xFA}));
    EXPECT_EQ(keyboard_send(0x00), (Bytes{0xFA, 0x02}));
    EXPECT_EQ(keyboard_send(0x12), (Bytes{0xFE})) << "not a command";
    EXPECT_EQ(keyboard_send(0xEE), (Bytes{0xEE}));
    EXPECT_EQ(keyboard_send(0xFE), (Bytes{0xEE})) << "resend";
    chip.write(0, 0xFF);
    EXPECT_EQ(drain(Ps2Keyboard::kSelfTestNs / 2), (Bytes{0xFA}));
    EXPECT_EQ(drain(Ps2Keyboard::kSelfTestNs), (Bytes{0xAA}));
    EXPECT_EQ(keyboard.leds(), 0);
}

TEST_F(KeyboardControllerTest, KeysInAllSets) {
    set_command_byte(0x44);  // translated
    press("a", true);
    press("a", false);
    press("delete", true);
    press("delete", false);
    EXPECT_EQ(drain(20 * kMs), (Bytes{0x1E, 0x9E, 0xE0, 0x53, 0xE0, 0xD3}));
    set_command_byte(0x04);
    press("a", true);
    press("a", false);
    EXPECT_EQ(drain(20 * kMs), (Bytes{0x1C, 0xF0, 0x1C}));
    keyboard_send(0xF0);
    keyboard_send(0x03);
    press("ctrl", true);
    press("ctrl", false);
    press("a", true);
    press("a", false);
    EXPECT_EQ(drain(20 * kMs), (Bytes{0x11, 0xF0, 0x11, 0x1C})) << "letters are typematic without break";
    keyboard_send(0xF0);
    keyboard_send(0x01);
    press("up", true);
    press("up", false);
    EXPECT_EQ(drain(20 * kMs), (Bytes{0xE0, 0x48, 0xE0, 0xC8}));
}

TEST_F(KeyboardControllerTest, PauseAndPrint) {
    set_command_byte(0x44);
    press("pause", true);
    press("pause", false);
    EXPECT_EQ(drain(20 * kMs), (Bytes{0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5}));
    press("print", true);
    press("print", false);
    EXPECT_EQ(drain(20 * kMs), (Bytes{0xE0, 0x2A, 0xE0, 0x37, 0xE0, 0xB7, 0xE0, 0xAA}));
    press("alt", true);
    press("print", true);
    EXPECT_EQ(drain(20 * kMs), (Bytes{0x38, 0x54}));
}

TEST_F(KeyboardControllerTest, TranslationTableAgreesWithTheKeyTable) {
    set_command_byte(0x44);
    for (unsigned i = 0; i < key_table().size(); ++i) {
        const KeyRow& row = key_table()[i];
        if (row.name == "pause" || row.name == "print") continue;
        keyboard.key(static_cast<KeyCode>(i), true);
        keyboard.key(static_cast<KeyCode>(i), false);
        Bytes expected;
        for (const unsigned release : {0u, 0x80u}) {
            if (row.set1 >> 8 != 0) expected.push_back(0xE0);
            expected.push_back((row.set1 & 0xFFu) | release);
        }
        EXPECT_EQ(drain(10 * kMs), expected) << row.name;
    }
}

TEST_F(KeyboardControllerTest, TypematicRepeat) {
    set_command_byte(0x44);
    keyboard_send(0xF3);
    keyboard_send(0x00);  // 250 ms, 30 a second
    press("x", true);
    EXPECT_EQ(drain(240 * kMs), (Bytes{0x2D}));
    const auto repeats = drain(1000 * kMs);
    EXPECT_NEAR(static_cast<double>(repeats.size()), 30, 1.5);
    press("x", false);
    EXPECT_EQ(drain(1000 * kMs), (Bytes{0xAD}));
}

TEST_F(KeyboardControllerTest, BufferOverrun) {
    set_command_byte(0x14);  // keyboard's clock held
    for (unsigned i = 0; i < 20; ++i) {
        press("a", true);
        press("a", false);
    }
    set_command_byte(0x04);
    const auto bytes = drain(100 * kMs);
    ASSERT_FALSE(bytes.empty());
    EXPECT_LE(bytes.size(), 16u);
    EXPECT_EQ(bytes.back(), 0x00u);
    press("b", true);
    EXPECT_EQ(drain(10 * kMs), (Bytes{0x32}));
}

TEST_F(KeyboardControllerTest, MouseCommandsAndWheelKnock) {
    set_command_byte(0x47);
    EXPECT_EQ(mouse_send(0xF2), (Bytes{0x1FA, 0x100}));
    EXPECT_EQ(mouse_send(0xE9), (Bytes{0x1FA, 0x100, 0x102, 0x164}));
    for (const u8 rate : {u8{200}, u8{100}, u8{80}}) {
        EXPECT_EQ(mouse_send(0xF3), (Bytes{0x1FA}));
        EXPECT_EQ(mouse_send(rate), (Bytes{0x1FA}));
    }
    EXPECT_EQ(mouse_send(0xF2), (Bytes{0x1FA, 0x103}));
    EXPECT_EQ(mouse_send(0xF4), (Bytes{0x1FA}));
    mouse.move(5, -3, 1);
    EXPECT_EQ(drain(50 * kMs), (Bytes{0x108, 0x105, 0x103, 0x101}));
    mouse.buttons(1);
    mouse.move(-5, 3, 0);
    EXPECT_EQ(drain(50 * kMs), (Bytes{0x139, 0x1FB, 0x1FD, 0x100}));
    EXPECT_GE(irq12.rises(), 8u);
    EXPECT_EQ(mouse_send(0xFF), (Bytes{0x1FA}));
    EXPECT_EQ(drain(400 * kMs), (Bytes{0x1AA, 0x100}));
    EXPECT_EQ(mouse_send(0xF2), (Bytes{0x1FA, 0x100}));
}

TEST_F(KeyboardControllerTest, MouseRemoteWrapAndLargeMoves) {
    set_command_byte(0x47);
    mouse_send(0xF0);
    mouse.move(300, 0, 0);
    EXPECT_EQ(drain(50 * kMs), (Bytes{}));
    EXPECT_EQ(mouse_send(0xEB), (Bytes{0x1FA, 0x108, 0x1FF, 0x100}));
    EXPECT_EQ(mouse_send(0xEB), (Bytes{0x1FA, 0x108, 45 + 0x100, 0x100}));
    EXPECT_EQ(mouse_send(0xEE), (Bytes{0x1FA}));
    EXPECT_EQ(mouse_send(0x42), (Bytes{0x142}));
    EXPECT_EQ(mouse_send(0xEC), (Bytes{0x1FA}));
}

TEST_F(KeyboardControllerTest, NothingPluggedIn) {
    I8042 bare(board.scheduler, {}, nullptr, nullptr);
    bare.write(1, 0xD4);
    bare.write(0, 0xF2);
    board.run_for(2 * kMs);
    EXPECT_EQ(bare.read(1) & 0x61, 0x61) << "time-out from the auxiliary port";
    EXPECT_EQ(bare.read(0), 0xFE);
}

TEST_F(KeyboardControllerTest, NamesAndCharacters) {
    EXPECT_EQ(key_row(*key_by_name("ret")).set1, 0x1C);
    EXPECT_FALSE(key_by_name("nokey"));
    EXPECT_EQ(key_row(*key_by_set1(0xE05B)).name, "meta_l");
    EXPECT_EQ(key_row(key_for_ascii('A')->key).name, "a");
    EXPECT_TRUE(key_for_ascii('A')->shift);
    EXPECT_EQ(key_row(key_for_ascii('?')->key).name, "slash");
    EXPECT_FALSE(key_for_ascii('\n')->shift);
    EXPECT_FALSE(key_for_ascii('\xE4'));
    for (char c = ' '; c < 0x7F; ++c) EXPECT_TRUE(key_for_ascii(c)) << c;
}

TEST_F(KeyboardControllerTest, KeepsItsState) {
    Ps2Keyboard twin_keyboard(board.scheduler);
    Ps2Mouse twin_mouse(board.scheduler);
    I8042 twin(board.scheduler, {}, &twin_keyboard, &twin_mouse);
    set_command_byte(0x47);
    mouse_send(0xF4);
    keyboard_send(0xED);
    press("a", true);
    mouse.move(3, 4, 5);
    chip.write(1, 0xD1);
    expect_faithful_state(keyboard, twin_keyboard);
    expect_faithful_state(mouse, twin_mouse);
    expect_faithful_state(chip, twin);
}

}  // namespace
}  // namespace bantam::devices
