// Disassembly text, and that nothing on the way to it fails for odd input.
#include "cpu/isa/disassemble.h"

#include <gtest/gtest.h>

#include <vector>

namespace bantam::isa {
namespace {

TEST(Disassemble, IntelSyntaxPerMode) {
    EXPECT_EQ(disassemble(std::vector<u8>{0x48, 0x8B, 0x43, 0x08}, 0, CodeSize::bits64),
              "mov rax, qword ptr [rbx + 8]");
    EXPECT_EQ(disassemble(std::vector<u8>{0x8B, 0x47, 0x08}, 0, CodeSize::bits16), "mov ax, word ptr [bx + 8]");
    EXPECT_EQ(disassemble(std::vector<u8>{0xEB, 0xFE}, 0x1000, CodeSize::bits32), "jmp 0x1000");
    EXPECT_EQ(disassemble(std::vector<u8>{0xF4}, 0, CodeSize::bits32), "hlt");
}

TEST(Disassemble, BadAndShortInput) {
    EXPECT_EQ(disassemble({}, 0, CodeSize::bits64), "");
    EXPECT_EQ(disassemble(std::vector<u8>{0x06}, 0, CodeSize::bits64), "(bad)");
    EXPECT_EQ(disassemble(std::vector<u8>{0x0F}, 0, CodeSize::bits64), "(bad)");
}

}  // namespace
}  // namespace bantam::isa
