// 16550A: line timing, FIFOs, interrupt priorities, loopback and modem lines, against the PC16550D datasheet.
#include "devices/uart16550.h"

#include <deque>

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class FakePort final : public CharacterPort {
public:
    void put(u8 byte) override { sent.push_back(static_cast<char>(byte)); }
    std::optional<u8> get() override {
        if (waiting.empty()) return std::nullopt;
        const u8 byte = waiting.front();
        waiting.pop_front();
        return byte;
    }
    [[nodiscard]] bool connected() const override { return is_connected; }
    std::string sent;
    std::deque<u8> waiting;
    bool is_connected = true;
};

class Uart16550Test : public ::testing::Test {
protected:
    void set_up_115200(u8 fifo_control) {
        chip.write(3, 0x83);
        chip.write(0, 1);
        chip.write(1, 0);
        chip.write(3, 0x03);
        chip.write(2, fifo_control);
        chip.write(4, 0x0B);
    }
    static constexpr u64 kCharacter = 86'806;  // ten bits at 115200 baud
    TestBoard board;
    RecordedLine line{board.scheduler};
    FakePort port;
    Uart16550 chip{"com1", board.scheduler, {.interrupt = line.pin()}, &port};
};

TEST_F(Uart16550Test, OneCharacterTakesTenBitTimes) {
    set_up_115200(0);
    EXPECT_EQ(chip.read(5), 0x60);
    chip.write(0, 'x');
    EXPECT_EQ(chip.read(5), 0x20) << "the holding register moved on, the shift register is busy";
    chip.write(0, 'y');
    EXPECT_EQ(chip.read(5), 0x00);
    board.run_for(kCharacter - 1);
    EXPECT_EQ(port.sent, "");
    board.run_for(1);
    EXPECT_EQ(port.sent, "x");
    EXPECT_EQ(chip.read(5), 0x20);
    board.run_for(kCharacter);
    EXPECT_EQ(port.sent, "xy");
    EXPECT_EQ(chip.read(5), 0x60);
}

TEST_F(Uart16550Test, TheRestIsSentWithoutChangingTheChip) {
    set_up_115200(1);
    for (const char c : {'a', 'b', 'c'}) chip.write(0, static_cast<u8>(c));
    chip.send_rest();
    EXPECT_EQ(port.sent, "abc");
    EXPECT_EQ(chip.read(5), 0x00) << "both registers are still full";
    board.run_for(3 * kCharacter);
    EXPECT_EQ(port.sent, "abcabc");
    chip.send_rest();
    EXPECT_EQ(port.sent, "abcabc") << "nothing is left";
}

TEST_F(Uart16550Test, FifoOfSixteenEmptiesWithOneInterrupt) {
    set_up_115200(0xC7);
    chip.write(1, 2);
    EXPECT_TRUE(line.level) << "enabling the interrupt while empty raises it";
    EXPECT_EQ(chip.read(2), 0xC2);
    EXPECT_FALSE(line.level) << "reading IIR takes it back";
    for (char c = 'a'; c < 'a' + 17; ++c) chip.write(0, static_cast<u8>(c));
    EXPECT_FALSE(line.level);
    board.run_for(15 * kCharacter);
    EXPECT_FALSE(line.level);
    board.run_for(2 * kCharacter);
    EXPECT_TRUE(line.level);
    EXPECT_EQ(port.sent.substr(0, 16), "abcdefghijklmnop");
    board.run_for(2 * kCharacter);
    EXPECT_EQ(port.sent, "abcdefghijklmnopq");
}

TEST_F(Uart16550Test, DivisorLatchAndScratch) {
    chip.write(7, 0x5A);
    EXPECT_EQ(chip.read(7), 0x5A);
    chip.write(3, 0x80);
    chip.write(0, 0x34);
    chip.write(1, 0x12);
    EXPECT_EQ(chip.read(0), 0x34);
    EXPECT_EQ(chip.read(1), 0x12);
    chip.write(3, 0);
    EXPECT_EQ(chip.read(1), 0);
    chip.write(1, 0xFF);
    EXPECT_EQ(chip.read(1), 0x0F);
}

TEST_F(Uart16550Test, FifoEnableShowsInIdentification) {
    EXPECT_EQ(chip.read(2), 0x01);
    chip.write(2, 0x01);
    EXPECT_EQ(chip.read(2), 0xC1);
    chip.write(2, 0x00);
    EXPECT_EQ(chip.read(2), 0x01);
}

TEST_F(Uart16550Test, ReceivesAtLineSpeedUpToTheTrigger) {
    set_up_115200(0x41);  // trigger at 4
    chip.write(1, 1);
    port.waiting = {'1', '2', '3', '4', '5'};
    chip.receive_ready();
    EXPECT_FALSE(line.level);
    board.run_for(3 * kCharacter - 10);
    EXPECT_FALSE(line.level);
    board.run_for(20);
    EXPECT_TRUE(line.level);
    EXPECT_EQ(chip.read(2), 0xC4);
    for (char c = '1'; c <= '4'; ++c) EXPECT_EQ(chip.read(0), static_cast<u8>(c));
    EXPECT_FALSE(line.level);
    board.run_for(kCharacter);
    EXPECT_FALSE(line.level) << "one character is below the trigger";
    board.run_for(4 * kCharacter);
    EXPECT_TRUE(line.level);
    EXPECT_EQ(chip.read(2), 0xCC) << "character time-out";
    EXPECT_EQ(chip.read(0), '5');
    EXPECT_FALSE(line.level);
    EXPECT_EQ(chip.read(5), 0x60);
}

