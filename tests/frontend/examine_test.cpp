// The monitor's x: formats, sizes, holes in memory, and code.
#include "frontend/examine.h"

#include <gtest/gtest.h>

namespace bantam::frontend {
namespace {

constexpr isa::DecodeMode k64{.code_size = isa::CodeSize::bits64};

std::optional<u8> counting(u64 address) {  // 256 bytes of memory: each holds its address
    if (address >= 256) return std::nullopt;
    return static_cast<u8>(address);
}

std::string show(std::string_view format, u64 address) {
    const auto parsed = parse_examine_format(format);
    EXPECT_TRUE(parsed);
    return parsed ? examine(parsed.value(), address, k64, counting) : std::string{};
}

TEST(Examine, Units) {
    EXPECT_EQ(show("", 0x10), "0x0000000000000010: 0x13121110\n");
    EXPECT_EQ(show("2xb", 0x7F), "0x000000000000007f: 0x7f 0x80\n");
    EXPECT_EQ(show("1db", 0x80), "0x0000000000000080: -128\n");
    EXPECT_EQ(show("1uh", 0x10), "0x0000000000000010: 4368\n");
    EXPECT_EQ(show("1xg", 0), "0x0000000000000000: 0x0706050403020100\n");
    EXPECT_EQ(show("2c", 0x41), "0x0000000000000041: 'A' 'B'\n");
    EXPECT_EQ(show("5xw", 0),
              "0x0000000000000000: 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c\n0x0000000000000010: 0x13121110\n");
}

TEST(Examine, HolesAreNamed) { EXPECT_EQ(show("2xb", 0xFF), "0x00000000000000ff: 0xff no memory at 0x100\n"); }

TEST(Examine, FormatsAreChecked) {
    for (const char* text : {"0x", "100000x", "10y", "4294967296x", "x-"})
        EXPECT_FALSE(parse_examine_format(text)) << text;
}

TEST(Examine, CodeGoesOnAfterBadBytesAndStopsAtHoles) {
    const std::array<u8, 3> code{0x90, 0x06, 0xC3};  // nop; push es (no instruction in 64-bit mode); ret
    const auto peek = [&](u64 address) -> std::optional<u8> {
        return address < code.size() ? std::optional<u8>(code[address]) : std::nullopt;
    };
    const std::string text = examine({.count = 4, .format = 'i'}, 0, k64, peek);
    EXPECT_NE(text.find("0x0:  90"), std::string::npos);
    EXPECT_NE(text.find("0x1:  06"), std::string::npos);
    EXPECT_NE(text.find("(bad)"), std::string::npos);
    EXPECT_NE(text.find("0x2:  c3"), std::string::npos);
    EXPECT_NE(text.find("0x3: no memory there"), std::string::npos);
}

}  // namespace
}  // namespace bantam::frontend
