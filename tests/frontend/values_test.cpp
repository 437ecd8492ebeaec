// Sizes, durations, comma lists and suggestions: each notation, its canonical form, and what must be refused.
#include "frontend/values.h"

#include <gtest/gtest.h>

namespace bantam::frontend {
namespace {

TEST(Values, SizesTakeLettersOfEitherCase) {
    EXPECT_EQ(parse_size("256M"), u64{256} << 20);
    EXPECT_EQ(parse_size("4g"), u64{4} << 30);
    EXPECT_EQ(parse_size("64k"), u64{64} << 10);
    EXPECT_EQ(parse_size("4096"), 4096u);
}

TEST(Values, SizesRefuseEverythingElse) {
    for (const char* text :
         {"", "M", "-1", "1.5G", "1MB", "256 M", "0x10", "99999999999999999999", "18446744073709551615G"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
}

TEST(Values, SizesPrintInTheLargestExactUnit) {
    EXPECT_EQ(format_size(u64{256} << 20), "256M");
    EXPECT_EQ(format_size((u64{1} << 20) + 4096), "1028K");
    EXPECT_EQ(format_size(1), "1");
    EXPECT_EQ(format_size(0), "0");
}

TEST(Values, Durations) {
    EXPECT_EQ(parse_duration("30s"), 30'000'000'000u);
    EXPECT_EQ(parse_duration("2m"), 120'000'000'000u);
    EXPECT_EQ(parse_duration("500ms"), 500'000'000u);
    EXPECT_EQ(parse_duration("1h"), 3'600'000'000'000u);
    for (const char* text : {"", "30", "s", "1.5s", "-1s", "30sec", "9999999999999h"})
        EXPECT_FALSE(parse_duration(text)) << text;
    EXPECT_EQ(format_duration(90'000'000'000), "90s");
    EXPECT_EQ(format_duration(120'000'000'000), "2m");
    EXPECT_EQ(format_duration(1'500'000'000), "1500ms");
}

TEST(Values, Numbers) {
    EXPECT_EQ(parse_number("0x7C00"), 0x7C00u);
    EXPECT_EQ(parse_number("31744"), 31744u);
    for (const char* text : {"", "0x", "12x", "-1", "0x1FFFFFFFFFFFFFFFF"}) EXPECT_FALSE(parse_number(text)) << text;
}

TEST(Values, CommasSplitAndDoubledOnesStay) {
    EXPECT_EQ(split_commas("a,b,,c"), (std::vector<std::string>{"a", "b,c"}));
    EXPECT_EQ(split_commas(""), (std::vector<std::string>{""}));
    EXPECT_EQ(split_commas("x,"), (std::vector<std::string>{"x", ""}));
    EXPECT_EQ(split_commas(escape_commas("odd,name,")).front(), "odd,name,");
}

TEST(Values, NearestFindsTypingErrorsOnly) {
    const std::vector<std::string_view> names{"memory", "monitor", "kernel"};
    EXPECT_EQ(nearest("memroy", names), "memory");
    EXPECT_EQ(nearest("kernal", names), "kernel");
    EXPECT_FALSE(nearest("xyz", names));
    EXPECT_FALSE(nearest(std::string(100000, 'm'), names));
}

}  // namespace
}  // namespace bantam::frontend
