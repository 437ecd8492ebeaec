// Panels, lists, the choice of files and the menu, without a desktop.
#include "frontend/window/menu.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "frontend/window/file_chooser.h"
#include "frontend/window/list_page.h"
#include "frontend/window/panel.h"

namespace bantam::frontend {
namespace {

namespace fs = std::filesystem;
constexpr unsigned kEnter = 0x28, kEscape = 0x29, kBackspace = 0x2A, kHome = 0x4A, kEnd = 0x4D, kPageDown = 0x4E,
                   kDown = 0x51, kUp = 0x52;

ScreenEvent key(unsigned usage) { return {.kind = ScreenEvent::Kind::key, .key_usage = usage, .pressed = true}; }
ScreenEvent text(std::string what) { return {.kind = ScreenEvent::Kind::text, .text = std::move(what)}; }

TEST(Panel, TextInCodePage437) {
    EXPECT_EQ(to_glyphs("a\xC3\xA4~"), "a\x84~");
    EXPECT_EQ(to_glyphs("\xE2\x82\xAC\x1B\n\xFF"), "????") << "the euro, ESC, a line's end, no UTF-8";
    EXPECT_EQ(shorten("abcdefgh", 8), "abcdefgh");
    EXPECT_EQ(shorten("abcdefghi", 8), "abcde...");
    EXPECT_EQ(shorten("abcdefghi", 8, Keep::end), "...efghi");
    EXPECT_EQ(shorten("abcdef", 2), "ab");
}

TEST(Panel, GlyphsAreDrawnDotByDot) {
    Glyphs glyphs{};
    glyphs['A' * 16 + 2] = 0x81;
    Panel panel(glyphs, 20, 20);
    panel.text(3, 1, "AAA", 7);  // the third does not fit
    const auto dot = [&](unsigned x, unsigned y) { return panel.frame().pixels[y * 20 + x]; };
    EXPECT_EQ(dot(3, 3), 7u);
    EXPECT_EQ(dot(10, 3), 7u);
    EXPECT_EQ(dot(11, 3), 7u);
    EXPECT_EQ(std::count(panel.frame().pixels.begin(), panel.frame().pixels.end(), 7u), 4);
}

class ListPageTest : public testing::Test {
protected:
    ListPage page_{"Title", "hint"};
    Placement place_;

