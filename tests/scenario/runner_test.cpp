// Scenarios on small guests of our own: every kind of step, what they fail with, and typing to a guest that reads
// slowly.
#include "scenario/runner.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "machine/clock.h"
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

// To the keyboard EDh, then 4 (its LED of Caps Lock), the acknowledgements read: mov al, 0EDh / out 60h, al / w: in al,
// 64h / test al, 1 / jz w / in al, 60h / ...
const std::vector<u8> kCapsLock{0xB0, 0xED, 0xE6, 0x60, 0xE4, 0x64, 0xA8, 0x01, 0x74, 0xFA, 0xE4, 0x60,
                                0xB0, 0x04, 0xE6, 0x60, 0xE4, 0x64, 0xA8, 0x01, 0x74, 0xFA, 0xE4, 0x60};

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
const std::vector<u8> kHaltForGood{0xFA, 0xF4};              // cli / hlt
const std::vector<u8> kHaltForEver{0xFB, 0xF4, 0xEB, 0xFD};  // sti / hlt / jmp

std::vector<u8> busy(u32 loops) {  // mov ecx, loops / dec ecx / jnz
    return {0xB9,
            static_cast<u8>(loops),
            static_cast<u8>(loops >> 8),
            static_cast<u8>(loops >> 16),
            static_cast<u8>(loops >> 24),
            0x49,
            0x75,
            0xFD};
}

class RunnerTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bantam-scenario-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// By both engines, which must do the same at the same guest time.
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
        for (Step& step : scenario.steps) step.place = "line " + std::to_string(++line);
        scenario.machine.engine = EngineKind::interpreter;
        const Report interpreted = run(scenario);
        scenario.machine.engine = EngineKind::jit;
        Report translated = run(scenario);
        EXPECT_EQ(interpreted.trace, translated.trace);
        EXPECT_EQ(interpreted.failure, translated.failure);
        EXPECT_EQ(interpreted.serials, translated.serials);
        EXPECT_EQ(interpreted.guest_ns, translated.guest_ns);
        return translated;
    }
    Report run(const Scenario& scenario) {
        Runner::Options options{.artifacts = folder_, .film = false, .stopped_at_failure = nullptr};
        Machine* machine = nullptr;
        if (stop_at_failure_) {
            options.stopped_at_failure = [&](const Report& report) {
                stopped_ += report.failure + (machine->running() ? " running\n" : " standing\n");
                machine->quit();
            };
        }
        Result<std::unique_ptr<Runner>> runner = Runner::create(scenario, std::move(options));
        EXPECT_TRUE(runner.ok()) << (runner.ok() ? "" : runner.error().message);
        if (!runner) return {};
        machine = &runner.value()->machine();
        return runner.value()->run();
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
    static Step matching(const std::string& text, Action action = Action::wait_serial_regex) {
        Step made = step(action, text);
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
        step.chords = std::move(keystrokes_for_text(text).value());
        return step;
    }

    std::string folder_;
    bool stop_at_failure_ = false;
    std::string stopped_;  // what was told then
};

TEST_F(RunnerTest, TypingIsPacedByAGuestThatReadsSlowly) {
    const std::string text = "More keys than keyboard and controller hold: \"PACED\".\n";
    const Report report = run({kSetUpLines, kReadKeysSlowly}, {type(text), during(Action::wait_time, 10 * kMs)});
    EXPECT_TRUE(report.passed) << report.failure;
    std::string expected;
    for (const Keystroke& stroke : type(text).chords) {
        for (const auto key : stroke.keys) expected += static_cast<char>(devices::key_row(key).set1);
        for (auto key = stroke.keys.rbegin(); key != stroke.keys.rend(); ++key)
            expected += static_cast<char>(devices::key_row(*key).set1 | 0x80);
    }
    EXPECT_EQ(report.serials.at(0), expected);
}

