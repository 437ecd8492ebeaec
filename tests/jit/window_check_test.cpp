// WindowCheck: which addresses it lets pass. Its region is the host's, so accesses go through write(2), which reports a
// bad address instead of faulting; without the C library's function, for which ASan looks the address up in its shadow
// and faults itself.
#include "jit/window_check.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <random>

#include "jit/anchor.h"

namespace bantam::jit {
namespace {

class WindowCheckTest : public testing::Test {
protected:
    WindowCheckTest() { EXPECT_EQ(pipe(pipe_.data()), 0); }
    ~WindowCheckTest() override {
        for (const int fd : pipe_) close(fd);
    }

    [[nodiscard]] bool passes(u64 address, u16 entry) const {
        const u32 at =
            static_cast<u32>(address >> WindowCheck::kLowestBit) + static_cast<u32>(check_->displacement_of(entry));
        char byte = 0;
        if (syscall(SYS_write, pipe_[1], u64{at}, 1) != 1) return false;
        return ::read(pipe_[0], &byte, 1) == 1;
    }

    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(u64{1} << 20).value());
    Mmu mmu_{*memory_};
    std::unique_ptr<Windows> windows_ = Windows::create(mmu_);
    std::unique_ptr<WindowCheck> check_ = WindowCheck::create();
    std::array<int, 2> pipe_{};
};

constexpr std::array<u16, 8> kEntries{0, 1, 0x5555, 0x7FFF, 0x8000, 0x8880, 0xFFFE, 0xFFFF};

TEST_F(WindowCheckTest, CanonicalAddressesPassInTheirWindowAlone) {
    for (const u16 entry : kEntries) {
        const u64 first = Windows::first_linear(entry), last = first + 0xFFFFFFFF;
        EXPECT_TRUE(passes(first, entry)) << std::hex << entry;
        EXPECT_TRUE(passes(last, entry)) << std::hex << entry;
        for (unsigned other = 0; other < Windows::kTableEntries; ++other) {
            if (other == entry) continue;
            ASSERT_FALSE(passes(Windows::first_linear(other), entry)) << std::hex << entry << ' ' << other;
            ASSERT_FALSE(passes(Windows::first_linear(other) + 0xFFFFFFFF, entry)) << std::hex << entry << ' ' << other;
        }
    }
}

TEST_F(WindowCheckTest, WhatPassesOtherwiseIsNotCanonicalForTheHost) {
    std::mt19937_64 random(1);
    unsigned passed = 0;
    for (unsigned k = 0; k < 100000; ++k) {
        const u16 entry = kEntries[random() % kEntries.size()];
        // Near the window, but for some of the upper bits; or anything.
        const u64 bits = random() & (random() % 2 == 0 ? ~u64{0} : 0x000F000100000000) & random();
        const u64 address = (Windows::first_linear(entry) + (random() & 0xFFFFFFFF)) ^ bits;
        if (Windows::first_linear(entry) == (address & ~u64{0xFFFFFFFF}) || !passes(address, entry)) continue;
        ++passed;
        for (const i64 offset : {-Anchored::kMostOffset, i64{0}, Anchored::kMostOffset}) {
            const u64 host = address + windows_->table(Privilege::supervisor)[entry] + static_cast<u64>(offset);
            const auto canonical = static_cast<u64>(static_cast<i64>(host << 16) >> 16);
            ASSERT_NE(host, canonical) << std::hex << address << ' ' << entry;
        }
    }
    EXPECT_GT(passed, 100u);
}

TEST_F(WindowCheckTest, FaultsInItsRegionAreKnown) {
    EXPECT_TRUE(WindowCheck::refused(static_cast<u32>(check_->displacement_of(7))));
    EXPECT_FALSE(windows_->contain(static_cast<u32>(check_->displacement_of(7))));
}

TEST_F(WindowCheckTest, ThereIsOneForEachOfTwoMachines) {
    const std::unique_ptr<WindowCheck> other = WindowCheck::create();
    ASSERT_NE(other, nullptr);
    EXPECT_NE(other->displacement_of(0), check_->displacement_of(0));
}

}  // namespace
}  // namespace bantam::jit
