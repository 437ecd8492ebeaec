// Windows: an access through one sees what the TLB allows, no more and no longer. The host's page tables are the
// subject, so accesses go through write(2), which reports a bad address instead of faulting.
#include "mmu/windows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace bantam::test {
namespace {

constexpr auto kSup = Privilege::supervisor;
constexpr auto kUser = Privilege::user;

class WindowsTest : public testing::Test {
protected:
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(u64{8} << 20).value());
    Mmu mmu_{*memory_};
    std::unique_ptr<Windows> windows_ = Windows::create(mmu_);
    std::array<int, 2> pipe_{};

    /// 4-level paging: 4 KiB pages from linear `kLow` and from `kHigh` share one table at 4000h.
    static constexpr u64 kLow = 0x7F1200000000, kHigh = 0xFFFF888000000000;
    WindowsTest() {
        PagingControls c;
        c.paging = c.pae = c.long_mode = c.write_protect = true;
        c.physical_bits = 40;
        c.cr3 = 0x1000;
        for (const u64 linear : {kLow, kHigh}) {
            const u64 directories = linear == kLow ? 0x2000 : 0x5000;
            memory_->write({0x1000 + (linear >> 39 & 511) * 8}, 8, directories | 7);
            memory_->write({directories + (linear >> 30 & 511) * 8}, 8, (directories + 0x1000) | 7);
            memory_->write({directories + 0x1000 + (linear >> 21 & 511) * 8}, 8, 0x4007);
        }
        mmu_.set_controls(c);
        EXPECT_EQ(pipe(pipe_.data()), 0);
    }
    ~WindowsTest() override {
        for (const int fd : pipe_) close(fd);
    }

    void map(u64 page, u64 entry) { memory_->write({0x4000 + page * 8}, 8, entry); }
    u64 host(u64 linear, Privilege privilege = kSup) const {
        return linear + windows_->table(privilege)[linear >> 32 & 0xFFFF];
    }
    Windows::Answer resolve(u64 linear, AccessType type, Privilege privilege = kSup) {
        u64 distance = windows_->table(privilege)[linear >> 32 & 0xFFFF];
        return windows_->resolve(linear + distance, distance, type, privilege);
    }
    bool readable(u64 address) { return ::write(pipe_[1], reinterpret_cast<const void*>(address), 1) == 1; }
    bool writable(u64 address) {
        const u8 byte = 0x5A;
        return ::write(pipe_[1], &byte, 1) == 1 && ::read(pipe_[0], reinterpret_cast<void*>(address), 1) == 1;
    }
};

using Answer = Windows::Answer;

TEST_F(WindowsTest, NothingIsThereAtFirst) {
    EXPECT_FALSE(readable(host(kLow)));
    EXPECT_FALSE(readable(host(0)));
    EXPECT_FALSE(readable(host(kHigh, kUser)));
}

TEST_F(WindowsTest, AResolvedPageIsTheGuestsMemory) {
    map(3, 0x20007);
    memory_->write({0x20010}, 1, 0x77);
    for (const u64 base : {kLow, kHigh}) {
        ASSERT_EQ(resolve(base + 0x3010, AccessType::write), Answer::repeat);
        const u64 at = host(base + 0x3010);
        ASSERT_TRUE(readable(at));
        EXPECT_TRUE(writable(at));
    }
    EXPECT_EQ(memory_->read({0x20010}, 1), 0x5Au);
    EXPECT_FALSE(readable(host(kLow + 0x4000)));
    EXPECT_FALSE(readable(host(kLow + 0x3010, kUser)));
}

TEST_F(WindowsTest, APageThatWasOnlyReadMayNotBeWritten) {
    map(3, 0x20007);
    ASSERT_EQ(resolve(kLow + 0x3000, AccessType::read), Answer::repeat);
    EXPECT_TRUE(readable(host(kLow + 0x3000)));
    EXPECT_FALSE(writable(host(kLow + 0x3000)));  // its dirty bit is not set
    ASSERT_EQ(resolve(kLow + 0x3000, AccessType::write), Answer::repeat);
    EXPECT_TRUE(writable(host(kLow + 0x3000)));
    EXPECT_EQ(memory_->read({0x4000 + 3 * 8}, 8) & 0x60, 0x60u);
}

