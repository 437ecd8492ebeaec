// HostMemory: what bounds the guest's RAM, from made-up /proc and /sys trees and from this process's own limits.
#include "mmu/host_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "mmu/physical_memory.h"

namespace bantam::test {
namespace {

namespace fs = std::filesystem;

class HostMemoryTest : public testing::Test {
protected:
    HostMemoryTest() { fs::create_directories(root_); }
    ~HostMemoryTest() override { fs::remove_all(root_); }
    void put(const fs::path& path, const std::string& text) {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    fs::path root_ = fs::path(testing::TempDir()) / ("host_memory_" + std::to_string(getpid()));
};

TEST_F(HostMemoryTest, NothingReadableSetsNoBound) { EXPECT_GE(host_memory(root_).available_bytes, u64{1} << 40); }

TEST_F(HostMemoryTest, FreeMemoryAndSwap) {
    put("proc/meminfo", "MemTotal:  9000 kB\nMemFree:  1 kB\nMemAvailable:   2000 kB\nSwapFree:  100 kB\n");
    EXPECT_EQ(host_memory(root_).available_bytes, 2100u * 1024);
    EXPECT_EQ(host_memory(root_).bound, "free memory and swap");
}

TEST_F(HostMemoryTest, CgroupVersion2BoundsThroughItsParents) {
    put("proc/self/cgroup", "0::/user/session\n");
    put("sys/fs/cgroup/user/session/memory.max", "max\n");
    put("sys/fs/cgroup/user/session/memory.current", "1000\n");
    put("sys/fs/cgroup/user/memory.max", "1000000\n");
    put("sys/fs/cgroup/user/memory.current", "400000\n");
    put("sys/fs/cgroup/user/memory.stat", "anon 5\ninactive_file 100000\n");
    EXPECT_EQ(host_memory(root_).available_bytes, 700000u);
    EXPECT_EQ(host_memory(root_).bound, "control group memory limit");
    put("sys/fs/cgroup/user/memory.current", "4000000\n");
    EXPECT_EQ(host_memory(root_).available_bytes, 0u);
}

TEST_F(HostMemoryTest, CgroupVersion1) {
    put("proc/self/cgroup", "9:cpu:/\n4:memory:/group\n0::/\n");
    put("sys/fs/cgroup/memory/group/memory.limit_in_bytes", "1000000\n");
    put("sys/fs/cgroup/memory/group/memory.usage_in_bytes", "300000\n");
    EXPECT_EQ(host_memory(root_).available_bytes, 700000u);
}

TEST_F(HostMemoryTest, GarbageSetsNoBound) {
    put("proc/meminfo", "MemAvailable: lots\n");
    put("proc/self/cgroup", "no colons\n:\n::\n4:memory:../../..\n");
    EXPECT_GE(host_memory(root_).available_bytes, u64{1} << 40);
}

TEST_F(HostMemoryTest, ProcessLimits) {
    // In a child, since lowering a limit lasts.
    const auto limited = [this](auto resource, const char* bound) {
        const rlimit limit{u64{1} << 32, u64{1} << 32};
        const bool good = setrlimit(resource, &limit) == 0 && host_memory(root_).available_bytes == u64{1} << 32 &&
                          host_memory(root_).bound.find(bound) != std::string::npos &&
                          !PhysicalMemory::create(u64{5} << 30).ok();
        _exit(good ? 0 : 1);
    };
    EXPECT_EXIT(limited(RLIMIT_FSIZE, "ulimit -f"), testing::ExitedWithCode(0), "");
}

TEST(CheckHostMemory, NamesWhatWasAskedAndWhatThereIs) {
    const HostMemory host{u64{700} << 20, "free memory and swap"};
    EXPECT_TRUE(check_host_memory(u64{700} << 20, host).ok());
    const auto refused = check_host_memory(u64{3} << 30, host);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().status, ExitStatus::host_resource);
    EXPECT_EQ(
        refused.error().message,
        "the guest's 3 GiB of RAM is more than the 700 MiB this host can give (free memory and swap): ask for less "
        "with --memory");
}

TEST(CheckHostMemory, AbsurdSizesAreErrorsNotCrashes) {
    for (const u64 bytes : {u64{1} << 62, u64{1} << 45, ~u64{0xFFF}}) {
        const auto memory = PhysicalMemory::create(bytes);
        ASSERT_FALSE(memory.ok());
        EXPECT_EQ(memory.error().status, ExitStatus::host_resource);
    }
}

TEST(SizeText, LargestWholeUnit) {
    EXPECT_EQ(size_text(u64{3} << 30), "3 GiB");
    EXPECT_EQ(size_text(u64{1536} << 20), "1536 MiB");
    EXPECT_EQ(size_text(4096), "4 KiB");
    EXPECT_EQ(size_text(5), "5 bytes");
}

}  // namespace
}  // namespace bantam::test
