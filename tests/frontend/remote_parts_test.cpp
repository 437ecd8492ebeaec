// The remote display without a network: keys by name and place, what several viewers hold, requests of browsers.
#include <gtest/gtest.h>

#include "frontend/remote/http_request.h"
#include "frontend/remote/keysyms.h"
#include "frontend/remote/remote_input.h"

namespace bantam::frontend {
namespace {

std::string key_of(u32 keysym) {
    const auto found = key_by_keysym(keysym);
    return found ? std::string(devices::key_row(found->key).name) : "none";
}

TEST(Keysyms, KeysOfAUsKeyboard) {
    EXPECT_EQ(key_of('a'), "a");
    EXPECT_EQ(key_of('A'), "a");
    EXPECT_EQ(key_of('?'), "slash");
    EXPECT_EQ(key_of('~'), "grave_accent");
    EXPECT_EQ(key_of(' '), "spc");
    EXPECT_EQ(key_of(0xFF0D), "ret");
    EXPECT_EQ(key_of(0xFF53), "right");
    EXPECT_EQ(key_of(0xFFB7), "kp_7");
    EXPECT_EQ(key_of(0xFFC9), "f12");
    EXPECT_EQ(key_of(0xFFFF), "delete");
    for (const u32 none : {0u, 0x1Fu, 0x7Fu, 0xF6u, 0xFE03u, 0xFF07u, 0xFFCAu, 0x10000u, 0xFFFFFFFFu})
        EXPECT_EQ(key_of(none), "none") << none;
    EXPECT_FALSE(key_by_keysym('a')->shift);
    EXPECT_TRUE(key_by_keysym('A')->shift);
    EXPECT_TRUE(key_by_keysym('!')->shift);
    EXPECT_TRUE(key_by_keysym('!')->character);
    EXPECT_TRUE(key_by_keysym('z')->letter);
    EXPECT_FALSE(key_by_keysym('1')->letter);
    EXPECT_FALSE(key_by_keysym(0xFF0D)->character);
}

TEST(Keysyms, EveryNamedKeyExists) {
    for (u32 keysym = 0xFE00; keysym <= 0xFFFF; ++keysym) {
        if (const auto found = key_by_keysym(keysym)) {
            EXPECT_FALSE(devices::key_row(found->key).name.empty());
        }
    }
}

class RemoteInputTest : public testing::Test {
protected:
    RemoteInputTest() {
        MachineConfig config;
        config.memory_bytes = u64{1} << 20;
        config.headless = true;
        auto made = Machine::create(config);
        EXPECT_TRUE(made.ok());
        machine_ = std::move(made.value());
        machine_->observe_input([this](const InputEvent& event) {
            if (!done_.empty()) done_ += ' ';
            if (event.kind == InputEvent::Kind::key)
                done_ += (event.pressed ? '+' : '-') + std::string(devices::key_row(event.key).name);
            if (event.kind == InputEvent::Kind::buttons) done_ += "buttons" + std::to_string(event.buttons);
        });
        input_.emplace(*machine_);
    }
    void character(u32 keysym, bool pressed, unsigned viewer = 1) { input_->key(viewer, keysym, {}, pressed); }
    std::string done() { return std::exchange(done_, {}); }