TEST_F(WindowsTest, WhatTheTlbDropsIsHidden) {
    map(3, 0x20067);
    map(4, 0x21067);
    for (const u64 page : {3, 4}) ASSERT_EQ(resolve(kLow + page * kPageSize, AccessType::write), Answer::repeat);
    mmu_.flush_page({kLow + 0x3000});
    windows_->synchronize();
    EXPECT_FALSE(readable(host(kLow + 0x3000)));
    EXPECT_TRUE(readable(host(kLow + 0x4000)));
    mmu_.flush_all();
    windows_->synchronize();
    EXPECT_FALSE(readable(host(kLow + 0x4000)));
}

TEST_F(WindowsTest, AnEvictedEntryHidesItsPage) {
    map(3, 0x20067);
    ASSERT_EQ(resolve(kLow + 0x3000, AccessType::read), Answer::repeat);
    u64 ignored = 0;
    MemoryFault fault;
    ASSERT_TRUE(mmu_.read({kHigh + 0x3000}, 1, kSup, ignored, fault));  // the same index
    windows_->synchronize();
    EXPECT_FALSE(readable(host(kLow + 0x3000)));
}

TEST_F(WindowsTest, CodePagesBecomeReadOnly) {
    map(3, 0x20067);
    ASSERT_EQ(resolve(kLow + 0x3000, AccessType::write), Answer::repeat);
    memory_->mark_code({0x20000});
    windows_->synchronize();
    EXPECT_FALSE(writable(host(kLow + 0x3000)));
    EXPECT_EQ(resolve(kLow + 0x3000, AccessType::write), Answer::unsuited);
    EXPECT_EQ(resolve(kLow + 0x3000, AccessType::read), Answer::repeat);
    EXPECT_TRUE(readable(host(kLow + 0x3000)));
    EXPECT_FALSE(writable(host(kLow + 0x3000)));
}

TEST_F(WindowsTest, FaultsAndOddAddressesTakeTheSlowPath) {
    EXPECT_EQ(resolve(kLow + 0x7000, AccessType::read), Answer::slow_path);
    map(5, 0x20063);  // supervisor only
    EXPECT_EQ(resolve(kLow + 0x5000, AccessType::read, kUser), Answer::slow_path);
    // Not canonical, and at a distance that is another window's.
    u64 distance = windows_->table(kSup)[0x8123];
    EXPECT_EQ(windows_->resolve(0x812300000000 + distance, distance, AccessType::read, kSup), Answer::slow_path);
    EXPECT_EQ(resolve(kLow + 0x5000, AccessType::read), Answer::repeat);
    distance = windows_->table(kSup)[kLow >> 32];
    EXPECT_EQ(windows_->resolve(host(kLow) - 1, distance, AccessType::read, kSup), Answer::outside);
}

TEST_F(WindowsTest, MoreWindowsThanThereAreTakeTurns) {
    for (u64 page = 0; page < 100; ++page) map(page, 0x20067);
    for (u64 high = 0; high < 100; ++high) {
        // The tables above lead kLow's 512 GiB through one directory: the same page at every 4 GiB of it.
        memory_->write({0x2000 + ((kLow + (high << 32)) >> 30 & 511) * 8}, 8, 0x3007);
        const u64 linear = kLow + (high << 32) + high * kPageSize;
        ASSERT_EQ(resolve(linear, AccessType::write), Answer::repeat) << high;
        EXPECT_TRUE(writable(host(linear)));
    }
    EXPECT_FALSE(readable(host(kLow)));
}

TEST_F(WindowsTest, PagesThatDisplaceEachOtherStayOut) {
    map(3, 0x20067);
    map(5, 0x20067);
    unsigned mapped = 0;
    for (unsigned turn = 0; turn < 50; ++turn) {
        for (const u64 base : {kLow, kHigh}) mapped += resolve(base + 0x3000, AccessType::read) == Answer::repeat;
    }
    EXPECT_GT(mapped, 4u);
    EXPECT_LT(mapped, 40u);
    EXPECT_EQ(resolve(kLow + 0x5000, AccessType::read), Answer::repeat);
    EXPECT_EQ(resolve(kLow + 0x3000, AccessType::read), Answer::repeat) << "another came in between";
}

