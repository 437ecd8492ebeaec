// Ports 61h, 92h, CF9h, 80h and the debug ports.
#include "devices/system_ports.h"

#include "devices/debug_ports.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

TEST(SystemControlBTest, GateSpeakerOutputAndRefresh) {
    TestBoard board;
    RecordedLine gate{board.scheduler}, speaker{board.scheduler};
    bool output = false;
    SystemControlB chip(
        board.scheduler,
        {.timer2_gate = gate.pin(), .speaker_data = speaker.pin(), .timer2_output = [&] { return output; }, .nmi = {}});
    chip.write(0, 0x01);
    EXPECT_TRUE(gate.level);
    EXPECT_FALSE(speaker.level);
    chip.write(0, 0x03);
    EXPECT_TRUE(speaker.level);
    EXPECT_EQ(gate.changes.size(), 1u);
    EXPECT_EQ(chip.read(0) & 0x2F, 0x03);
    output = true;
    EXPECT_EQ(chip.read(0) & 0x2F, 0x23);
    unsigned toggles = 0;
    for (u8 last = chip.read(0); board.now() < 1'000'000; board.run_for(1000)) {
        const u8 now = chip.read(0);
        toggles += ((now ^ last) & 0x10) != 0 ? 1 : 0;
        last = now;
    }
    EXPECT_NEAR(toggles, 66, 1) << "every 15.085 us";
}

TEST(SystemControlBTest, NmiSources) {
    TestBoard board;
    RecordedLine nmi{board.scheduler};
    SystemControlB chip(board.scheduler,
                        {.timer2_gate = {}, .speaker_data = {}, .timer2_output = {}, .nmi = nmi.pin()});
    chip.raise_iochk();
    EXPECT_TRUE(nmi.level);
    EXPECT_EQ(chip.read(0) & 0xC0, 0x40);
    chip.write(0, 0x08);
    EXPECT_FALSE(nmi.level);
    chip.raise_iochk();
    EXPECT_FALSE(nmi.level) << "masked";
    chip.raise_serr();
    EXPECT_EQ(chip.read(0) & 0xC0, 0x80);
    SystemControlB twin(board.scheduler, {});
    expect_faithful_state(chip, twin);
}

TEST(SystemControlATest, A20AndReset) {
    TestBoard board;
    RecordedLine a20{board.scheduler};
    unsigned resets = 0;
    SystemControlA chip({.a20 = a20.pin(), .reset = [&] { ++resets; }});
    chip.write(0, 0x02);
    EXPECT_TRUE(a20.level);
    EXPECT_EQ(chip.read(0), 0x02);
    chip.write(0, 0x03);
    chip.write(0, 0x03);
    EXPECT_EQ(resets, 1u) << "only the rise counts";
    SystemControlA twin({});
    expect_faithful_state(chip, twin);
    EXPECT_FALSE(a20.level);
}

TEST(ResetControlTest, RisingBit2Resets) {
    std::vector<bool> resets;
    ResetControl chip({.reset = [&](bool hard) { resets.push_back(hard); }});
    chip.write(0, 0x02);
    EXPECT_TRUE(resets.empty());
    chip.write(0, 0x06);
    chip.write(0, 0x06);
    chip.write(0, 0x00);
    chip.write(0, 0x04);
    EXPECT_EQ(resets, (std::vector<bool>{true, false}));
    EXPECT_EQ(chip.read(0), 0x04);
    ResetControl twin({});
    expect_faithful_state(chip, twin);
}

TEST(PostPortTest, RemembersTheCode) {
    PostPort chip, twin;
    chip.write(0, 0xA5);
    EXPECT_EQ(chip.read(0), 0xA5);
    expect_faithful_state(chip, twin);
}

class Sink final : public CharacterPort {
public:
    void put(u8 byte) override { text += static_cast<char>(byte); }
    std::optional<u8> get() override { return std::nullopt; }
    std::string text;
};

TEST(DebugConsoleTest, WritesAndIdentifiesItself) {
    Sink sink;
    DebugConsole chip(&sink), twin(nullptr);
    EXPECT_EQ(chip.read(0), 0xE9);
    for (const char c : std::string_view("ok")) chip.write(0, static_cast<u8>(c));
    EXPECT_EQ(sink.text, "ok");
    expect_faithful_state(chip, twin);
}

TEST(DebugExitTest, StatusIsTwiceTheValuePlusOne) {
    std::vector<int> statuses;
    DebugExit chip({.exit = [&](int status) { statuses.push_back(status); }});
    chip.write(0, 1, 0);
    chip.write(0, 4, 0x10);
    chip.write(0, 1, 0x1FF);
    EXPECT_EQ(statuses, (std::vector<int>{1, 33, 255}));
}

}  // namespace
}  // namespace bantam::devices
