// CHECK: what a broken invariant leaves behind.
#include "base/check.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace bantam::test {
namespace {

TEST(CheckDeathTest, EndsWithStatus70AndTheReportersWords) {
    const auto fail = [] {
        set_crash_reporter([] {
            std::fputs("registers\n", stderr);
            CHECK(false);  // a reporter that fails itself is not called again
        });
        CHECK(1 + 1 == 3);
    };
    EXPECT_EXIT(fail(), testing::ExitedWithCode(70),
                "internal error: 1 \\+ 1 == 3 .*check_test.cpp:[0-9]+.\nregisters\n");
    CHECK(1 + 1 == 2);
}

}  // namespace
}  // namespace bantam::test
