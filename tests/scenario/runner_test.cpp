// Scenarios on small guests of our own: every kind of step, what they fail with, and typing to a guest that reads
// slowly.
#include "scenario/runner.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/machine/multiboot_image.h"

namespace bantam::scenario {
namespace {

constexpr u64 kMs = 1'000'000;

// COM1 and COM2 at 115200 baud, 8 data bits
const std::vector<u8> kSetUpLines{0x66, 0xBA, 0xFB, 0x03, 0xB0, 0x80, 0xEE,  // out 3FBh, 80h: DLAB
                                  0x66, 0xBA, 0xF8, 0x03, 0xB0, 0x01, 0xEE,  // out 3F8h, 1
                                  0x66, 0xBA, 0xFB, 0x03, 0xB0, 0x03, 0xEE,  // out 3FBh, 3
                                  0x66, 0xBA, 0xFC, 0x03, 0xB0, 0x03, 0xEE,  // out 3FCh, 3: DTR, RTS
                                  0x66, 0xBA, 0xFB, 0x02, 0xB0, 0x80, 0xEE,  // the same at 2F8h
                                  0x66, 0xBA, 0xF8, 0x02, 0xB0, 0x01, 0xEE, 0x66, 0xBA, 0xFB, 0x02, 0xB0, 0x03, 0xEE};

// l: mov ecx, 2500000 / w: dec ecx / jnz w (5 ms) / in al, 64h / test al, 1 / jz l / in al, 60h / mov dx, 3F8h /
// out dx, al / jmp l
const std::vector<u8> kReadKeysSlowly{0xB9, 0xA0, 0x25, 0x26, 0x00, 0x49, 0x75, 0xFD, 0xE4, 0x64, 0xA8, 0x01,
                                      0x74, 0xF2, 0xE4, 0x60, 0x66, 0xBA, 0xF8, 0x03, 0xEE, 0xEB, 0xE9};

/// Code that sends `text` from the port at `base`, waiting for room.
std::vector<u8> send(u16 base, std::string_view text) {
    std::vector<u8> code;
    const u16 status = static_cast<u16>(base + 5);
    for (const char c : text) {
        const std::vector<u8> one{0x66,
                                  0xBA,
                                  static_cast<u8>(status),
                                  static_cast<u8>(status >> 8),
                                  0xEC,
                                  0xA8,
                                  0x20,
                                  0x74,
                                  0xFB,
                                  0x66,
                                  0xBA,
                                  static_cast<u8>(base),
                                  static_cast<u8>(base >> 8),
                                  0xB0,
                                  static_cast<u8>(c),
                                  0xEE};
        code.insert(code.end(), one.begin(), one.end());
    }
    return code;
}

// mov dx, 3FDh / w: in al, dx / test al, 1 / jz w / mov dx, 3F8h / in al, dx / out dx, al
const std::vector<u8> kEchoOne{0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74,
                               0xFB, 0x66, 0xBA, 0xF8, 0x03, 0xEC, 0xEE};
const std::vector<u8> kPowerOff{0x66, 0xBA, 0x04, 0x06, 0x66, 0xB8, 0x00, 0x20, 0x66, 0xEF};  // out 604h, 2000h
const std::vector<u8> kForEver{0xEB, 0xFE};

class RunnerTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bantam-scenario-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Report run(const std::vector<std::vector<u8>>& code, std::vector<Step> steps) {
        std::vector<u8> all;
        for (const auto& part : code) all.insert(all.end(), part.begin(), part.end());
        write_bytes(folder_ + "/kernel", multiboot_image(all));
        Scenario scenario;
        scenario.machine.memory_bytes = u64{16} << 20;
        scenario.machine.kernel = folder_ + "/kernel";
        scenario.machine.headless = true;
        scenario.machine.clock = ClockKind::virtual_time;
        scenario.machine.wall_limit_ns = 120'000 * kMs;
        scenario.machine.serials.resize(2);
        scenario.machine.floppies.push_back({.path = "none", .readonly = false, .temporary_overlay = false});
        scenario.limit_ns = 10'000 * kMs;
        scenario.steps = std::move(steps);
        unsigned line = 0;
        for (Step& step : scenario.steps) step.line = ++line;
        Result<std::unique_ptr<Runner>> runner = Runner::create(scenario, folder_);
        EXPECT_TRUE(runner.ok()) << (runner.ok() ? "" : runner.error().message);
        return runner ? runner.value()->run() : Report{};
    }
    static Step step(Action action, std::string text = {}, unsigned port = 0) {
        Step step;
        step.action = action;
        step.text = std::move(text);
        step.port = port;
        return step;
    }
    static Step during(Action action, u64 ns) {
        Step step;
        step.action = action;
        step.duration_ns = ns;
        return step;
    }
    static Step matching(const std::string& text) {
        Step made = step(Action::wait_serial_regex, text);
        made.expression = std::move(Expression::compile(text).value());
        return made;
    }
    static Step filed(Action action, std::string text, std::string file) {
        Step made = step(action, std::move(text));
        made.file = std::move(file);
        return made;
    }
    static Step type(const std::string& text) {
        Step step;
        step.action = Action::type;
        step.chords = std::move(chords_for_text(text).value());
        return step;
    }

