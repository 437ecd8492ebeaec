// The start screen without a desktop: recent machines and their file, images, a new disk; and the lamp of the disks.
#include "frontend/window/start_screen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "frontend/machine_file.h"
#include "frontend/window/disk_activity.h"
#include "machine/new_image.h"

namespace bantam::frontend {
namespace {

namespace fs = std::filesystem;
constexpr unsigned kEnter = 0x28, kEscape = 0x29, kEnd = 0x4D, kUp = 0x52;

class StartTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "bantam-start-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& bytes) const {
        std::ofstream(folder_ / name, std::ios::binary) << bytes;
        return folder_ / name;
    }
    static std::string iso() {
        std::string bytes(18 * 2048, '\0');
        bytes.replace(16 * 2048, 7, std::string("\1CD001\1", 7));
        bytes[16 * 2048 + 80] = 18;  // volume space size, both orders (ECMA-119, 8.4.8)
        bytes[16 * 2048 + 87] = 18;
        bytes[16 * 2048 + 129] = 8;  // logical block size 2048
        bytes[16 * 2048 + 130] = 8;
        return bytes;
    }
    static ScreenEvent key(unsigned usage) {
        return {.kind = ScreenEvent::Kind::key, .key_usage = usage, .pressed = true};
    }
    static StartScreen::Answer press(StartScreen& start, std::initializer_list<unsigned> usages) {
        StartScreen::Answer answer;
        for (const unsigned usage : usages) answer = start.handle(key(usage), {});
        return answer;
    }
    static StartScreen::Answer type(StartScreen& start, const std::string& text) {
        start.handle({.kind = ScreenEvent::Kind::text, .text = text}, {});
        return press(start, {kEnter});
    }

    fs::path folder_;
};

using RecentMachinesTest = StartTest;

TEST_F(RecentMachinesTest, TheLatestIsFirstAndNoneIsTwice) {
    const std::string file = folder_ / "state/bantam/recent.json";
    ASSERT_TRUE(read_recent_machines(file));
    EXPECT_TRUE(read_recent_machines(file).value().empty()) << "no file, no machines";
    for (int n = 0; n < 15; ++n) ASSERT_TRUE(remember_machine(file, {"/f", std::to_string(n)}));
    ASSERT_TRUE(remember_machine(file, {"/f", "10"}));
    const std::vector<RecentMachine> machines = read_recent_machines(file).value();
    ASSERT_EQ(machines.size(), 12u);
    EXPECT_EQ(machines[0].machine, "10");
    EXPECT_EQ(machines[1].machine, "14");
    EXPECT_EQ(std::count(machines.begin(), machines.end(), RecentMachine{"/f", "10"}), 1);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "state/bantam"), {}), 1) << "nothing unfinished is left";
    ASSERT_TRUE(remember_machine(file, {"/\xFF", "no UTF-8"}));
    EXPECT_EQ(read_recent_machines(file).value().size(), 12u);
}