TEST_F(Uart16550Test, WhoPollsWithoutModemSignalsListensToo) {
    set_up_115200(0x07);
    chip.write(4, 0);
    port.waiting = {'a', 'b'};
    chip.receive_ready();
    for (int round = 0; round < 5; ++round) {  // who sends polls too
        for (int i = 0; i < 3; ++i) EXPECT_EQ(chip.read(5), 0x60);
        chip.write(0, 'x');
        board.run_for(2 * kCharacter);
    }
    for (int i = 0; i < 4; ++i) EXPECT_EQ(chip.read(5), 0x60);
    EXPECT_EQ(chip.read(5), 0x61);
    EXPECT_EQ(chip.read(0), 'a');
    chip.write(0, 'x');  // an echo: it goes on listening
    board.run_for(kCharacter);
    EXPECT_EQ(chip.read(0), 'b');
    port.waiting = {'c'};
    chip.write(2, 0x07);  // another driver begins: what comes waits for it
    chip.receive_ready();
    EXPECT_EQ(port.waiting.size(), 1u);
}

TEST_F(Uart16550Test, FarEndWaitsWhileTheFifoIsFullOrTheGuestAbsent) {
    for (u8 i = 0; i < 40; ++i) port.waiting.push_back(i);
    chip.receive_ready();
    EXPECT_EQ(port.waiting.size(), 40u) << "neither DTR nor RTS";
    set_up_115200(0x01);
    board.run_for(100 * kCharacter);
    EXPECT_EQ(port.waiting.size(), 24u);
    for (u8 i = 0; i < 40; ++i) {
        EXPECT_EQ(chip.read(0), i);
        board.run_for(kCharacter);
    }
    EXPECT_EQ(chip.read(5) & 0x03, 0) << "nothing lost, nothing left";
}

TEST_F(Uart16550Test, LoopbackReturnsCharactersAndModemLines) {
    set_up_115200(0);
    chip.write(4, 0x10);
    chip.read(6);
    EXPECT_EQ(chip.read(6), 0x00);
    chip.write(4, 0x1A);  // RTS, OUT2
    EXPECT_EQ(chip.read(6), 0x99) << "CTS and DCD with their deltas";
    chip.write(4, 0x14);  // OUT1: ring
    EXPECT_EQ(chip.read(6), 0x49);
    chip.write(4, 0x10);
    EXPECT_EQ(chip.read(6), 0x04) << "trailing edge of ring";
    chip.write(0, 0xC3);
    board.run_for(kCharacter);
    EXPECT_EQ(chip.read(5), 0x61);
    EXPECT_EQ(chip.read(0), 0xC3);
    EXPECT_EQ(port.sent, "");
}

TEST_F(Uart16550Test, LoopbackOverrunAndBreak) {
    set_up_115200(0);
    chip.write(4, 0x10);
    chip.write(0, 1);
    board.run_for(kCharacter);
    chip.write(0, 2);
    board.run_for(kCharacter);
    EXPECT_EQ(chip.read(5), 0x63);
    EXPECT_EQ(chip.read(5), 0x61) << "reading clears the error";
    EXPECT_EQ(chip.read(0), 2);
    chip.write(3, 0x43);
    EXPECT_EQ(chip.read(5), 0x79) << "break with framing error and a zero character";
    EXPECT_EQ(chip.read(0), 0);
}

TEST_F(Uart16550Test, ModemStatusInterruptOnDisconnect) {
    set_up_115200(0);
    chip.read(6);
    EXPECT_EQ(chip.read(6), 0xB0);
    chip.write(1, 8);
    EXPECT_FALSE(line.level);
    port.is_connected = false;
    chip.receive_ready();
    EXPECT_TRUE(line.level);
    EXPECT_EQ(chip.read(2), 0x00);
    EXPECT_EQ(chip.read(6), 0x0B);
    EXPECT_FALSE(line.level);
}

TEST_F(Uart16550Test, Out2GatesTheInterrupt) {
    set_up_115200(0);
    chip.write(4, 0x03);
    chip.write(1, 2);
    EXPECT_FALSE(line.level);
    chip.write(4, 0x0B);
    EXPECT_TRUE(line.level);
}

TEST_F(Uart16550Test, SpeedFactorShortensTheCharacter) {
    FakePort other;
    Uart16550 fast("com2", board.scheduler, {}, &other, {.line_speed_factor = 100});
    fast.write(3, 0x83);
    fast.write(0, 1);
    fast.write(1, 0);
    fast.write(3, 3);
    fast.write(0, 'f');
    board.run_for(869);
    EXPECT_EQ(other.sent, "f");
}

TEST_F(Uart16550Test, KeepsItsState) {
    FakePort other;
    Uart16550 twin("com1", board.scheduler, {}, &other);
    set_up_115200(0x81);
    chip.write(1, 0x0F);
    chip.write(0, 'a');
    chip.write(0, 'b');
    port.waiting = {1, 2, 3};
    chip.receive_ready();
    expect_faithful_state(chip, twin);
}

}  // namespace
}  // namespace bantam::devices