    void show(std::vector<ListPage::Row> rows) {
        page_.set_rows(std::move(rows));
        place_ = {.x = 100,
                  .y = 50,
                  .width = 2 * static_cast<int>(ListPage::width()),
                  .height = 2 * static_cast<int>(page_.height())};
    }
    std::size_t after(unsigned usage) {
        page_.handle(key(usage), place_);
        return page_.chosen();
    }
};

TEST_F(ListPageTest, KeysPassOverHeadings) {
    show({{.label = "one", .heading = true},
          {.label = "two"},
          {.label = "three", .heading = true},
          {.label = "four"},
          {.label = "five", .heading = true}});
    EXPECT_EQ(page_.chosen(), 1u);
    EXPECT_EQ(after(kUp), 1u);
    EXPECT_EQ(after(kDown), 3u);
    EXPECT_EQ(after(kDown), 3u);
    EXPECT_EQ(after(kHome), 1u);
    EXPECT_EQ(after(kEnd), 3u);
    EXPECT_EQ(page_.handle(key(kEnter), place_).row, 3u);
    EXPECT_EQ(page_.handle(key(kEscape), place_).kind, ListPage::Answer::Kind::cancelled);
    show({{.label = "no choice", .heading = true}});
    EXPECT_EQ(page_.handle(key(kEnter), place_).kind, ListPage::Answer::Kind::none);
    show({});
    EXPECT_EQ(page_.handle(key(kEnter), place_).kind, ListPage::Answer::Kind::none);
    EXPECT_EQ(after(kPageDown), 0u);
}

TEST_F(ListPageTest, TheMouseChoosesWhatItPointsAt) {
    std::vector<ListPage::Row> rows(30);
    show(rows);
    // Twice as large: title 26, gap 6, rows of 18 dots.
    ScreenEvent move{.kind = ScreenEvent::Kind::mouse_moved, .x = 300, .y = 50 + 2 * (32 + 18 * 3 + 1)};
    page_.handle(move, place_);
    EXPECT_EQ(page_.chosen(), 3u);
    ScreenEvent click = move;
    click.kind = ScreenEvent::Kind::mouse_button;
    click.pressed = true;
    EXPECT_EQ(page_.handle(click, place_).kind, ListPage::Answer::Kind::chosen);
    EXPECT_EQ(after(kEnd), 29u);
    EXPECT_EQ(page_.handle(click, place_).row, 17u) << "scrolled by 14";
    for (const int x : {0, 99, 100 + place_.width}) {
        click.x = x;
        EXPECT_EQ(page_.handle(click, place_).kind, ListPage::Answer::Kind::none) << x;
    }
    click.x = 300;
    for (const int y : {0, 60, 50 + place_.height - 4, 5000}) {
        click.y = y;
        EXPECT_EQ(page_.handle(click, place_).kind, ListPage::Answer::Kind::none) << y;
    }
    EXPECT_EQ(page_.handle(click, {}).kind, ListPage::Answer::Kind::none) << "not shown yet";
}

TEST_F(ListPageTest, TheLineTakesTextAndEnter) {
    using Kind = ListPage::Answer::Kind;
    show({{.label = "row"}});
    EXPECT_EQ(page_.handle(text("x"), place_).kind, Kind::none) << "it has no line";
    page_.add_line("Name:");
    EXPECT_EQ(page_.handle(text("a\xC3\xA4"), place_).kind, Kind::edited);
    EXPECT_EQ(page_.handle(key(kEnter), place_).kind, Kind::entered);
    EXPECT_EQ(page_.handle(key(kDown), place_).kind, Kind::none);
    EXPECT_EQ(page_.handle(key(kEnter), place_).kind, Kind::chosen) << "the row was gone to";
    EXPECT_EQ(page_.handle(key(kBackspace), place_).kind, Kind::edited);
    EXPECT_EQ(page_.text(), "a") << "a whole character";
    EXPECT_EQ(page_.handle(key(kBackspace), place_).kind, Kind::edited);
    EXPECT_EQ(page_.handle(key(kBackspace), place_).kind, Kind::backspace);
    EXPECT_EQ(page_.handle(text(std::string(5000, 'x')), place_).kind, Kind::none) << "there is an end to it";
}

TEST_F(ListPageTest, DrawsWhateverItHolds) {
    std::vector<ListPage::Row> rows(40, {.label = std::string(500, 'l'), .note = std::string(500, 'n')});
    show(rows);
    page_.add_line("Name:");
    page_.set_text(std::string(300, 't'));
    page_.set_message(std::string(300, 'm'));
    after(kEnd);
    const devices::Frame frame = page_.draw(Glyphs{});
    EXPECT_EQ(frame.width, ListPage::width());
    EXPECT_EQ(frame.height, page_.height());
    EXPECT_LE(frame.height, 400u) << "fits above a text screen";
    EXPECT_LE(frame.width, 640u);
}

class FileChooserTest : public testing::Test {
protected:
    using Kind = FileChooser::Answer::Kind;

    void SetUp() override {
        std::string pattern = testing::TempDir() + "bantam-files-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        fs::create_directory(folder_ / "sub");
        for (const char* name : {"Beta.img", "alpha.iso", ".hidden", "sub/inner.iso"})
            std::ofstream(folder_ / name) << "x";
        fs::create_symlink("nowhere", folder_ / "broken");
        ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    }
    void TearDown() override { fs::remove_all(folder_); }

    static std::vector<std::string> labels(const FileChooser& chooser) {
        std::vector<std::string> all;
        for (const ListPage::Row& row : chooser.page().rows()) all.push_back(row.label);
        return all;
    }
    static FileChooser::Answer press(FileChooser& chooser, unsigned usage) { return chooser.handle(key(usage), {}); }