    static constexpr u32 kShift = 0xFFE1, kShiftRight = 0xFFE2;
    std::unique_ptr<Machine> machine_;
    std::optional<RemoteInput> input_;
    std::string done_;
};

TEST_F(RemoteInputTest, ShiftIsLentAndTaken) {
    character('a', true);
    character('a', true);  // a viewer's repetition; the keyboard has its own
    character('a', false);
    EXPECT_EQ(done(), "+a -a");
    character('A', true);
    character('A', false);
    EXPECT_EQ(done(), "+shift +a -a -shift");
    character(kShiftRight, true);
    character('A', true);
    character('a', false);  // shift may go up first
    EXPECT_EQ(done(), "+shift_r +a -a");
    character('7', true);
    EXPECT_EQ(done(), "-shift_r +7 -7 +shift_r");
    character('7', false);
    character(kShiftRight, false);
    EXPECT_EQ(done(), "-shift_r");
}

TEST_F(RemoteInputTest, AKeyIsDownWhileAnyViewerHoldsIt) {
    character(kShift, true, 1);
    character(kShift, true, 2);
    character(kShift, false, 1);
    character(kShift, false, 1);
    EXPECT_EQ(done(), "+shift");
    input_->key(2, 0, u16{0xE04D}, true);
    input_->leave(2);
    EXPECT_EQ(done(), "+right -shift -right");
    input_->leave(2);
    EXPECT_EQ(done(), "");
}

TEST_F(RemoteInputTest, UnknownKeysDoNothing) {
    character(0xF6, true);
    input_->key(1, 'a', u16{0x7F}, true);
    input_->key(1, 'a', u16{0xE000}, true);
    input_->leave(1);
    EXPECT_EQ(done(), "");
}

TEST_F(RemoteInputTest, ButtonsGoUpWithTheirViewer) {
    input_->pointer(1, {.x = 5, .y = 5, .width = 720, .height = 400}, 0);
    EXPECT_EQ(done(), "");
    input_->pointer(1, {.x = 9, .y = 5, .width = 720, .height = 400}, 1 | 4);
    EXPECT_EQ(done(), "buttons3");
    input_->pointer(2, {.x = 9, .y = 5, .width = 720, .height = 400}, 0);
    input_->leave(2);
    EXPECT_EQ(done(), "");
    input_->leave(1);
    EXPECT_EQ(done(), "buttons0");
}

TEST(HttpRequest, IsReadStrictly) {
    const auto page = parse_http_request("GET /vnc.html?a=b HTTP/1.1\r\nHOST:  LocalHost:6080 \r\n\r\n");
    ASSERT_TRUE(page.has_value());
    EXPECT_EQ(page->method, "GET");
    EXPECT_EQ(page->path, "/vnc.html");
    EXPECT_EQ(page->host, "localhost");
    EXPECT_FALSE(page->web_socket || page->own_page);
    for (const char* bad :
         {"", "\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n", "get / HTTP/1.1\r\n\r\n", " / HTTP/1.1\r\n\r\n",
          "GET http://x/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nnothing\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n"})
        EXPECT_FALSE(parse_http_request(bad).has_value()) << bad;
    EXPECT_FALSE(head_length("GET / HTTP/1.1\r\n").has_value());
    EXPECT_EQ(head_length("GET / HTTP/1.1\r\n\r\nmore"), 18u);
}

TEST(HttpRequest, KnowsItsOwnPages) {
    const auto asked = [](const std::string& host, const std::string& origin) {
        return parse_http_request("GET /websockify HTTP/1.1\r\nHost: " + host + "\r\nOrigin: " + origin +
                                  "\r\nUpgrade: WebSocket\r\n\r\n")
            .value();
    };
    EXPECT_TRUE(asked("localhost:6080", "http://localhost:6080").own_page);
    EXPECT_TRUE(asked("[::1]:6080", "http://[::1]:6080").own_page);
    EXPECT_TRUE(asked("vm.example", "https://vm.example").own_page);
    EXPECT_TRUE(asked("localhost:6080", "http://localhost:6080").web_socket);
    for (const char* other : {"", "null", "http://localhost:6081", "http://localhost",
                              "http://localhost:6080.evil.example", "ftp://localhost:6080"})
        EXPECT_FALSE(asked("localhost:6080", other).own_page) << other;
    EXPECT_FALSE(asked("", "http://").own_page);
    EXPECT_EQ(asked("[::1]:6080", "").host, "[::1]");
    for (const char* here : {"localhost", "127.0.0.1", "127.1.2.3", "[::1]"})
        EXPECT_TRUE(names_this_host(here)) << here;
    for (const char* there : {"", "127.evil.example", "evil.example", "localhost.evil.example", "10.0.0.1", "[::2]"})
        EXPECT_FALSE(names_this_host(there)) << there;
}

}  // namespace
}  // namespace bantam::frontend
