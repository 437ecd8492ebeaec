#include "jit/homed_copies.h"

#include <gtest/gtest.h>

namespace bantam::jit {
namespace {

TEST(HomedCopiesTest, ThereIsOneCopyOfARegister) {
    HomedCopies copies;
    EXPECT_TRUE(copies.empty());
    copies.set(kSpare, 12);
    copies.set(kAddress, 13);
    copies.set(kAddress, 12);
    EXPECT_EQ(copies.find(12)->id(), kAddress.id());
    EXPECT_FALSE(copies.find(13));
    copies.set(kAddend, 12);
    EXPECT_FALSE(copies.find(12)) << "kAddend has none, but the register has another value";
}

TEST(HomedCopiesTest, TheOlderCopyGivesItsPlace) {
    HomedCopies copies;
    EXPECT_EQ(copies.place({})->id(), kSpare.id());
    copies.set(kSpare, 12);
    EXPECT_EQ(copies.place({})->id(), kAddress.id());
    copies.set(kAddress, 13);
    EXPECT_EQ(copies.place({})->id(), kSpare.id());
    copies.set(kSpare, 14);
    EXPECT_EQ(copies.place({})->id(), kAddress.id());
    const std::array<u32, 2> taken{kAddress.id(), kSpare.id()};
    EXPECT_EQ(copies.place(std::span(taken).first(1))->id(), kSpare.id());
    EXPECT_FALSE(copies.place(taken));
}

TEST(HomedCopiesTest, ADistanceIsNoCopy) {
    HomedCopies copies;
    copies.set(kSpare, 12);
    copies.set(kAddress, 13);
    EXPECT_EQ(copies.in(kAddress), 13u);
    EXPECT_EQ(copies.in(kSpare), 12u);
    copies.set_distance();
    EXPECT_TRUE(copies.has_distance());
    EXPECT_FALSE(copies.in(kAddress));
    unsigned seen = 0;
    copies.each([&](unsigned guest, const x86::Gp& place) {
        ++seen;
        EXPECT_EQ(guest, 12u);
        EXPECT_EQ(place.id(), kSpare.id());
    });
    EXPECT_EQ(seen, 1u);
    copies.forget(kAddress);
    EXPECT_FALSE(copies.has_distance());
    copies.forget_guest(12);
    EXPECT_TRUE(copies.empty());
}

}  // namespace
}  // namespace bantam::jit
