#include "jit/stack_window.h"

#include <gtest/gtest.h>

#include <vector>

namespace bantam::jit::stack_window {
namespace {

TEST(StackWindowTest, TellsInstructionsThatAccessGs) {
    const auto accesses_gs = [](std::vector<u8> code) {
        code.resize(15, 0x90);
        return accesses(code.data());
    };
    EXPECT_TRUE(accesses_gs({0x65, 0x49, 0x8B, 0x04, 0x24}));                     // mov rax, gs:[r12]
    EXPECT_TRUE(accesses_gs({0x66, 0x65, 0x41, 0x89, 0x04, 0x24}));               // mov gs:[r12], ax
    EXPECT_TRUE(accesses_gs({0x65, 0xC4, 0xC1, 0x7C, 0x10, 0x04, 0x24}));         // vmovups ymm0, gs:[r12]
    EXPECT_FALSE(accesses_gs({0x49, 0x8B, 0x04, 0x24}));                          // mov rax, [r12]
    EXPECT_FALSE(accesses_gs({0x66, 0x43, 0x89, 0x04, 0x3C}));                    // mov [r12+r15], ax
    EXPECT_FALSE(accesses_gs({0xF3, 0x43, 0x0F, 0x6F, 0x44, 0x3C, 0x65, 0x65}));  // movdqu xmm0, [r12+r15+65h]
}

TEST(StackWindowTest, OutlastsSmallSteps) {
    EXPECT_TRUE(outlasts(-kMostStep));
    EXPECT_FALSE(outlasts(kMostStep + 1));
}

TEST(StackWindowTest, ABaseIsCanonical) {
    EXPECT_EQ(base_for(0x370000000000), 0x370000000000u);
    EXPECT_EQ(base_for(0xFFFF8000FFFFF000), 0xFFFF8000FFFFF000u);
    EXPECT_EQ(base_for(0x810000000000), 0u);
    EXPECT_EQ(base_for(0xFFFF7FFFFFFFF000), 0u);
}

}  // namespace
}  // namespace bantam::jit::stack_window
