// read_file: each way a path can fail has its own words and status.
#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace bantam::test {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
protected:
    FileTest() { fs::create_directories(folder_); }
    ~FileTest() override { fs::remove_all(folder_); }
    std::string put(const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name, std::ios::binary) << text;
        return (folder_ / name).string();
    }
    void expect_error(const std::string& path, ExitStatus status, const std::string& words, u64 max = 100) {
        const auto result = read_file(path, max);
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().status, status);
        EXPECT_EQ(result.error().message.find(path + ": "), 0u) << result.error().message;
        EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
    }
    fs::path folder_ = fs::path(testing::TempDir()) / ("file_test_" + std::to_string(getpid()));
};

TEST_F(FileTest, ReadsWholeFiles) {
    const std::string large(3'000'000, 'x');
    for (const std::string& text : {std::string("a"), std::string("abc\0def", 7), large}) {
        const auto result = read_file(put("file", text), text.size());
        ASSERT_TRUE(result.ok()) << result.error().message;
        EXPECT_EQ(std::string(result.value().begin(), result.value().end()), text);
    }
}

TEST_F(FileTest, NamesEveryFailure) {
    expect_error((folder_ / "none").string(), ExitStatus::bad_input, "no such file");
    expect_error((folder_ / "none" / "deeper").string(), ExitStatus::bad_input, "no such file");
    expect_error(folder_.string(), ExitStatus::bad_input, "is a directory");
    expect_error(put("empty", ""), ExitStatus::bad_input, "is empty");
    expect_error(put("large", std::string(101, 'x')), ExitStatus::bad_input, "larger than the 100 bytes");
    expect_error("/dev/zero", ExitStatus::bad_input, "is a device");
}

TEST_F(FileTest, NeedsPermission) {
    const std::string secret = put("secret", "x");
    ASSERT_EQ(chmod(secret.c_str(), 0), 0);
    const bool root = geteuid() == 0;  // root may read everything
    if (root) {
        ASSERT_EQ(seteuid(65534), 0);
    }
    expect_error(secret, ExitStatus::bad_input, "permission denied");
    if (root) {
        ASSERT_EQ(seteuid(0), 0);
    }
}

}  // namespace
}  // namespace bantam::test