    std::string folder_;
};

TEST_F(RunnerTest, TypingIsPacedByAGuestThatReadsSlowly) {
    const std::string text = "More keys than keyboard and controller hold: \"PACED\".\n";
    const Report report = run({kSetUpLines, kReadKeysSlowly}, {type(text), during(Action::wait_time, 10 * kMs)});
    EXPECT_TRUE(report.passed) << report.failure;
    std::string expected;
    const std::vector<Chord> chords = type(text).chords;
    for (const Chord& chord : chords) {
        for (const auto key : chord) expected += static_cast<char>(devices::key_row(key).set1);
        for (auto key = chord.rbegin(); key != chord.rend(); ++key)
            expected += static_cast<char>(devices::key_row(*key).set1 | 0x80);
    }
    EXPECT_EQ(report.serials.at(0), expected);
}

TEST_F(RunnerTest, StepsOfEveryKindPass) {
    write_bytes(folder_ + "/disk.img", std::vector<u8>(1'474'560));
    const Report report =
        run({kSetUpLines, send(0x3F8, "one\r\nnumber 42\r\n"), send(0x2F8, "two"), kEchoOne, kPowerOff},
            {step(Action::wait_serial, "one"), matching("^number [0-9]+"), step(Action::wait_serial, "two", 1),
             filed(Action::insert, "floppy0", folder_ + "/disk.img"), step(Action::eject, "floppy0"),
             during(Action::wait_stable, 20 * kMs), step(Action::reject_screen, "anything"),
             filed(Action::screenshot, "shot.png", "shot.png"), step(Action::send, "!"), step(Action::wait_power_off),
             step(Action::expect_serial, "42\r\n!"), step(Action::reject_serial, "two")});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_EQ(report.serials.at(1), "two");
    EXPECT_EQ(report.trace.size(), 12u);
    EXPECT_TRUE(std::filesystem::exists(folder_ + "/shot.png"));
}

TEST_F(RunnerTest, FailuresSayWhere) {
    const auto failure = [&](const std::vector<std::vector<u8>>& code, std::vector<Step> steps) {
        const Report report = run(code, std::move(steps));
        EXPECT_FALSE(report.passed);
        return report.failure;
    };
    Step late = step(Action::wait_serial, "nothing");
    late.limit_ns = 50 * kMs;
    EXPECT_NE(failure({kForEver}, {during(Action::wait_time, kMs), late}).find("line 2:"), std::string::npos);
    EXPECT_NE(failure({kForEver}, {late}).find("not within 0.050 s"), std::string::npos);
    EXPECT_NE(failure({kForEver}, {step(Action::expect_screen, "x")}).find("the text is not on the screen"),
              std::string::npos);
    EXPECT_NE(failure({kSetUpLines, send(0x3F8, "x"), kForEver},
                      {step(Action::wait_serial, "x"), step(Action::reject_serial, "x")})
                  .find("the text is in the serial output"),
              std::string::npos);
    EXPECT_NE(failure({kForEver}, {filed(Action::insert, "floppy0", folder_ + "/missing")}).find("missing"),
              std::string::npos);
    Step unread = type("a");
    unread.limit_ns = 60'000 * kMs;
    EXPECT_NE(failure({{0xFB, 0xF4, 0xEB, 0xFD}}, {unread}).find("reads no keys"), std::string::npos);  // sti; hlt
    EXPECT_NE(failure({kPowerOff}, {step(Action::wait_serial, "x")}).find("switched itself off"), std::string::npos);
}

/// What a wait has looked through in vain it does not look through again; a match may still span two looks.
TEST_F(RunnerTest, SerialTextIsFoundAcrossLooks) {
    std::vector<std::vector<u8>> code{kSetUpLines};
    code.push_back(send(0x3F8, "first half, "));
    code.push_back({0xB9, 0x80, 0x84, 0x1E, 0x01, 0x49, 0x75, 0xFD});  // mov ecx, 18777216 / dec ecx / jnz: some 38 ms
    code.push_back(send(0x3F8, "second half\n"));
    code.push_back(kForEver);
    EXPECT_TRUE(run(code, {step(Action::wait_serial, "half, second")}).passed);
    EXPECT_TRUE(run(code, {matching("^first.*second half$")}).passed);
}

}  // namespace
}  // namespace bantam::scenario
