// The port space: splitting, overlaps, unclaimed ports.
#include "machine/io_bus.h"

#include <gtest/gtest.h>

#include <vector>

namespace bantam {
namespace {

/// Remembers every access; reads give 10h + offset in each byte.
struct Recorder {
    struct Access {
        u64 offset;
        unsigned size;
        u64 value;
        bool operator==(const Access&) const = default;
    };
    std::vector<Access> reads, writes;

    RegisterSpace space(unsigned max_size) {
        return {.read =
                    [this](u64 offset, unsigned size) {
                        reads.push_back({offset, size, 0});
                        u64 value = 0;
                        for (unsigned i = 0; i < size; ++i) value |= (0x10 + offset + i) << (8 * i);
                        return value;
                    },
                .write =
                    [this](u64 offset, unsigned size, u64 value) {
                        writes.push_back({offset, size, value});
                    },
                .peek = [](u64 offset, unsigned) { return 0x50 + offset; },
                .max_size = max_size};
    }
};

TEST(IoBus, UnclaimedPortsReadAllOnesAndAreCounted) {
    IoBus bus;
    EXPECT_EQ(bus.read(0x1234, 1), 0xFFu);
    EXPECT_EQ(bus.read(0x1234, 2), 0xFFFFu);
    EXPECT_EQ(bus.read(0x1234, 4), 0xFFFFFFFFu);
    bus.write(0x1234, 2, 0);
    EXPECT_EQ(bus.unclaimed_reads(), 7u);
    EXPECT_EQ(bus.unclaimed_writes(), 2u);
}

TEST(IoBus, WideAccessIsSplitLowPartFirst) {
    IoBus bus;
    Recorder chip;
    ASSERT_TRUE(bus.map("chip", 0x60, 8, chip.space(1)).ok());
    EXPECT_EQ(bus.read(0x61, 4), 0x14131211u);
    bus.write(0x62, 2, 0xBBAA);
    EXPECT_EQ(chip.writes, (std::vector<Recorder::Access>{{2, 1, 0xAA}, {3, 1, 0xBB}}));
}

TEST(IoBus, WidthTheChipTakesArrivesWhole) {
    IoBus bus;
    Recorder chip;
    ASSERT_TRUE(bus.map("chip", 0xCF8, 8, chip.space(4)).ok());
    bus.write(0xCF8, 4, 0x80000000);
    bus.read(0xCFE, 2);
    EXPECT_EQ(chip.writes, (std::vector<Recorder::Access>{{0, 4, 0x80000000}}));
    EXPECT_EQ(chip.reads, (std::vector<Recorder::Access>{{6, 2, 0}}));
}

TEST(IoBus, AccessStraddlingTwoOwnersAndAHole) {
    IoBus bus;
    Recorder low, high;
    ASSERT_TRUE(bus.map("low", 0x100, 1, low.space(4)).ok());
    ASSERT_TRUE(bus.map("high", 0x102, 2, high.space(4)).ok());
    EXPECT_EQ(bus.read(0x100, 4), 0x1110FF10u);
    EXPECT_EQ(bus.unclaimed_reads(), 1u);
    EXPECT_EQ(high.reads, (std::vector<Recorder::Access>{{0, 2, 0}}));
}

TEST(IoBus, PastTheEndOfThePortSpace) {
    IoBus bus;
    Recorder chip;
    ASSERT_TRUE(bus.map("last", 0xFFFF, 1, chip.space(1)).ok());
    EXPECT_EQ(bus.read(0xFFFF, 4), 0xFFFFFF10u);
    bus.write(0xFFFF, 4, 0x44332211);
    EXPECT_EQ(chip.writes, (std::vector<Recorder::Access>{{0, 1, 0x11}}));
}

TEST(IoBus, OverlapAndBadRangesAreErrors) {
    IoBus bus;
    Recorder chip;
    ASSERT_TRUE(bus.map("first", 0x70, 4, chip.space(1)).ok());
    const Result<void> overlap = bus.map("second", 0x73, 2, chip.space(1));
    ASSERT_FALSE(overlap.ok());
    EXPECT_NE(overlap.error().message.find("first"), std::string::npos);
    EXPECT_EQ(bus.owner(0x74), "");
    EXPECT_FALSE(bus.map("none", 0x80, 0, chip.space(1)).ok());
    EXPECT_FALSE(bus.map("far", 0xFFFF, 2, chip.space(1)).ok());
}

TEST(IoBus, UnmappedRangeIsFreeAgain) {
    IoBus bus;
    Recorder chip;
    ASSERT_TRUE(bus.map("pm", 0x600, 64, chip.space(4)).ok());
    bus.unmap("pm");
    EXPECT_EQ(bus.read(0x600, 1), 0xFFu);
    ASSERT_TRUE(bus.map("pm", 0x620, 64, chip.space(4)).ok());
    ASSERT_EQ(bus.ranges().size(), 1u);
    EXPECT_EQ(bus.ranges().front().first, 0x620);
}

TEST(IoBus, ChipMayMapOthersDuringItsOwnAccess) {
    IoBus bus;
    int calls = 0;
    RegisterSpace space{
        .read = nullptr,
        .write =
            [&](u64, unsigned, u64) {
                for (u16 port = 0; port < 64; ++port) {
                    ASSERT_TRUE(bus.map("n" + std::to_string(port), static_cast<u16>(0x1000 + port), 1, {}).ok());
                }
                ++calls;
            },
        .peek = nullptr,
        .max_size = 1};
    ASSERT_TRUE(bus.map("mapper", 0x10, 1, space).ok());
    bus.write(0x10, 1, 0);
    EXPECT_EQ(calls, 1);
}

TEST(IoBus, PeekHasNoSideEffects) {
    IoBus bus;
    Recorder chip;
    ASSERT_TRUE(bus.map("chip", 0x20, 2, chip.space(1)).ok());
    EXPECT_EQ(bus.peek(0x20, 1), 0x50u);
    EXPECT_EQ(bus.peek(0x999, 2), 0xFFFFu);
    EXPECT_TRUE(chip.reads.empty());
    EXPECT_EQ(bus.unclaimed_reads(), 0u);
}

}  // namespace
}  // namespace bantam