    fs::path folder_;
};

TEST_F(FileChooserTest, ListsFoldersThenFiles) {
    FileChooser chooser("Open", folder_, FileChooser::Purpose::open);
    EXPECT_EQ(labels(chooser), (std::vector<std::string>{"..", "sub/", "alpha.iso", "Beta.img"}));
    press(chooser, kDown);
    EXPECT_EQ(press(chooser, kEnter).kind, Kind::none);
    EXPECT_EQ(labels(chooser), (std::vector<std::string>{"..", "inner.iso"}));
    press(chooser, kDown);
    const FileChooser::Answer answer = press(chooser, kEnter);
    EXPECT_EQ(answer.kind, Kind::chosen);
    EXPECT_EQ(answer.path, folder_ / "sub/inner.iso");
    press(chooser, kBackspace);
    EXPECT_EQ(chooser.folder(), folder_);
    press(chooser, kHome);
    press(chooser, kEnter);
    EXPECT_EQ(chooser.folder(), folder_.parent_path()) << "..";
    EXPECT_EQ(press(chooser, kEscape).kind, Kind::cancelled);
}

TEST_F(FileChooserTest, TypingLooksForNamesOrGivesAPath) {
    FileChooser chooser("Open", folder_, FileChooser::Purpose::open);
    chooser.handle(text("BET"), {});
    EXPECT_EQ(labels(chooser), (std::vector<std::string>{"Beta.img"}));
    EXPECT_EQ(press(chooser, kEnter).path, folder_ / "Beta.img");
    chooser.handle(text("zzz"), {});
    EXPECT_EQ(press(chooser, kEnter).kind, Kind::none);
    EXPECT_NE(chooser.page().message().find("BETzzz"), std::string::npos) << chooser.page().message();
    for (unsigned i = 0; i < 6; ++i) press(chooser, kBackspace);
    chooser.handle(text((folder_ / "sub/../alpha.iso").native()), {});
    EXPECT_EQ(press(chooser, kEnter).path, folder_ / "alpha.iso");
}

TEST_F(FileChooserTest, AFolderThatCannotBeReadIsSaid) {
    FileChooser chooser("Open", (folder_ / "missing").native(), FileChooser::Purpose::open);
    EXPECT_NE(chooser.page().message().find("No such file"), std::string::npos);
    EXPECT_EQ(press(chooser, kEnter).kind, Kind::none);
    chooser.handle(text(folder_.native()), {});
    press(chooser, kEnter);
    EXPECT_EQ(chooser.folder(), folder_);
}

TEST_F(FileChooserTest, ANewFileOverwritesNothing) {
    FileChooser chooser("New", folder_, FileChooser::Purpose::create);
    chooser.handle(text("Beta.img"), {});
    EXPECT_EQ(press(chooser, kEnter).kind, Kind::none);
    EXPECT_NE(chooser.page().message().find("there already"), std::string::npos);
    for (unsigned i = 0; i < 8; ++i) press(chooser, kBackspace);
    chooser.handle(text("new.img"), {});
    const FileChooser::Answer answer = press(chooser, kEnter);
    EXPECT_EQ(answer.kind, Kind::chosen);
    EXPECT_EQ(answer.path, folder_ / "new.img");
}

DriveState::Medium medium(const char* path) {
    DriveState::Medium medium;
    medium.path = path;
    return medium;
}

class MenuTest : public testing::Test {
protected:
    std::vector<DriveState> drives_{
        {.name = "ide0-hd0", .medium = medium("/d/disk.img")},
        {.name = "ide1-cd0", .removable = true, .medium = medium("/d/a.iso")},
        {.name = "floppy0", .removable = true, .medium = std::nullopt},
    };
    Menu menu_{drives_, "."};

    Menu::Answer choose(std::string_view label) {
        const auto& rows = menu_.page().rows();
        const auto at = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.label == label; });
        EXPECT_NE(at, rows.end()) << label;
        menu_.handle(key(kHome), {});
        while (menu_.page().chosen() < static_cast<std::size_t>(at - rows.begin())) menu_.handle(key(kDown), {});
        return menu_.handle(key(kEnter), {});
    }
};

TEST_F(MenuTest, ListsEveryShortcut) {
    for (const Shortcut& shortcut : shortcut_table()) {
        if (shortcut.action == Action::menu) continue;
        const auto& rows = menu_.page().rows();
        const std::string note = std::string("Ctrl-Alt-") + shortcut.letter;
        const auto at = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.note == note; });
        ASSERT_NE(at, rows.end()) << note;
        EXPECT_LE(at->label.size(), 56u) << at->label << " is cut";
        const Menu::Answer answer = choose(at->label);
        EXPECT_TRUE(answer.closed);
        EXPECT_EQ(answer.action, shortcut.action);
    }
    EXPECT_TRUE(menu_.handle(key(kEscape), {}).closed);
}

TEST_F(MenuTest, Drives) {
    const Menu::Answer eject = choose("Take a.iso out of ide1-cd0");
    EXPECT_EQ(eject.action, Action::eject);
    EXPECT_EQ(eject.drive, "ide1-cd0");
    for (const ListPage::Row& row : menu_.page().rows()) EXPECT_EQ(row.label.find("ide0-hd0"), std::string::npos);
    const std::string file = testing::TempDir() + "bantam-menu.img";
    std::ofstream(file) << "x";
    EXPECT_FALSE(choose("Put an image into floppy0").closed);
    EXPECT_FALSE(menu_.handle(key(kEscape), {}).closed) << "back to the menu";
    choose("Put an image into floppy0");
    menu_.handle(text(file), {});
    const Menu::Answer insert = menu_.handle(key(kEnter), {});
    EXPECT_TRUE(insert.closed);
    EXPECT_EQ(insert.action, Action::insert);
    EXPECT_EQ(insert.drive, "floppy0");
    EXPECT_EQ(insert.path, fs::path(file).lexically_normal());
    fs::remove(file);
    drives_[1].medium.reset();
    menu_.update(drives_);
    for (const ListPage::Row& row : menu_.page().rows()) EXPECT_FALSE(row.label.starts_with("Take"));
}

}  // namespace
}  // namespace bantam::frontend
