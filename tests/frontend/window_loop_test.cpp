// The window's loop with a machine that runs and a screen that is none: what a person does, and what the guest gets.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "frontend/window/window.h"
#include "tests/machine/multiboot_image.h"

namespace bantam::frontend {
namespace {

using Kind = ScreenEvent::Kind;
constexpr unsigned kA = 0x04, kB = 0x05, kEnter = 0x28, kEscape = 0x29, kHome = 0x4A, kDown = 0x51, kMenu = 0x65;

// l: in al, 64h / test al, 1 / jz l / in al, 60h / jmp l
const std::vector<u8> kReadKeys{0xE4, 0x64, 0xA8, 0x01, 0x74, 0xFA, 0xE4, 0x60, 0xEB, 0xF6};
const std::vector<u8> kSpin{0xEB, 0xFE};

class FakeScreen final : public Screen {
public:
    /// From the test's thread.
    void send(ScreenEvent event) {
        const std::lock_guard lock(mutex_);
        events_.push_back(std::move(event));
        changed_.notify_all();
    }
    bool until(const std::function<bool()>& condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), condition);
    }

    std::optional<ScreenEvent> wait(int timeout_ms) override {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return !events_.empty(); }))
            return std::nullopt;
        ScreenEvent event = std::move(events_.front());
        events_.pop_front();
        return event;
    }
    void wake() override { send({}); }
    void set_title(const std::string& title) override { set(title_, title); }
    void set_size(int, int) override {}
    void size(int& width, int& height) override {
        width = 800;
        height = 600;
    }
    void set_full_screen(bool) override {}
    std::string clipboard() override { return "ab"; }
    void capture(bool on) override { set(captured_, on); }
    void show_pointer(bool) override {}
    void upload(const devices::Frame&) override {}
    void upload_panel(const devices::Frame& frame) override { set(panel_, frame.width != 0); }
    void show(const Placement&, const Placement&) override {}

    // In until()'s condition alone.
    std::string title_;
    bool captured_ = false, panel_ = false;

private:
    template <typename T>
    void set(T& member, const T& value) {
        const std::lock_guard lock(mutex_);
        member = value;
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<ScreenEvent> events_;
};

class WindowLoopTest : public testing::Test {
protected:
    void start(const std::vector<u8>& program = kReadKeys) {
        path_ = testing::TempDir() + "bantam-window-kernel-" + std::to_string(::getpid());
        write_bytes(path_, multiboot_image(program));
        config_.memory_bytes = u64{16} << 20;
        config_.kernel = path_;
        config_.floppies.push_back({.path = "none"});
        Result<std::unique_ptr<Machine>> made = Machine::create(config_);
        ASSERT_TRUE(made) << made.error().message;
        machine_ = std::move(made.value());
        machine_->observe_input([this](const InputEvent& event) {
            if (event.kind == InputEvent::Kind::key) keys_ += fmt(event);
            screen_.wake();
        });
        loop_ = std::thread([this] { outcome_ = Window(*machine_, screen_).run([this] { return machine_->run(); }); });
    }
    void TearDown() override {
        if (loop_.joinable()) {
            machine_->request_quit();
            loop_.join();
        }
        std::filesystem::remove(path_);
    }

