// BlockDevice: requests run off the caller's thread, in order, and are all carried out; errors come with the request.
#include "storage/block_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "tests/storage/memory_image.h"

namespace bantam::storage {
namespace {

class BlockDeviceTest : public ::testing::Test {
protected:
    std::unique_ptr<MemoryImage> owned_ = std::make_unique<MemoryImage>(64);
    MemoryImage& image = *owned_;
    std::unique_ptr<BlockDevice> device = std::move(BlockDevice::create(std::move(owned_)).value());
};

TEST_F(BlockDeviceTest, WritesReadBackInOrder) {
    std::vector<BlockDevice::Request> requests;
    for (u8 value = 1; value <= 200; ++value)
        requests.push_back(device->write(value % 3, std::vector<u8>(kSectorSize, value)));
    const BlockDevice::Request read = device->read(0, 3);
    ASSERT_TRUE(read->finish().ok());
    EXPECT_EQ(read->data()[0], 198);
    EXPECT_EQ(read->data()[kSectorSize], 199);
    EXPECT_EQ(read->data()[2 * kSectorSize + 511], 200);
    for (const BlockDevice::Request& request : requests) EXPECT_TRUE(request->finish().ok());
}

TEST_F(BlockDeviceTest, TheCallerGoesOnWhileTheHostIsSlow) {
    image.hold();
    const BlockDevice::Request slow = device->write(5, std::vector<u8>(kSectorSize, 7));
    const BlockDevice::Request flush = device->flush();
    EXPECT_EQ(image.flushes, 0u);
    EXPECT_EQ(image.bytes[5 * kSectorSize], 0);
    image.release();
    ASSERT_TRUE(flush->finish().ok());
    EXPECT_EQ(image.flushes, 1u);
    EXPECT_EQ(image.bytes[5 * kSectorSize], 7) << "the flush comes after the write";
    EXPECT_TRUE(slow->finish().ok());
}

TEST_F(BlockDeviceTest, ErrorsBelongToTheirRequest) {
    const BlockDevice::Request beyond = device->read(63, 2);
    const BlockDevice::Request good = device->read(63, 1);
    EXPECT_FALSE(beyond->finish().ok());
    EXPECT_TRUE(good->finish().ok());
    image.broken = true;
    EXPECT_FALSE(device->write(0, std::vector<u8>(kSectorSize))->finish().ok());
    EXPECT_FALSE(device->flush()->finish().ok());
    const BlockStatistics counted = device->statistics();
    EXPECT_EQ(counted.reads, 2u);
    EXPECT_EQ(counted.read_bytes, 3 * kSectorSize);
    EXPECT_EQ(counted.failed_reads, 1u);
    EXPECT_EQ(counted.failed_read_bytes, 2 * kSectorSize);
    EXPECT_EQ(counted.failed_writes, 1u);
    EXPECT_EQ(counted.failed_written_bytes, kSectorSize);
    EXPECT_EQ(counted.failed_flushes, 1u);
}

TEST_F(BlockDeviceTest, NothingSubmittedIsLostAtTheEnd) {
    std::vector<BlockDevice::Request> requests;
    for (u64 sector = 0; sector < 64; ++sector)
        requests.push_back(device->write(sector, std::vector<u8>(kSectorSize, 9)));
    device.reset();
    for (const BlockDevice::Request& request : requests) EXPECT_TRUE(request->finish().ok());
}

TEST_F(BlockDeviceTest, TheQueueIsBounded) {
    image.hold();
    std::atomic<unsigned> submitted = 0;
    std::thread flood([&] {
        for (unsigned i = 0; i < 3 * BlockDevice::kMostQueued; ++i) {
            (void)device->flush();
            ++submitted;
        }
    });
    while (submitted < BlockDevice::kMostQueued) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(submitted, BlockDevice::kMostQueued);
    image.release();
    flood.join();
    EXPECT_TRUE(device->flush()->finish().ok());
    EXPECT_EQ(image.flushes, 3 * BlockDevice::kMostQueued + 1);
}

}  // namespace
}  // namespace bantam::storage
