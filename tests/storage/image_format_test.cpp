// What images are told apart by their first bytes, and the size in a CD-ROM's volume descriptor.
#include "storage/image_format.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bantam::storage {
namespace {

using namespace std::string_literals;

std::optional<std::string> complaint(const std::string& start) {
    return foreign_format(std::vector<u8>(start.begin(), start.end()));
}

TEST(ImageFormat, OtherFormatsAreNamedWithAWayOut) {
    struct Case {
        std::string start;
        std::string name, way_out;
    };
    const std::vector<Case> cases{
        {"QFI\xFB\0\0\0\3"s, "qcow2", "qemu-img convert -O raw"},
        {"KDMV\1\0\0\0"s, "VMDK", "qemu-img convert"},
        {"conectix"s, "VHD", "qemu-img convert"},
        {"vhdxfile"s, "VHDX", "qemu-img convert"},
        {"<<< Oracle VM VirtualBox Disk Image >>>\n"s, "VDI", "qemu-img convert"},
        {"\x1F\x8B\x08\0"s, "gzip", "gunzip"},
        {"\xFD\x37zXZ\0\0"s, "xz", "unxz"},
        {"BZh9"s, "bzip2", "bunzip2"},
        {"\x28\xB5\x2F\xFD"s, "zstd", "unzstd"},
        {"\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\2\0\1"s, "2352-byte", "bchunk"},
    };
    for (const Case& one : cases) {
        const std::optional<std::string> text = complaint(one.start);
        ASSERT_TRUE(text.has_value()) << one.name;
        EXPECT_NE(text->find(one.name), std::string::npos) << *text;
        EXPECT_NE(text->find(one.way_out), std::string::npos) << *text;
        EXPECT_FALSE(complaint(one.start.substr(0, 2)).has_value()) << "too short to tell: " << one.name;
        EXPECT_FALSE(complaint(" " + one.start).has_value()) << one.name;
    }
}

TEST(ImageFormat, RawImagesAreNotRefused) {
    EXPECT_FALSE(foreign_format({}).has_value());
    EXPECT_FALSE(complaint(std::string(64, '\0')).has_value());
    EXPECT_FALSE(complaint("\xEB\x3C\x90MSDOS5.0"s).has_value());
    EXPECT_FALSE(complaint("\xEB\x63\x90"s).has_value());
    EXPECT_FALSE(complaint("\x45\x52\x08\0"s).has_value());  // an isohybrid's Apple driver map
}

TEST(ImageFormat, VolumeSize) {
    std::vector<u8> descriptor(2048);
    const std::string head = "\1CD001\1"s;
    std::copy(head.begin(), head.end(), descriptor.begin());
    descriptor[80] = 0x34, descriptor[81] = 0x12;
    descriptor[129] = 0x08;
    EXPECT_EQ(iso_volume_bytes(descriptor), 0x1234u * 2048);
    EXPECT_EQ(iso_volume_bytes(std::span(descriptor).first(512)), 0x1234u * 2048);
    EXPECT_FALSE(iso_volume_bytes(std::span(descriptor).first(100)).has_value());
    descriptor[0] = 2;  // a supplementary one
    EXPECT_FALSE(iso_volume_bytes(descriptor).has_value());
}

}  // namespace
}  // namespace bantam::storage
