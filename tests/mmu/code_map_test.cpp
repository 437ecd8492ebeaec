#include "mmu/code_map.h"

#include <gtest/gtest.h>

#include <bitset>
#include <cstring>
#include <random>

namespace bantam {
namespace {

TEST(CodeMap, IsASetOfBytes) {
    std::mt19937 random(1);
    std::bitset<kPageSize> expected;
    CodeMap map;
    for (int round = 0; round < 20'000; ++round) {
        const u64 first = random() % kPageSize;
        const u64 end = first + 1 + random() % std::min<u64>(kPageSize - first, round % 2 == 0 ? 40 : kPageSize);
        bool any = false;
        for (u64 at = first; at < end; ++at) any |= expected[at];
        ASSERT_EQ(map.any(first, end), any) << first << " to " << end;
        const bool set = random() % 2 == 0;
        for (u64 at = first; at < end; ++at) expected[at] = set;
        set ? map.set(first, end) : map.reset(first, end);
        const u64 offset = random() % kPageSize;
        u64 eight_bytes;
        std::memcpy(&eight_bytes, static_cast<const u8*>(map.bits()) + offset / 8, 8);
        ASSERT_EQ((eight_bytes >> (offset & 7) & 1) != 0, expected[offset]);
    }
}

}  // namespace
}  // namespace bantam
