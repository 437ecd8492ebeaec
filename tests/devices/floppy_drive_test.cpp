// FloppyDrive: which diskettes go in, what is under the head, and the sensors.
#include "devices/floppy_drive.h"

#include "tests/devices/test_board.h"
#include "tests/storage/memory_image.h"

namespace bantam::devices {
namespace {

using Type = FloppyDrive::Type;

struct Diskette {
    explicit Diskette(u64 bytes) : format(*storage::floppy_format_of(bytes)) {
        image = std::move(storage::BlockDevice::create(std::make_unique<storage::MemoryImage>(bytes / 512)).value());
    }
    storage::FloppyFormat format;
    std::unique_ptr<storage::BlockDevice> image;
};
constexpr u64 k360 = 368'640, k160 = 163'840, k1200 = 1'228'800, k720 = 737'280, k1440 = 1'474'560, k2880 = 2'949'120;

TEST(FloppyDrive, TypesAndWhatTheyTake) {
    EXPECT_EQ(FloppyDrive::type_for(std::nullopt), Type::inch3_1440k);
    EXPECT_EQ(FloppyDrive::type_for(storage::floppy_format_of(k160)), Type::inch5_360k);
    EXPECT_EQ(FloppyDrive::type_for(storage::floppy_format_of(k1200)), Type::inch5_1200k);
    EXPECT_EQ(FloppyDrive::type_for(storage::floppy_format_of(k720)), Type::inch3_1440k);
    EXPECT_EQ(FloppyDrive::type_for(storage::floppy_format_of(k2880)), Type::inch3_2880k);
    const FloppyDrive small("a", Type::inch5_360k), big("b", Type::inch5_1200k), usual("c", Type::inch3_1440k),
        extra("d", Type::inch3_2880k);
    EXPECT_FALSE(small.takes(*storage::floppy_format_of(k1200)));
    EXPECT_TRUE(big.takes(*storage::floppy_format_of(k360)));
    EXPECT_FALSE(big.takes(*storage::floppy_format_of(k1440)));
    EXPECT_TRUE(usual.takes(*storage::floppy_format_of(k720)));
    EXPECT_FALSE(usual.takes(*storage::floppy_format_of(k2880)));
    EXPECT_TRUE(extra.takes(*storage::floppy_format_of(k1440)));
}

TEST(FloppyDrive, FortyCylindersInAnEightyTrackDrive) {
    Diskette diskette(k360);
    FloppyDrive drive("floppy0", Type::inch5_1200k);
    drive.insert(diskette.image.get(), diskette.format);
    EXPECT_EQ(drive.kilobits_per_second(), 300u) << "250 kbit/s turned faster";
    EXPECT_EQ(drive.cylinder(), u8{0});
    drive.step(true);
    EXPECT_EQ(drive.cylinder(), std::nullopt) << "between tracks";
    drive.step(true);
    EXPECT_EQ(drive.cylinder(), u8{1});
    FloppyDrive own("floppy1", Type::inch5_360k);
    own.insert(diskette.image.get(), diskette.format);
    EXPECT_EQ(own.kilobits_per_second(), 250u);
    own.step(true);
    EXPECT_EQ(own.cylinder(), u8{1});
    for (int i = 0; i < 100; ++i) own.step(true);
    EXPECT_EQ(own.cylinder(), std::nullopt);
    for (int i = 0; i < 41; ++i) own.step(false);
    EXPECT_TRUE(own.at_track0()) << "the stop is at track 41";
}

TEST(FloppyDrive, OneSidedDiskette) {
    Diskette diskette(k160);
    FloppyDrive drive("floppy0", Type::inch5_360k);
    drive.insert(diskette.image.get(), diskette.format);
    EXPECT_EQ(drive.sectors(0), 8u);
    EXPECT_EQ(drive.sectors(1), 0u);
}

TEST(FloppyDrive, SensorsAndState) {
    Diskette diskette(k1440);
    FloppyDrive drive("floppy0", Type::inch3_1440k);
    EXPECT_TRUE(drive.write_protected());
    EXPECT_EQ(drive.sectors(0), 0u);
    unsigned told = 0;
    drive.set_medium_listener([&] { ++told; });
    drive.insert(diskette.image.get(), diskette.format);
    EXPECT_EQ(told, 1u);
    EXPECT_FALSE(drive.write_protected());
    EXPECT_TRUE(drive.disk_changed());
    drive.step(true);
    EXPECT_FALSE(drive.disk_changed());
    const std::vector<u8> data(512, 0x42);
    EXPECT_TRUE(drive.write(1, 18, data, true)->finish().ok());
    EXPECT_TRUE(drive.deleted(1, 18));
    EXPECT_FALSE(drive.deleted(1, 17));
    const auto read = drive.read(1, 18);
    ASSERT_TRUE(read->finish().ok());
    EXPECT_TRUE(std::equal(data.begin(), data.end(), read->data().begin()));
    const auto state = saved(drive);
    FloppyDrive twin("floppy0", Type::inch3_1440k);
    twin.insert(diskette.image.get(), diskette.format);
    EXPECT_NE(saved(twin), state);
    LoadArchive load(state);
    twin.describe(load);
    EXPECT_EQ(saved(twin), state);
    EXPECT_EQ(twin.info(), drive.info());
}

}  // namespace
}  // namespace bantam::devices
