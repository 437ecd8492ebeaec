// The window without a desktop: keys by place, shortcuts, where the picture lies, what can be pasted.
#include <gtest/gtest.h>

#include "frontend/window/host_keys.h"
#include "frontend/window/layout.h"
#include "frontend/window/paster.h"
#include "frontend/window/utf8.h"

namespace bantam::frontend {
namespace {

constexpr unsigned kA = 0x04, kG = 0x0A, kControl = 0xE0, kAlt = 0xE2, kAltGr = 0xE6;

TEST(HostKeys, AShortcutReleasesWhatTheGuestHolds) {
    HostKeys keys;
    EXPECT_EQ(keys.key(kControl, true).guest.size(), 1u);
    EXPECT_EQ(keys.key(kAlt, true).guest.size(), 1u);
    const HostKeys::Answer answer = keys.key(kG, true);
    EXPECT_EQ(answer.action, Action::capture_mouse);
    ASSERT_EQ(answer.guest.size(), 2u);
    EXPECT_FALSE(answer.guest[0].pressed || answer.guest[1].pressed);
    for (const unsigned key : {kG, kAlt, kControl}) {
        const HostKeys::Answer up = keys.key(key, false);
        EXPECT_TRUE(up.guest.empty());
        EXPECT_EQ(up.action, Action::none);
    }
    EXPECT_EQ(keys.key(kG, true).guest.size(), 1u);
}

TEST(HostKeys, ControlAndAltAloneReleaseTheMouse) {
    HostKeys keys;
    keys.key(kAlt, true);
    keys.key(kControl, true);
    EXPECT_EQ(keys.key(kAlt, false).action, Action::release_mouse);
    EXPECT_EQ(keys.key(kControl, false).action, Action::none);
    keys.key(kControl, true);
    keys.key(kAlt, true);
    keys.key(kA, true);  // no shortcut: the guest's
    keys.key(kA, false);
    EXPECT_EQ(keys.key(kAlt, false).action, Action::none);
}

TEST(HostKeys, AltGrIsTheGuests) {
    HostKeys keys;
    keys.key(kControl, true);
    keys.key(kAltGr, true);
    EXPECT_EQ(keys.key(kG, true).action, Action::none);
    EXPECT_EQ(keys.release_all().size(), 3u);
    EXPECT_TRUE(keys.release_all().empty());
    EXPECT_TRUE(keys.key(kG, false).guest.empty());
}

TEST(Layout, VgaModesFillAMonitorsShape) {
    const Placement wide = place_picture(720, 400, 1600, 600, Scaling::aspect);
    EXPECT_EQ(wide.width, 800);
    EXPECT_EQ(wide.height, 600);
    EXPECT_EQ(wide.x, 400);
    EXPECT_EQ(wide.y, 0);
    const Placement tall = place_picture(640, 400, 640, 1000, Scaling::aspect);
    EXPECT_EQ(tall.width, 640);
    EXPECT_EQ(tall.height, 480);
    EXPECT_EQ(tall.y, 260);
    const Placement square_dots = place_picture(1280, 720, 1280, 1024, Scaling::aspect);
    EXPECT_EQ(square_dots.height, 720);
    EXPECT_EQ(natural_window(720, 400, Scaling::aspect).height, 540);
    EXPECT_EQ(natural_window(640, 480, Scaling::aspect).height, 480);
    EXPECT_EQ(natural_window(320, 480, Scaling::aspect).width, 640);
    EXPECT_EQ(natural_window(1024, 768, Scaling::aspect).width, 1024);
}

TEST(Layout, PointsOnThePicture) {
    const Placement place{.x = 10, .y = 20, .width = 101, .height = 51};
    EXPECT_EQ(point_on_picture(place, 10, 20).x, 0u);
    EXPECT_EQ(point_on_picture(place, 110, 70).x, 0xFFFFu);
    EXPECT_EQ(point_on_picture(place, 110, 70).y, 0xFFFFu);
    EXPECT_EQ(point_on_picture(place, 60, 45).x, 0x7FFFu);
    EXPECT_EQ(point_on_picture(place, 60, 45).y, 0x7FFFu);
    EXPECT_EQ(point_on_picture(place, 0, 500).x, 0u) << "left of the picture";
    EXPECT_EQ(point_on_picture(place, 0, 500).y, 0xFFFFu) << "below the picture";
    EXPECT_EQ(point_on_picture({}, 5, 5).x, 0u) << "no picture";
}

TEST(Utf8, CharactersAndWhatIsNone) {
    const auto all = [](std::string_view text) {
        std::u32string characters;
        while (!text.empty()) characters += take_character(text);
        return characters;
    };
    EXPECT_EQ(all("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), U"a\u00E9\u20AC\U0001F600");
    EXPECT_EQ(all("\x80x"), U"\uFFFDx") << "a stray continuation";
    EXPECT_EQ(all("\xE2\x82"), U"\uFFFD\uFFFD") << "breaks off";
    EXPECT_EQ(all("\xC3x"), U"\uFFFDx") << "no continuation";
    EXPECT_EQ(all("\xC0\x80"), U"\uFFFD\uFFFD") << "overlong";
    EXPECT_EQ(all("\xED\xA0\x80").front(), U'\uFFFD') << "a surrogate";
    EXPECT_EQ(all("\xF4\x90\x80\x80").front(), U'\uFFFD') << "beyond Unicode";
    EXPECT_EQ(all("\xFF").front(), U'\uFFFD');
}

TEST(Paste, TextBecomesKeysAndWhatHasNoneIsTold) {
    const auto chords = keystrokes_for_paste("aB\r\nc\rd\n\t~");
    ASSERT_TRUE(chords) << chords.error().message;
    ASSERT_EQ(chords.value().size(), 9u) << "each end of a line is one Enter";
    EXPECT_EQ(chords.value()[1].keys.size(), 2u) << "B is Shift and b";
    const auto refused = [](std::string_view text) {
        const auto none = keystrokes_for_paste(text);
        return none ? std::string("taken") : none.error().message;
    };
    EXPECT_EQ(refused("one\ntw\xC3\xB6"), "nothing was typed: line 2 has U+00F6, which a US keyboard has no key for");
    EXPECT_EQ(refused("\x1B[A"), "nothing was typed: line 1 has U+001B, which a US keyboard has no key for");
    EXPECT_EQ(refused(std::string_view("\0", 1)),
              "nothing was typed: line 1 has U+0000, which a US keyboard has no key for");
    EXPECT_EQ(refused(""), "the clipboard holds no text");
    EXPECT_EQ(refused(std::string((1 << 20) + 1, 'x')), "the clipboard holds more than 1 MiB: nothing was typed");
}

TEST(Layout, WholeDotsNeedRoom) {
    const Placement twice = place_picture(720, 400, 1500, 900, Scaling::whole);
    EXPECT_EQ(twice.width, 1440);
    EXPECT_EQ(twice.height, 800);
    EXPECT_EQ(twice.x, 30);
    const Placement shrunk = place_picture(720, 400, 400, 400, Scaling::whole);
    EXPECT_EQ(shrunk.width, 400);
    EXPECT_EQ(shrunk.height, 300);
    EXPECT_EQ(place_picture(0, 0, 100, 100, Scaling::aspect).width, 0);
}

}  // namespace
}  // namespace bantam::frontend
