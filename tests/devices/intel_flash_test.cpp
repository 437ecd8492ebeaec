// IntelFlash against the J3 datasheet's commands and JESD68.01's query, and the way of what changes into the image.
#include "devices/intel_flash.h"

#include <gtest/gtest.h>

#include "tests/devices/test_board.h"
#include "tests/storage/memory_image.h"

namespace bantam::devices {
namespace {

constexpr u32 kBlocks = 4;
constexpr u32 kBytes = kBlocks * IntelFlash::kBlockBytes;
constexpr u8 kReady = IntelFlash::kReady, kProgramError = IntelFlash::kProgramError;
constexpr u8 kEraseError = IntelFlash::kEraseError, kVpen = IntelFlash::kVpen;
constexpr u8 kDeviceProtect = IntelFlash::kDeviceProtect;

class IntelFlashTest : public testing::Test {
protected:
    IntelFlashTest() {
        for (u32 i = 0; i < kBytes; ++i) image_->bytes[i] = static_cast<u8>(i * 7 + i / 256);
        before_ = image_->bytes;
        make();
    }
    void make() {
        chip_.reset();
        chip_ = std::make_unique<IntelFlash>(
            board_.scheduler, "flash0", *medium_, image_->bytes,
            IntelFlash::Pins{.array_shown = [this](bool shown) { shown_.push_back(shown); }});
    }
    u8 read(u32 offset) { return static_cast<u8>(chip_->registers().read(offset, 1)); }
    void write(u32 offset, std::initializer_list<u8> values) {
        for (const u8 value : values) chip_->registers().write(offset, 1, value);
    }
    u8 status() {
        write(0, {0x70});
        return read(123);
    }
    /// What the file holds after everything under way is there.
    const std::vector<u8>& file() {
        board_.run_for(IntelFlash::kWriteBackNs);
        EXPECT_TRUE(medium_->flush()->finish().ok());
        return image_->bytes;
    }
    void erase(u32 offset) { write(offset, {0x20, 0xD0}); }
    void program(u32 offset, u8 value) { write(offset, {0x40, value}); }
    void read_array() { write(0, {0xFF}); }