TEST_F(WindowsTest, PiecesOfALargePageComeTogether) {
    // 2 MiB at 200000h, of which one page has code, and another is in use elsewhere.
    memory_->write({0x3000 + (kLow >> 21 & 511) * 8}, 8, 0x2000E7);
    for (const u64 at : {0x210010, 0x21F010, 0x220010}) memory_->write({at}, 1, at >> 12 & 0xFF);
    memory_->mark_code({0x216000});
    ASSERT_EQ(resolve(kLow + 0x14010, AccessType::write), Answer::repeat);
    EXPECT_EQ(windows_->mapped_pages(), 6u) << "up to the code";
    EXPECT_TRUE(writable(host(kLow + 0x10010)));
    EXPECT_EQ(memory_->read({0x210010}, 1), 0x5Au);
    EXPECT_FALSE(readable(host(kLow + 0xF000)));
    EXPECT_FALSE(readable(host(kLow + 0x16000)));
    ASSERT_EQ(resolve(kLow + 0x1F010, AccessType::read), Answer::repeat);
    EXPECT_EQ(windows_->mapped_pages(), 6u + 9u);
    EXPECT_FALSE(readable(host(kLow + 0x16000))) << "it is allowed less than the others";
    EXPECT_FALSE(readable(host(kLow + 0x20010))) << "of the next group";
    EXPECT_EQ(resolve(kLow + 0x16000, AccessType::read), Answer::repeat);
    EXPECT_FALSE(writable(host(kLow + 0x16000)));
    mmu_.flush_page({kLow + 0x200000 - 1});  // all of the large page
    windows_->synchronize();
    EXPECT_EQ(windows_->mapped_pages(), 0u);
    EXPECT_FALSE(readable(host(kLow + 0x14010)));
}

TEST_F(WindowsTest, MappingsAreBounded) {
    // One frame behind every page of 2 MiB, by way of 32 directories of one table.
    for (u64 page = 0; page < 512; ++page) map(page, 0x20067);
    for (u64 index = 0; index < 40; ++index) memory_->write({0x3000 + index * 8}, 8, 0x4007);
    for (u64 page = 0; page < 40 * 512; ++page) {
        ASSERT_EQ(resolve(kLow + page * kPageSize, AccessType::write), Answer::repeat) << page;
        ASSERT_LE(windows_->pieces(), Windows::kMostPieces);
    }
    EXPECT_TRUE(writable(host(kLow + (40 * 512 - 1) * kPageSize)));
    EXPECT_FALSE(readable(host(kLow)));
}

TEST_F(WindowsTest, PagesThatCameTogetherCountOnce) {
    // One frame of 2 MiB behind each of 64 large pages: more pages than there may be pieces.
    constexpr u64 kLargePages = 64;
    for (u64 index = 0; index < kLargePages; ++index) memory_->write({0x3000 + index * 8}, 8, 0x2000E7);
    for (u64 page = 0; page < kLargePages * 512; page += Mmu::kGroupPages) {
        ASSERT_EQ(resolve(kLow + page * kPageSize, AccessType::write), Answer::repeat) << page;
    }
    EXPECT_EQ(windows_->mapped_pages(), kLargePages * 512);
    EXPECT_TRUE(writable(host(kLow)));
    // Taking every other page away makes too many of them.
    for (u64 page = 0; page < 512; page += 2) {
        memory_->mark_code({0x200000 + page * kPageSize});
        windows_->synchronize();
        ASSERT_LE(windows_->pieces(), Windows::kMostPieces);
        ASSERT_FALSE(writable(host(kLow + page * kPageSize)));
    }
    EXPECT_EQ(windows_->mapped_pages(), 0u);
    ASSERT_EQ(resolve(kLow + kPageSize, AccessType::write), Answer::repeat);
    EXPECT_TRUE(writable(host(kLow + kPageSize)));
}

}  // namespace
}  // namespace bantam::test
