// RawImage: contents, refusals with their messages, locks and the temporary overlay.
#include "storage/raw_image.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace bantam::storage {
namespace {

class RawImageTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "bantam-storage-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& name, std::size_t size) {
        const std::string path = (folder_ / name).string();
        std::ofstream stream(path, std::ios::binary);
        for (std::size_t i = 0; i < size; ++i) stream.put(static_cast<char>(i / 512 + i));
        return path;
    }
    static std::string contents(const std::string& path) {
        std::ifstream stream(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    static void expect_refused(const std::string& path, RawImageOptions options, ExitStatus status,
                               const std::string& words) {
        const auto result = RawImage::open(path, options);
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().status, status);
        EXPECT_NE(result.error().message.find(path), std::string::npos) << result.error().message;
        EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
    }
    std::filesystem::path folder_;
};

TEST_F(RawImageTest, ReadsAndWritesSectors) {
    const std::string path = file("disk", 512 * 20);
    auto image = RawImage::open(path, {});
    ASSERT_TRUE(image.ok());
    EXPECT_EQ(image.value()->sector_count(), 20u);
    std::vector<u8> sector(1024);
    ASSERT_TRUE(image.value()->read(19, std::span(sector).first(512)).ok());
    EXPECT_EQ(sector[3], static_cast<u8>(19 + 19 * 512 + 3));
    std::fill(sector.begin(), sector.end(), u8{0xA5});
    ASSERT_TRUE(image.value()->write(7, sector).ok());
    ASSERT_TRUE(image.value()->flush().ok());
    EXPECT_EQ(contents(path).substr(7 * 512, 1024), std::string(1024, '\xA5'));
}

TEST_F(RawImageTest, RefusesAccessBeyondTheEnd) {
    auto image = RawImage::open(file("disk", 1024), {});
    ASSERT_TRUE(image.ok());
    std::vector<u8> two(1024);
    EXPECT_FALSE(image.value()->read(1, two).ok());
    EXPECT_FALSE(image.value()->write(2, std::span(two).first(512)).ok());
    EXPECT_FALSE(image.value()->read(~u64{0}, two).ok());
    EXPECT_FALSE(image.value()->read(0, std::span(two).first(100)).ok());
    EXPECT_TRUE(image.value()->read(2, std::span(two).first(0)).ok());
}

TEST_F(RawImageTest, NamesWhatIsWrongWithAFile) {
    expect_refused((folder_ / "absent").string(), {}, ExitStatus::bad_input, "no such file");
    expect_refused(folder_.string(), {}, ExitStatus::bad_input, "directory");
    expect_refused(file("empty", 0), {}, ExitStatus::bad_input, "empty");
    expect_refused(file("odd", 1000), {}, ExitStatus::bad_input, "multiple of 512");
    const std::string fifo = (folder_ / "fifo").string();
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    expect_refused(fifo, {}, ExitStatus::bad_input, "regular file");
    EXPECT_EQ(contents(file("odd2", 1000)).size(), 1000u);
}

/// Root may read and write everything: as long as this lives, the process is nobody and owns `path` and its folder.
class WithoutPrivileges {
public:
    explicit WithoutPrivileges(const std::string& path) {
        if (!root_) return;
        const std::string folder = std::filesystem::path(path).parent_path();
        EXPECT_EQ(chown(path.c_str(), kNobody, kNobody), 0) << std::strerror(errno);
        EXPECT_EQ(chown(folder.c_str(), kNobody, kNobody), 0) << std::strerror(errno);
        EXPECT_EQ(seteuid(kNobody), 0) << std::strerror(errno);
    }
    ~WithoutPrivileges() {
        if (root_) {
            EXPECT_EQ(seteuid(0), 0) << std::strerror(errno);
        }
    }

private:
    static constexpr uid_t kNobody = 65534;
    bool root_ = geteuid() == 0;
};

TEST_F(RawImageTest, NeedsPermission) {
    const std::string path = file("disk", 512);
    const WithoutPrivileges nobody(path);
    ASSERT_EQ(chmod(path.c_str(), 0400), 0);
    expect_refused(path, {}, ExitStatus::bad_input, "readonly");
    EXPECT_TRUE(RawImage::open(path, {.readonly = true}).ok());
    ASSERT_EQ(chmod(path.c_str(), 0), 0);
    expect_refused(path, {.readonly = true}, ExitStatus::bad_input, "permission denied");
}

TEST_F(RawImageTest, OneWriterOrManyReaders) {
    const std::string path = file("disk", 512);
    {
        auto writer = RawImage::open(path, {});
        ASSERT_TRUE(writer.ok());
        expect_refused(path, {}, ExitStatus::host_resource, "in use");
        expect_refused(path, {.readonly = true}, ExitStatus::host_resource, "in use");
    }
    auto first = RawImage::open(path, {.readonly = true});
    auto second = RawImage::open(path, {.temporary_overlay = true});
    EXPECT_TRUE(first.ok());
    EXPECT_TRUE(second.ok());
    expect_refused(path, {}, ExitStatus::host_resource, "in use");
}

TEST_F(RawImageTest, ReadonlyRefusesWrites) {
    const std::string path = file("disk", 512);
    auto image = RawImage::open(path, {.readonly = true});
    ASSERT_TRUE(image.ok());
    EXPECT_TRUE(image.value()->readonly());
    EXPECT_FALSE(image.value()->write(0, std::vector<u8>(512)).ok());
}

TEST_F(RawImageTest, OverlayKeepsTheFileAsItIs) {
    const std::string path = file("disk", 512 * 11);  // the last granule is not whole
    const std::string before = contents(path);
    auto image = RawImage::open(path, {.temporary_overlay = true});
    ASSERT_TRUE(image.ok());
    ASSERT_TRUE(image.value()->write(6, std::vector<u8>(512 * 5, 0x77)).ok());
    EXPECT_EQ(image.value()->overlay_sectors(), 16u);
    std::vector<u8> all(512 * 11);
    ASSERT_TRUE(image.value()->read(0, all).ok());
    EXPECT_EQ(std::string(all.begin(), all.begin() + 6 * 512), before.substr(0, 6 * 512));
    EXPECT_EQ(std::string(all.begin() + 6 * 512, all.end()), std::string(5 * 512, '\x77'));
    ASSERT_TRUE(image.value()->flush().ok());
    EXPECT_EQ(contents(path), before);
}

}  // namespace
}  // namespace bantam::storage