    TestBoard board_;
    storage::MemoryImage* image_ = new storage::MemoryImage(kBytes / storage::kSectorSize);
    std::unique_ptr<storage::BlockDevice> medium_ =
        std::move(storage::BlockDevice::create(std::unique_ptr<storage::Image>(image_)).value());
    std::vector<u8> before_;
    std::vector<bool> shown_;
    std::unique_ptr<IntelFlash> chip_;
};

TEST_F(IntelFlashTest, ShowsItsArrayAtPowerOn) {
    EXPECT_TRUE(chip_->shows_array());
    EXPECT_EQ(read(0x1234), before_[0x1234]);
    EXPECT_EQ(status(), kReady);
    EXPECT_FALSE(chip_->shows_array());
    chip_->reset();
    EXPECT_EQ(shown_, (std::vector<bool>{false, true}));
    EXPECT_EQ(read(0x1234), before_[0x1234]);
}

TEST_F(IntelFlashTest, EraseSetsOneBlockToOnes) {
    erase(IntelFlash::kBlockBytes + 5);
    EXPECT_EQ(read(0), kReady) << "the status shows after an operation";
    read_array();
    EXPECT_EQ(read(IntelFlash::kBlockBytes - 1), before_[IntelFlash::kBlockBytes - 1]);
    for (u32 i = 0; i < IntelFlash::kBlockBytes; ++i) ASSERT_EQ(read(IntelFlash::kBlockBytes + i), 0xFF) << i;
    EXPECT_EQ(read(2 * IntelFlash::kBlockBytes), before_[2 * IntelFlash::kBlockBytes]);
}

TEST_F(IntelFlashTest, ProgrammingOnlyClearsBits) {
    erase(0);
    program(3, 0xF0);
    write(3, {0x10, 0x3C});  // the other code of the same command
    EXPECT_EQ(read(0), kReady);
    read_array();
    EXPECT_EQ(read(2), 0xFF);
    EXPECT_EQ(read(3), 0x30);
}

TEST_F(IntelFlashTest, EraseWithoutConfirmationIsASequenceError) {
    write(0, {0x20, 0x00});
    EXPECT_EQ(read(0), kReady | kProgramError | kEraseError);
    program(0, 0);  // errors stay until they are cleared
    EXPECT_EQ(status(), kReady | kProgramError | kEraseError);
    write(0, {0x50});
    EXPECT_TRUE(chip_->shows_array());
    EXPECT_EQ(status(), 0) << "by this OVMF tells flash from ROM";
    read_array();
    EXPECT_EQ(read(1), before_[1]);
    EXPECT_EQ(read(0), 0);
}

TEST_F(IntelFlashTest, WriteToBuffer) {
    erase(0);
    write(0x10, {0xE8});
    EXPECT_EQ(read(0x10), kReady) << "XSR.7: the buffer is free";
    write(0x10, {3 - 1});
    write(0x21, {0x11});  // the start address
    write(0x23, {0x33});
    write(0x22, {0x22});
    write(0x10, {0xD0});
    EXPECT_EQ(read(0), kReady);
    read_array();
    EXPECT_EQ(read(0x20), 0xFF);
    EXPECT_EQ(read(0x21), 0x11);
    EXPECT_EQ(read(0x22), 0x22);
    EXPECT_EQ(read(0x23), 0x33);
    EXPECT_EQ(read(0x24), 0xFF);
}

TEST_F(IntelFlashTest, WriteToBufferTakesAWholeOne) {
    erase(IntelFlash::kBlockBytes);
    write(IntelFlash::kBlockBytes, {0xE8, 0xFF});
    for (u32 i = 0; i < IntelFlash::kBufferBytes; ++i)
        write(2 * IntelFlash::kBlockBytes - IntelFlash::kBufferBytes + i, {static_cast<u8>(i)});
    write(IntelFlash::kBlockBytes, {0xD0});
    EXPECT_EQ(read(0), kReady);
    read_array();
    EXPECT_EQ(read(2 * IntelFlash::kBlockBytes - 1), 0xFF);
    EXPECT_EQ(read(2 * IntelFlash::kBlockBytes - 2), 0xFE);
    EXPECT_EQ(read(2 * IntelFlash::kBlockBytes - IntelFlash::kBufferBytes), 0);
    EXPECT_EQ(read(2 * IntelFlash::kBlockBytes), before_[2 * IntelFlash::kBlockBytes]);
}

TEST_F(IntelFlashTest, WriteToBufferRefusesBadSequences) {
    const auto attempt = [this](u32 block, u32 first, u32 second, u8 confirm) {
        write(0, {0x50});
        write(block, {0xE8, 2 - 1});
        write(first, {0});
        write(second, {0});
        write(block, {confirm});
        return read(0);
    };
    constexpr u8 kError = kReady | kProgramError | kEraseError;
    constexpr u32 kBlock = IntelFlash::kBlockBytes;
    EXPECT_EQ(attempt(0, 8, 9, 0xFF), kError) << "not confirmed";
    EXPECT_EQ(attempt(0, 8, 10, 0xD0), kError) << "outside of what was announced";
    EXPECT_EQ(attempt(0, 8, 7, 0xD0), kError) << "before the start";
    EXPECT_EQ(attempt(0, kBlock, kBlock + 1, 0xD0), kError) << "another block";
    EXPECT_EQ(attempt(0, kBlock - 1, kBlock, 0xD0), kError) << "across blocks";
    EXPECT_EQ(attempt(kBytes - kBlock, kBytes - 1, kBytes - 1, 0xD0), kError) << "across the end";
    read_array();
    EXPECT_TRUE(std::equal(before_.begin(), before_.end(), chip_->array().begin()));
}

TEST_F(IntelFlashTest, QueryDescribesTheChip) {
    write(0x55, {0x98});
    EXPECT_EQ(read(0x10), 'Q');
    EXPECT_EQ(read(0x11), 'R');
    EXPECT_EQ(read(0x12), 'Y');
    EXPECT_EQ(read(0x13) | read(0x14) << 8, 1) << "Intel's command set";
    const u32 extended = read(0x15) | read(0x16) << 8;
    EXPECT_EQ(read(extended), 'P');
    EXPECT_EQ(read(extended + 1), 'R');
    EXPECT_EQ(read(extended + 2), 'I');
    EXPECT_EQ(1u << read(0x27), kBytes);
    EXPECT_EQ(1u << read(0x2A), IntelFlash::kBufferBytes);
    EXPECT_EQ(read(0x2C), 1) << "one region";
    EXPECT_EQ(read(0x2D) | read(0x2E) << 8, kBlocks - 1);
    EXPECT_EQ((read(0x2F) | read(0x30) << 8) * 256u, IntelFlash::kBlockBytes);
    EXPECT_EQ(read(0x0F), 0);
    EXPECT_EQ(read(0xFF), 0);
}

TEST_F(IntelFlashTest, IdentifierCodesAndLockBits) {
    write(0, {0x90});
    EXPECT_EQ(read(0), 0x89);
    EXPECT_EQ(read(1), 0x18);
    EXPECT_EQ(read(IntelFlash::kBlockBytes + 2), 0);
    write(IntelFlash::kBlockBytes, {0x60, 0x01, 0x90});
    EXPECT_EQ(read(IntelFlash::kBlockBytes + 2), 1);
    EXPECT_EQ(read(2), 0);

    program(IntelFlash::kBlockBytes, 0);
    EXPECT_EQ(read(0), kReady | kProgramError | kDeviceProtect);
    write(0, {0x50});
    erase(IntelFlash::kBlockBytes);
    EXPECT_EQ(read(0), kReady | kEraseError | kDeviceProtect);
    write(0, {0x50});
    erase(0);
    EXPECT_EQ(read(0), kReady) << "the other blocks are free";

    write(0, {0x60, 0xD0, 0x50});
    erase(IntelFlash::kBlockBytes);
    EXPECT_EQ(read(0), kReady);
    write(0, {0x50, 0x60, 0x77});
    EXPECT_EQ(read(0), kReady | kProgramError | kEraseError);
}

TEST_F(IntelFlashTest, ReadOnlyMediumHoldsVpenLow) {
    image_->read_only = true;
    make();
    program(0, 0);
    EXPECT_EQ(read(0), kReady | kProgramError | kVpen);
    write(0, {0x50});
    erase(0);
    EXPECT_EQ(read(0), kReady | kEraseError | kVpen);
    write(0, {0x50, 0x60, 0x01});
    EXPECT_EQ(read(0), kReady | kProgramError | kVpen);
    write(0, {0x50});
    write(0, {0xE8, 0});
    write(0, {0, 0xD0});
    EXPECT_EQ(read(0), kReady | kProgramError | kVpen);
    read_array();
    EXPECT_EQ(file(), before_);
    EXPECT_TRUE(std::equal(before_.begin(), before_.end(), chip_->array().begin()));
}

TEST_F(IntelFlashTest, ChangedBlocksReachTheImage) {
    program(IntelFlash::kBlockBytes + 1, 0);
    erase(3 * IntelFlash::kBlockBytes);
    EXPECT_EQ(image_->flushes, 0u) << "not each byte by itself";
    std::vector<u8> wanted = before_;
    wanted[IntelFlash::kBlockBytes + 1] = 0;
    std::fill(wanted.begin() + 3 * IntelFlash::kBlockBytes, wanted.end(), u8{0xFF});
    EXPECT_EQ(file(), wanted);
    EXPECT_GE(image_->flushes, 1u);
}

TEST_F(IntelFlashTest, TheLastChangesReachTheImageAtTheEnd) {
    program(7, 0);
    chip_.reset();
    EXPECT_EQ(image_->bytes[7], 0);
}

TEST_F(IntelFlashTest, AHostThatCannotWriteLowersVpen) {
    image_->broken = true;
    program(7, 0);
    board_.run_for(IntelFlash::kWriteBackNs);
    program(8, 0);
    board_.run_for(IntelFlash::kWriteBackNs);  // here the first write's failure is known
    write(0, {0x50});
    program(9, 0);
    EXPECT_EQ(read(0), kReady | kProgramError | kVpen);
}

TEST_F(IntelFlashTest, UnknownCommandsShowTheArray) {
    for (const u8 code : std::initializer_list<u8>{0x00, 0xF0, 0xD0, 0xC0, 0x33}) {
        write(0, {0x70, code});
        EXPECT_TRUE(chip_->shows_array()) << unsigned{code};
    }
    write(0, {0xB0});
    EXPECT_EQ(read(0), kReady) << "nothing to suspend";
}

TEST_F(IntelFlashTest, StateIsFaithful) {
    IntelFlash twin(board_.scheduler, "flash0", *medium_, image_->bytes, {});
    write(0x10, {0xE8, 9});
    write(0x21, {0x11, 0x22});
    expect_faithful_state(*chip_, twin);
    // The array and the lock bits are state too, and outlast a reset.
    program(5, 0);
    write(0, {0x60, 0x01, 0xFF});
    LoadArchive load(saved(*chip_));
    twin.describe(load);
    EXPECT_EQ(saved(twin), saved(*chip_));
    twin.reset();
    EXPECT_EQ(twin.array()[5], 0);
}

}  // namespace
}  // namespace bantam::devices
