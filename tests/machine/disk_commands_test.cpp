// What writes to an IDE channel's ports mean: addresses of 28 and 48 bits, cylinders, packets.
#include "machine/trace/disk_commands.h"

#include <gtest/gtest.h>

namespace bantam {
namespace {

class DiskCommandsTest : public testing::Test {
protected:
    void write(std::initializer_list<std::pair<unsigned, u8>> registers) {
        for (const auto& [offset, value] : registers) commands_.written(static_cast<u16>(0x1F0 + offset), 1, value);
    }
    std::string told_;
    DiskCommands commands_{0x1F0, "ide0", [this](const std::string& text) { told_ += text + "\n"; }};
};

TEST_F(DiskCommandsTest, NamesSectors) {
    write({{2, 8}, {3, 0x78}, {4, 0x56}, {5, 0x34}, {6, 0xE2}, {7, 0xC8}});
    write({{2, 0}, {3, 5}, {4, 1}, {5, 2}, {6, 0xB3}, {7, 0x20}});
    EXPECT_EQ(told_,
              "disk ide0 master c8h READ DMA sector 36984440 count 8\n"
              "disk ide0 slave 20h READ SECTORS cylinder 513 head 3 sector 5 count 256\n");
}

TEST_F(DiskCommandsTest, WideAddressesAreWrittenTwice) {
    write({{2, 1}, {3, 4}, {4, 5}, {5, 6}, {2, 0}, {3, 1}, {4, 2}, {5, 3}, {6, 0x40}, {7, 0x25}});
    EXPECT_EQ(told_, "disk ide0 master 25h READ DMA EXT sector " + std::to_string(0x060504030201) + " count 256\n");
}

TEST_F(DiskCommandsTest, PacketsAreToldWhole) {
    write({{6, 0xA0}, {7, 0xA0}});
    for (u16 i = 0; i < 6; ++i) commands_.written(0x1F0, 2, 0x0100u * (2 * i + 1) + 2 * i);
    commands_.written(0x1F0, 4, 0xFFFFFFFF);
    write({{7, 0xEF}});
    commands_.written(0x177, 1, 0xEC);
    write({{7, 0xFE}});
    EXPECT_EQ(told_,
              "disk ide0 master packet 00 01 02 03 04 05 06 07 08 09 0a 0b\ndisk ide0 master efh SET FEATURES\n"
              "disk ide0 master feh\n");
}

}  // namespace
}  // namespace bantam
