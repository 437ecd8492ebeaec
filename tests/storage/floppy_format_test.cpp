#include "storage/floppy_format.h"

#include <gtest/gtest.h>

namespace bantam::storage {
namespace {

TEST(FloppyFormat, IsToldBySize) {
    const auto common = floppy_format_of(1'474'560);
    ASSERT_TRUE(common.has_value());
    EXPECT_EQ(common->name, "1.44M");
    EXPECT_EQ(common->cylinders, 80);
    EXPECT_EQ(common->heads, 2);
    EXPECT_EQ(common->sectors, 18);
    for (const u64 bytes : {163'840, 184'320, 327'680, 368'640, 737'280, 1'228'800, 1'720'320, 1'763'328, 2'949'120}) {
        const auto found = floppy_format_of(bytes);
        ASSERT_TRUE(found.has_value()) << bytes;
        EXPECT_EQ(found->bytes(), bytes);
        EXPECT_NE(known_floppy_sizes().find(std::to_string(bytes)), std::string::npos);
    }
    EXPECT_FALSE(floppy_format_of(1'474'560 + 512).has_value());
    EXPECT_FALSE(floppy_format_of(0).has_value());
}

}  // namespace
}  // namespace bantam::storage