TEST_F(RunnerTest, KeysAreHeldAsLongAsTheStepSays) {
    Step held = type("ab");
    held.duration_ns = 100 * kMs;
    const Report report = run({kSetUpLines, kReadKeysSlowly}, {held});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_GE(report.guest_ns, 200 * kMs);
    EXPECT_LE(report.guest_ns, 250 * kMs) << "the guest reads a byte in 5 ms";
}

TEST_F(RunnerTest, LettersComeOutAsMeantUnderCapsLock) {
    const Report report = run({kSetUpLines, kCapsLock, kReadKeysSlowly},
                              {during(Action::wait_time, 10 * kMs), type("aB1!"), during(Action::wait_time, 10 * kMs)});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_EQ(report.serials.at(0),
              "\x2A\x1E\x9E\xAA"  // a, with Shift
              "\x30\xB0"          // B, without
              "\x02\x82\x2A\x02\x82\xAA")
        << "1 and ! have nothing to do with it";
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

TEST_F(RunnerTest, LinesOfTheScreenMatchExpressions) {
    // mov word [0B8000h + 160 * row], letter and digit
    const auto show = [](u16 at, char letter, char digit) {
        return std::vector<u8>{
            0xC6, 0x05, static_cast<u8>(at),     static_cast<u8>(0x80 + (at >> 8)), 0x0B, 0x00, static_cast<u8>(letter),
            0xC6, 0x05, static_cast<u8>(at + 2), static_cast<u8>(0x80 + (at >> 8)), 0x0B, 0x00, static_cast<u8>(digit)};
    };
    const std::vector<std::vector<u8>> code{show(0, 'a', '1'), show(160, 'b', '2'), kForEver};
    EXPECT_TRUE(run(code, {matching("^b[0-9] *$", Action::wait_screen_regex)}).passed);
    Step across = matching("a1.*b2", Action::wait_screen_regex);
    across.limit_ns = 50 * kMs;
    EXPECT_NE(run(code, {across}).failure.find("not within 0.050 s"), std::string::npos) << "no line has both";
}

TEST_F(RunnerTest, WaitsForTheEndOfTheGuestByItsKind) {
    EXPECT_TRUE(
        run({busy(1'000'000), kHaltForGood}, {step(Action::wait_halt), step(Action::reject_screen, "x")}).passed);
    EXPECT_NE(run({kHaltForGood}, {step(Action::wait_power_off)}).failure.find("line 1:"), std::string::npos);
    EXPECT_NE(run({kPowerOff}, {step(Action::wait_halt)}).failure.find("switched itself off"), std::string::npos);
    Step late = step(Action::wait_halt);
    late.limit_ns = 50 * kMs;
    EXPECT_NE(run({kHaltForEver}, {late}).failure.find("not within 0.050 s"), std::string::npos) << "timers wake it";
}

TEST_F(RunnerTest, PressesThePowerButton) {
    // mov dx, 600h / l: in ax, dx / test ah, 1 / jz l: PM1 status, PWRBTN_STS
    const std::vector<u8> await_button{0x66, 0xBA, 0x00, 0x06, 0x66, 0xED, 0xF6, 0xC4, 0x01, 0x74, 0xF9};
    const Report report = run({await_button, kPowerOff}, {during(Action::wait_time, 20 * kMs),
                                                          step(Action::power_button), step(Action::wait_power_off)});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_FALSE(run({kPowerOff}, {step(Action::wait_power_off), step(Action::power_button)}).passed) << "it is off";
}

TEST_F(RunnerTest, PressesReset) {
    const Report report = run({kSetUpLines, send(0x3F8, "x"), kHaltForEver},
                              {step(Action::wait_serial, "x"), during(Action::wait_time, 20 * kMs),
                               step(Action::reject_serial, "xx"), step(Action::reset), step(Action::wait_serial, "x")});
    EXPECT_TRUE(report.passed) << report.failure;
}

TEST_F(RunnerTest, HashesAreOfTheStateAndGoIntoTheTrace) {
    const std::vector<std::vector<u8>> code{kSetUpLines, busy(20'000'000), send(0x3F8, "x"), kPowerOff};
    const Report report = run(code, {step(Action::hash), step(Action::hash), step(Action::wait_serial, "x"),
                                     step(Action::wait_power_off), step(Action::hash)});
    EXPECT_TRUE(report.passed) << report.failure;
    ASSERT_EQ(report.trace.size(), 5u);
    const auto hash = [&](std::size_t line) { return report.trace[line].substr(report.trace[line].find('(')); };
    EXPECT_EQ(hash(0).size(), 18u) << report.trace[0];
    EXPECT_EQ(hash(0), hash(1));
    EXPECT_NE(hash(0), hash(4));
}

TEST_F(RunnerTest, MachinesThatAreExpectedToBeRefusedMustNotBeBuilt) {
    const Report report = run({kForEver}, {matching("MiB", Action::expect_refusal)});
    EXPECT_NE(report.failure.find("the machine could be built"), std::string::npos) << report.failure;
}

// --- what happens within instructions

Step waiting_for(Action action, u64 address, std::optional<u32> value = std::nullopt) {
    Step made;
    made.action = action;
    made.address = address;
    made.value = value;
    return made;
}
/// The guest time of line `index` of the trace.
u64 time_of(const Report& report, std::size_t index) { return std::stoull(report.trace.at(index)); }

TEST_F(RunnerTest, StopsBehindAWriteToAPort) {
    const std::vector<u8> writes{0xB0, 0x54, 0xE6, 0x80, 0xB0, 0x55, 0xE6, 0x80};  // out 80h, 54h / out 80h, 55h
    const Report report = run({kSetUpLines, busy(100'000), writes, send(0x3F8, "after"), kForEver},
                              {waiting_for(Action::wait_io, 0x80), waiting_for(Action::wait_io, 0x80, 0x55),
                               step(Action::reject_serial, "a"), step(Action::wait_serial, "after")});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_LT(time_of(report, 1) - time_of(report, 0), 5'000u) << "the next write but one instruction";
    EXPECT_EQ(time_of(report, 2), time_of(report, 1));
    EXPECT_NE(time_of(report, 1) % kMs, 0u) << "not at a look";
    Step other = waiting_for(Action::wait_io, 0x80, 0x56);
    other.limit_ns = 50 * kMs;
    EXPECT_NE(run({writes, kForEver}, {other}).failure.find("not within 0.050 s"), std::string::npos);
    EXPECT_TRUE(run({kPowerOff}, {waiting_for(Action::wait_io, 0x604, 0x2000), step(Action::wait_power_off)}).passed)
        << "the write that ends the guest";
}

TEST_F(RunnerTest, StopsBeforeTheInstructionAtAnAddress) {
    const std::vector<u8> loop = busy(1'000'000);
    const u64 behind = kMultibootEntry + kSetUpLines.size() + loop.size();
    const Report report = run(
        {kSetUpLines, loop, send(0x3F8, "x"), kForEver},
        {waiting_for(Action::wait_address, kMultibootEntry + kSetUpLines.size() + 5),
         waiting_for(Action::wait_address, behind), step(Action::reject_serial, "x"), step(Action::wait_serial, "x")});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_EQ(time_of(report, 1) - time_of(report, 0), 2'000'000 / Clock::kInstructionsPerNs)
        << "a million times DEC and JNZ";
    Step never = waiting_for(Action::wait_address, 0x1234);
    never.limit_ns = 50 * kMs;
    EXPECT_NE(run({kForEver}, {never}).failure.find("not within 0.050 s"), std::string::npos);
}

// --- idle, pictures, the mouse, the host

TEST_F(RunnerTest, IdleIsHaltedButForMoments) {
    constexpr u64 kBusyMs = 5, kTurns = kBusyMs * kMs * Clock::kInstructionsPerNs / 2;
    const Report report = run({busy(kTurns), kHaltForEver}, {during(Action::wait_idle, 200 * kMs)});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_GE(time_of(report, 0), (200 + kBusyMs) * kMs);
    EXPECT_LE(time_of(report, 0), (220 + kBusyMs) * kMs);
    Step late = during(Action::wait_idle, 20 * kMs);
    late.limit_ns = 40 * kMs;
    EXPECT_NE(run({kForEver}, {late}).failure.find("busy for 100 % of the last 10 ms"), std::string::npos);
}

Step picture_step(u32 colour, unsigned x) {
    Step made;
    made.action = Action::wait_picture;
    made.picture = std::make_shared<ReferencePicture>(
        ReferencePicture{.width = 8, .height = 4, .pixels = std::vector<u32>(32, 0xFF000000 | colour)});
    made.x = x;
    made.y = 100;
    made.limit_ns = 50 * kMs;
    return made;
}

TEST_F(RunnerTest, WaitsForAPicture) {
    EXPECT_TRUE(run({kForEver}, {picture_step(0, 200)}).passed);
    EXPECT_NE(
        run({kForEver}, {picture_step(0x123456, 200)}).failure.find("; 32 pixels differ, the first of them at 200,100"),
        std::string::npos);
    EXPECT_NE(run({kForEver}, {picture_step(0, 715)})
                  .failure.find("the screen has 720x400 pixels, and the picture 8x4 at 715,100"),
              std::string::npos);
    // mov byte [0B8000h + 6 * 160 + 25 * 2], 0DBh: a block of colour AAAAAAh at 225,96
    Step near = picture_step(0xA9ABAA, 225);
    near.tolerance = 1;
    EXPECT_TRUE(run({busy(1'000'000), {0xC6, 0x05, 0xF2, 0x83, 0x0B, 0x00, 0xDB}, kForEver}, {near}).passed);
}

Step click_at(unsigned x, unsigned y, unsigned buttons) {
    Step made;
    made.action = Action::click;
    made.x = x;
    made.y = y;
    made.buttons = buttons;
    return made;
}

TEST_F(RunnerTest, ClicksByThePs2Mouse) {
    // 8042: enable the mouse; mouse: report. l: in al, 64h / test al, 1 / jz l / in al, 60h / out 3F8h, al / jmp l
    const std::vector<u8> report_mouse{0xB0, 0xA8, 0xE6, 0x64, 0xE4, 0x64, 0xA8, 0x02, 0x75, 0xFA, 0xB0, 0xD4, 0xE6,
                                       0x64, 0xE4, 0x64, 0xA8, 0x02, 0x75, 0xFA, 0xB0, 0xF4, 0xE6, 0x60, 0xE4, 0x64,
                                       0xA8, 0x01, 0x74, 0xFA, 0xE4, 0x60, 0x66, 0xBA, 0xF8, 0x03, 0xEE, 0xEB, 0xF1};
    const Report report = run({kSetUpLines, report_mouse}, {click_at(31, 12, 2)});
    ASSERT_TRUE(report.passed) << report.failure;
    const std::string& bytes = report.serials.at(0);
    ASSERT_EQ(bytes.size() % 3, 1u) << "the acknowledge, and packets";
    int x = 700, y = 300;
    std::string buttons;
    for (std::size_t i = 1; i < bytes.size(); i += 3) {
        const auto at = [&](std::size_t k) { return static_cast<unsigned char>(bytes[i + k]); };
        x = std::max(0, x + at(1) - ((at(0) & 0x10) != 0 ? 256 : 0));
        y = std::max(0, y - at(2) + ((at(0) & 0x20) != 0 ? 256 : 0));
        buttons += static_cast<char>('0' + (at(0) & 7));
    }
    EXPECT_EQ(x, 31);
    EXPECT_EQ(y, 12);
    EXPECT_EQ(buttons.substr(buttons.size() - 3), "020") << "pressed and released where it had come to";
    Step unread = click_at(1, 1, 1);
    unread.limit_ns = 60'000 * kMs;
    EXPECT_NE(run({kHaltForEver}, {unread}).failure.find("has not read the mouse for 30 s"), std::string::npos);
}

std::vector<u8> call_vmmouse(u32 command, u32 argument) {
    const auto move = [](u8 opcode, u32 value) {
        return std::vector<u8>{opcode, static_cast<u8>(value), static_cast<u8>(value >> 8),
                               static_cast<u8>(value >> 16), static_cast<u8>(value >> 24)};
    };
    std::vector<u8> code;
    for (const auto& part : {move(0xB8, 0x564D5868), move(0xBB, argument), move(0xB9, command),
                             std::vector<u8>{0x66, 0xBA, 0x58, 0x56, 0xED}})  // mov dx, 5658h / in eax, dx
        code.insert(code.end(), part.begin(), part.end());
    return code;
}

TEST_F(RunnerTest, ClicksOnTextByTheAbsolutePointer) {
    // "OK" at row 10, column 40: mov dword [0B8000h + 10 * 160 + 80], 074B074Fh
    const std::vector<u8> text{0xC7, 0x05, 0x90, 0x86, 0x0B, 0x00, 0x4F, 0x07, 0x4B, 0x07};
    std::vector<u8> loop = call_vmmouse(40, 0);
    const std::vector<u8> skip{0x3C, 0x04, 0x72, static_cast<u8>(0 - loop.size() - 4)};  // cmp al, 4 / jb loop
    loop.insert(loop.end(), skip.begin(), skip.end());
    const std::vector<u8> data = call_vmmouse(39, 4);
    loop.insert(loop.end(), data.begin(), data.end());
    // mov dx, 3F8h / out dx, al / mov al, bh / out dx, al / mov al, ch / out dx, al / jmp loop
    const std::vector<u8> tell{0x66, 0xBA, 0xF8, 0x03, 0xEE, 0x88, 0xF8, 0xEE, 0x88, 0xE8, 0xEE, 0xEB};
    loop.insert(loop.end(), tell.begin(), tell.end());
    loop.push_back(static_cast<u8>(0 - loop.size() - 1));
    Step click = step(Action::click_text, "OK");
    const Report report = run({kSetUpLines, call_vmmouse(41, 0x45414552), call_vmmouse(39, 1),
                               call_vmmouse(41, 0x53424152), busy(20'000'000), text, loop},
                              {click});
    ASSERT_TRUE(report.passed) << report.failure;
    // The middle of "OK": 41 * 9 = 369 of 720 pixels, 10 * 16 + 8 = 168 of 400.
    const std::string there{static_cast<char>(369 * 256 / 720), static_cast<char>(168 * 256 / 400)};
    EXPECT_EQ(report.serials.at(0), std::string(1, '\0') + there + " " + there + std::string(1, '\0') + there);
    Step missing = step(Action::click_text, "Cancel");
    missing.limit_ns = 50 * kMs;
    EXPECT_NE(run({kForEver}, {missing}).failure.find("the text is not on the screen"), std::string::npos);
}

TEST_F(RunnerTest, RunsCommandsOnWhatWasLeft) {
    const std::vector<std::vector<u8>> code{kSetUpLines, send(0x3F8, "one"), kForEver};
    const Report report =
        run(code, {step(Action::wait_serial, "one"),
                   step(Action::run, "grep one serial1.log && test -s screen.png && grep -c line trace.txt"),
                   step(Action::run, "cat run1.log")});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_EQ(time_of(report, 1), time_of(report, 0)) << "guest time stands still";
    EXPECT_TRUE(std::filesystem::exists(folder_ + "/run2.log"));
    EXPECT_NE(run(code, {step(Action::run, "echo bad; false")}).failure.find("its exit status is 1; it wrote: bad"),
              std::string::npos);
    Step late = step(Action::run, "sleep 30");
    late.limit_ns = 100 * kMs;
    EXPECT_NE(run(code, {late}).failure.find("not within 0.100 s of the host's time"), std::string::npos);
}

// --- repetition

Step repeating(Step step, std::size_t steps, u64 limit_ns = 10'000 * kMs) {
    step.repeated = steps;
    step.limit_ns = limit_ns;
    return step;
}

TEST_F(RunnerTest, RepeatsUntilTheConditionHolds) {
    const std::vector<std::vector<u8>> code{kSetUpLines, kEchoOne, kEchoOne, kEchoOne, send(0x3F8, "stop"), kForEver};
    const Report report = run(code, {repeating(step(Action::wait_serial, "stop"), 2), step(Action::send, "x"),
                                     during(Action::wait_time, 20 * kMs), step(Action::expect_serial, "xxxstop")});
    EXPECT_TRUE(report.passed) << report.failure;
    ASSERT_EQ(report.trace.size(), 3u * 2 + 2);
    EXPECT_NE(report.trace[6].find("(in round 3)"), std::string::npos) << report.trace[6];
    EXPECT_NE(report.trace[6].find("line 1"), std::string::npos);
    const Report none = run(code, {step(Action::send, "xxx"), step(Action::wait_serial, "st"),
                                   repeating(step(Action::wait_serial, "op"), 1), step(Action::send, "never")});
    EXPECT_TRUE(none.passed) << none.failure;
    EXPECT_EQ(none.trace.size(), 3u) << "not one round is needed";
}

TEST_F(RunnerTest, RepetitionsNestAndHaveLimits) {
    const std::vector<std::vector<u8>> code{kSetUpLines, kEchoOne,           kEchoOne, send(0x3F8, "in"),
                                            kEchoOne,    send(0x3F8, "out"), kForEver};
    const Report report = run(
        code, {repeating(step(Action::wait_serial, "out"), 3), repeating(step(Action::wait_serial, "in"), 1, 100 * kMs),
               step(Action::send, "x"), step(Action::send, "y")});
    EXPECT_TRUE(report.passed) << report.failure;
    const auto failure = [&](std::vector<Step> steps) { return run({kForEver}, std::move(steps)).failure; };
    EXPECT_EQ(failure({repeating(step(Action::wait_screen, "x"), 1, 100 * kMs), step(Action::send, "y")}),
              "line 1: : not within 0.100 s of guest time")
        << "rounds that take no time";
    EXPECT_EQ(failure({repeating(step(Action::wait_screen, "x"), 1, 100 * kMs), during(Action::wait_time, 300 * kMs)}),
              "line 1: : not within 0.100 s of guest time")
        << "in the middle of a step";
    EXPECT_NE(failure({repeating(step(Action::wait_screen, "x"), 1), step(Action::expect_screen, "y")}).find("line 2:"),
              std::string::npos);
}

TEST_F(RunnerTest, RepetitionsEndWithTheGuest) {
    const std::vector<std::vector<u8>> code{busy(15'000'000), kPowerOff};
    const Report report = run(code, {repeating(step(Action::wait_power_off), 1), during(Action::wait_time, 30 * kMs),
                                     step(Action::reject_screen, "x")});
    EXPECT_TRUE(report.passed) << report.failure;
    EXPECT_NE(run(code, {repeating(step(Action::wait_screen, "x"), 1), during(Action::wait_time, 30 * kMs)})
                  .failure.find("the guest switched itself off"),
              std::string::npos);
}

// --- stopping at failures

TEST_F(RunnerTest, StandsStillAtAFailure) {
    stop_at_failure_ = true;
    const Report report = run({kForEver}, {step(Action::expect_screen, "x")});
    EXPECT_EQ(stopped_,
              "line 1: : the text is not on the screen standing\nline 1: : the text is not on the screen standing\n");
    EXPECT_FALSE(report.passed);
    stopped_.clear();
    EXPECT_FALSE(
        run({kForEver}, {waiting_for(Action::wait_address, kMultibootEntry), step(Action::expect_screen, "x")}).passed);
    EXPECT_NE(stopped_.find("line 2:"), std::string::npos) << "where an event had stopped it";
    stopped_.clear();
    EXPECT_FALSE(run({kPowerOff}, {step(Action::wait_screen, "x")}).passed);
    EXPECT_EQ(stopped_, "") << "nothing is left to look at";
}

}  // namespace
}  // namespace bantam::scenario