    static std::string fmt(const InputEvent& event) {
        return (event.pressed ? "+" : "-") + std::string(devices::key_row(event.key).name) + " ";
    }
    /// What `question` answers on the machine's thread.
    template <typename T>
    T ask(const std::function<T()>& question) {
        struct Answer {
            T value{};
            std::atomic<bool> done = false;
        };
        const auto answer = std::make_shared<Answer>();  // which the machine may outlast us with
        machine_->post([answer, question] {
            answer->value = question();
            answer->done = true;
        });
        for (unsigned tries = 0; !answer->done && tries < 20'000; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_TRUE(answer->done) << "the machine does not run";
        return answer->done ? answer->value : T{};
    }
    /// What the machine was told so far.
    std::string keys() {
        return ask<std::string>([this] { return keys_; });
    }
    u64 guest_ns() {
        return ask<u64>([this] { return machine_->now_ns(); });
    }
    void press(unsigned usage) {
        screen_.send({.kind = Kind::key, .key_usage = usage, .pressed = true});
        screen_.send({.kind = Kind::key, .key_usage = usage, .pressed = false});
    }
    void choose(std::size_t row) {
        press(kMenu);
        press(kHome);
        for (std::size_t n = 0; n < row; ++n) press(kDown);
        press(kEnter);
    }
    bool keys_become(const std::string& wanted) {
        for (unsigned tries = 0; tries < 2000 && keys() != wanted; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return keys() == wanted;
    }

    std::string path_;
    MachineConfig config_;  // before start()
    FakeScreen screen_;
    std::unique_ptr<Machine> machine_;
    std::string keys_;  // the machine's thread
    Outcome outcome_;
    std::thread loop_;
};

TEST_F(WindowLoopTest, WithTheMenuOpenTheGuestGetsNoKeys) {
    start();
    screen_.send({.kind = Kind::key, .key_usage = kB, .pressed = true});
    EXPECT_TRUE(keys_become("+b "));
    press(kMenu);
    EXPECT_TRUE(screen_.until([this] { return screen_.panel_; }));
    EXPECT_TRUE(keys_become("+b -b ")) << "what was down is let go";
    press(kA);
    screen_.send({.kind = Kind::key, .key_usage = kA, .pressed = true, .repeated = true});
    press(kEscape);
    EXPECT_TRUE(screen_.until([this] { return !screen_.panel_; }));
    screen_.send({.kind = Kind::key, .key_usage = kB, .pressed = false});
    press(kA);
    EXPECT_TRUE(keys_become("+b -b +a -a ")) << keys();
}

TEST_F(WindowLoopTest, TheMenuRunsWhatIsChosen) {
    start();
    screen_.send({.kind = Kind::mouse_button, .pressed = true});
    EXPECT_TRUE(screen_.until([this] { return screen_.captured_; }));
    press(kMenu);
    EXPECT_TRUE(screen_.until([this] { return screen_.panel_ && !screen_.captured_; }));
    press(kEnter);  // the first: the mouse
    EXPECT_TRUE(screen_.until([this] { return !screen_.panel_ && screen_.captured_; }));
    const std::size_t shortcuts = shortcut_table().size() - 1;  // but the menu's own
    choose(shortcuts + 1);                                      // the Menu key
    EXPECT_TRUE(keys_become("+compose -compose ")) << keys();
    choose(shortcuts);  // the end at once
    loop_.join();
    EXPECT_EQ(outcome_.reason, StopReason::quit);
}

TEST_F(WindowLoopTest, ThePastedTextIsAllTheGuestGets) {
    start();
    screen_.send({.kind = Kind::key, .key_usage = 0xE0, .pressed = true});
    screen_.send({.kind = Kind::key, .key_usage = 0xE2, .pressed = true});
    press(0x19);  // V
    screen_.send({.kind = Kind::key, .key_usage = 0xE2, .pressed = false});
    screen_.send({.kind = Kind::key, .key_usage = 0xE0, .pressed = false});
    EXPECT_TRUE(screen_.until([this] { return screen_.title_.find("2 characters were typed") != std::string::npos; }));
    EXPECT_TRUE(keys_become("+ctrl +alt -ctrl -alt +a -a +b -b ")) << keys();
}

// In virtual time the guest has whatever speed the host gives it: 1 ns an instruction.
TEST_F(WindowLoopTest, TheTitleTellsTheSpeed) {
    config_.clock = ClockKind::virtual_time;
    config_.engine = EngineKind::interpreter;  // too slow for the full speed
    start(kSpin);
    const auto speed = [this]() -> std::optional<unsigned> {  // of the title
        unsigned percent = 0;
        const bool told_any = std::sscanf(screen_.title_.c_str(), "Bantam (%u %% speed)", &percent) == 1;
        return told_any ? std::optional(percent) : std::nullopt;
    };
    EXPECT_TRUE(screen_.until([&] { return speed().has_value(); }));
    unsigned told = 0;
    double measured = 0;
    const auto near = [&] { return told + 1 > 0.7 * measured && told < 1.4 * measured; };
    for (unsigned tries = 0; tries < 10 && !near(); ++tries) {  // a busy host changes it from second to second
        const auto begun = std::chrono::steady_clock::now();
        const u64 before = guest_ns();
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));
        const u64 passed = guest_ns() - before;
        measured = 100.0 * static_cast<double>(passed) /
                   std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begun).count();
        screen_.until([&] {
            told = speed().value_or(0);
            return true;
        });
    }
    EXPECT_TRUE(near()) << "told " << told << ", measured " << measured;
}

}  // namespace
}  // namespace bantam::frontend