TEST_F(RecentMachinesTest, WhatCannotBeUnderstoodIsSaidAndReplaced) {
    for (const std::string& bad :
         {std::string("{"), std::string("[]"), std::string("{\"machines\": 3}"), std::string("{\"machines\": [3]}"),
          std::string("{\"machines\": [{\"folder\": 1, \"machine\": \"\"}]}"),
          std::string("{\"machines\": [{\"folder\": \"\"}]}"), std::string(100'000, '['),
          std::string((1 << 20) + 1, ' '), std::string("\0\xFF", 2)}) {
        const std::string file = write("recent.json", bad);
        const auto machines = read_recent_machines(file);
        ASSERT_FALSE(machines) << bad.substr(0, 50);
        EXPECT_EQ(machines.error().status, ExitStatus::bad_input);
        ASSERT_TRUE(remember_machine(file, {"/f", "m"}));
        EXPECT_EQ(read_recent_machines(file).value().size(), 1u);
    }
    EXPECT_FALSE(remember_machine(folder_ / "recent.json/below", {"/f", "m"})) << "a file where the folder would be";
}

TEST_F(StartTest, ImagesAreStartedAsWhatTheyAre) {
    const auto started = [](const std::string& path) {
        const Result<Settings> settings = settings_for_image(path);
        EXPECT_TRUE(settings) << settings.error().message;
        return settings.value().machine;
    };
    EXPECT_EQ(started(write("a.iso", iso())).boot_order, "d");
    EXPECT_EQ(started(write("a.iso", iso())).cdroms.front().path, (folder_ / "a.iso").native());
    const MachineConfig floppy = started(write("dos.img", std::string(1'474'560, '\0')));
    EXPECT_EQ(floppy.boot_order, "a");
    EXPECT_EQ(floppy.floppies.size(), 1u);
    const MachineConfig disk = started(write("disk.img", std::string(4 << 20, '\0')));
    EXPECT_EQ(disk.disks.size(), 1u);
    EXPECT_EQ(disk.cdroms.front().path, "none") << "a drive for later";
    std::string linux(2048, '\0');
    linux.replace(0x202, 4, "HdrS");
    EXPECT_EQ(started(write("vmlinuz", linux)).kernel, (folder_ / "vmlinuz").native());
    EXPECT_FALSE(
        started(write("multiboot", std::string("\x02\xB0\xAD\x1B\0\0\0\0\xFE\x4F\x52\xE4", 12))).kernel.empty());
    EXPECT_TRUE(
        started(write("wrong sum", std::string("\x02\xB0\xAD\x1B\0\0\0\0\xFF\x4F\x52\xE4", 12))).kernel.empty());
    EXPECT_EQ(started(write("m.toml", "memory = \"32M\"\n")).memory_bytes, u64{32} << 20);
    EXPECT_FALSE(settings_for_image(write("bad.toml", "memory = 1 2\n")));
    EXPECT_FALSE(settings_for_image(folder_ / "missing"));
    EXPECT_FALSE(settings_for_image(folder_)) << "a folder";
}

TEST_F(StartTest, RecentMachinesRunAgain) {
    Settings settings = settings_for_image(write("a.iso", iso())).value();
    const StartScreen fresh({}, folder_);
    EXPECT_EQ(fresh.page().rows().size(), 3u);
    StartScreen start({{"/somewhere", "no such key = 1"}, {"/elsewhere", print_machine_text(settings)}}, folder_);
    EXPECT_EQ(start.page().rows().at(1).label, "a.iso") << "what means nothing is left out";
    const StartScreen::Answer answer = press(start, {kEnter});
    ASSERT_TRUE(answer.machine);
    EXPECT_EQ(answer.folder, "/elsewhere");
    EXPECT_EQ(print_machine_text(*answer.machine), print_machine_text(settings));
    EXPECT_TRUE(press(start, {kEscape}).closed);
    EXPECT_TRUE(press(start, {kEnd, kEnter}).closed);
    EXPECT_TRUE(start.handle({.kind = ScreenEvent::Kind::closed}, {}).closed);
}

TEST_F(StartTest, AnImageIsOpenedFromTheListOrDropped) {
    const std::string path = write("a.iso", iso());
    StartScreen start({}, folder_);
    press(start, {kEnd, kUp, kUp, kEnter});
    EXPECT_EQ(type(start, "a.iso").machine->machine.cdroms.front().path, path);
    EXPECT_EQ(start.handle({.kind = ScreenEvent::Kind::file_dropped, .text = path}, {}).folder, folder_.native());
    EXPECT_FALSE(start.handle({.kind = ScreenEvent::Kind::file_dropped, .text = "/missing"}, {}).machine);
    EXPECT_NE(start.page().message().find("/missing"), std::string::npos);
}

TEST_F(StartTest, ANewDiskIsMadeAndInstalledOn) {
    write("a.iso", iso());
    StartScreen start({}, folder_);
    press(start, {kEnd, kUp, kEnter});
    type(start, "new.img");
    type(start, "12 parsecs");
    EXPECT_NE(start.page().message().find("is no size"), std::string::npos);
    EXPECT_FALSE(fs::exists(folder_ / "new.img"));
    for (unsigned i = 0; i < 10; ++i) press(start, {0x2A});
    type(start, "3M");
    EXPECT_EQ(fs::file_size(folder_ / "new.img"), 3u << 20);
    const StartScreen::Answer answer = type(start, "a.iso");
    ASSERT_TRUE(answer.machine);
    EXPECT_EQ(answer.machine->machine.disks.front().path, (folder_ / "new.img").native());
    EXPECT_EQ(answer.machine->machine.cdroms.size(), 1u);
    EXPECT_EQ(answer.machine->machine.boot_order, "cd");
}

TEST_F(StartTest, ADiskIsNeverOverwritten) {
    const std::string path = write("disk.img", "precious");
    EXPECT_FALSE(create_disk_image(path, 4 << 20));
    EXPECT_EQ(fs::file_size(path), 8u);
    for (const u64 bytes : {u64{0}, u64{1000}, u64{512}, (u64{1} << 20) + 1, u64{3} << 40, ~u64{511}})
        EXPECT_FALSE(create_disk_image(folder_ / "x", bytes)) << bytes;
    EXPECT_FALSE(fs::exists(folder_ / "x"));
    EXPECT_FALSE(create_disk_image(folder_ / "missing/x", 1 << 20));
}

TEST(DiskActivity, SaysWhatWasDoneSinceTheLastLook) {
    constexpr u64 kSecond = 1'000'000'000;
    DriveState drive{.name = "ide0-hd0", .medium = DriveState::Medium{}};
    DriveState empty{.name = "floppy0", .medium = std::nullopt};
    storage::BlockStatistics& counted = drive.medium->statistics;
    counted.reads = 5;
    DiskActivity activity;
    EXPECT_EQ(activity.look({drive, empty}, 1 * kSecond), "") << "before it was looked at";
    counted.reads = 6;
    EXPECT_EQ(activity.look({drive, empty}, 1 * kSecond + 1000), "") << "too soon";
    EXPECT_EQ(activity.look({drive, empty}, 2 * kSecond), "ide0-hd0 reads");
    EXPECT_EQ(activity.look({drive, empty}, 2 * kSecond + 1000), "ide0-hd0 reads") << "stays to be read";
    EXPECT_EQ(activity.look({drive, empty}, 3 * kSecond), "");
    counted.writes = 1;
    EXPECT_EQ(activity.look({drive, empty}, 4 * kSecond), "ide0-hd0 writes");
    counted = {};
    EXPECT_EQ(activity.look({drive, empty}, 5 * kSecond), "") << "another medium";
    counted.reads = counted.writes = 1;
    EXPECT_EQ(activity.look({drive, empty}, 6 * kSecond), "ide0-hd0 reads and writes");
}

}  // namespace
}  // namespace bantam::frontend
