// Facts of the table that no other library states: counts of shifts, alignment, execution classes, state classes.
#include <gtest/gtest.h>

#include <vector>

#include "cpu/isa/decoder.h"
#include "cpu/isa/table.h"
#include "cpu/state.h"

namespace bantam::isa {
namespace {

Instruction decoded(std::initializer_list<u8> bytes, CodeSize size = CodeSize::bits64) {
    Instruction instruction;
    DecodeMode mode;
    mode.code_size = size;
    EXPECT_EQ(decode(std::vector<u8>(bytes), mode, instruction), DecodeStatus::ok);
    return instruction;
}

TEST(FlagFacts, KnownShiftCountsAreExact) {
    const FlagFacts none = flag_facts(decoded({0xC1, 0xE0, 0x20}));  // SHL EAX, 32: masked to 0
    EXPECT_EQ(none.written | none.undefined | none.read, 0u);
    const FlagFacts one = flag_facts(decoded({0xD1, 0xE0}));  // SHL EAX, 1
    EXPECT_EQ(one.written, kStatusFlags & ~kFlagAdjust);
    EXPECT_EQ(one.undefined, u32{kFlagAdjust});
    EXPECT_FALSE(one.conditional);
    const FlagFacts two = flag_facts(decoded({0xC1, 0xE0, 0x02}));
    EXPECT_EQ(two.undefined, u32{kFlagAdjust | kFlagOverflow});
    const FlagFacts wide = flag_facts(decoded({0xC0, 0xE0, 0x09}));  // SHL AL, 9: CF undefined
    EXPECT_EQ(wide.undefined, u32{kFlagAdjust | kFlagOverflow | kFlagCarry});
    const FlagFacts sar = flag_facts(decoded({0xC0, 0xF8, 0x09}));  // SAR AL, 9: CF is the sign
    EXPECT_EQ(sar.undefined, u32{kFlagAdjust | kFlagOverflow});
    const FlagFacts by_cl = flag_facts(decoded({0xD3, 0xE0}));
    EXPECT_TRUE(by_cl.conditional);
    EXPECT_EQ(by_cl.undefined, u32{kFlagAdjust | kFlagOverflow});
    const FlagFacts shld = flag_facts(decoded({0x66, 0x0F, 0xA4, 0xC8, 0x11}));  // SHLD AX, CX, 17
    EXPECT_EQ(shld.written, 0u);
    EXPECT_EQ(shld.undefined, kStatusFlags);
}

TEST(FlagFacts, ConditionsReadTheirFlags) {
    EXPECT_EQ(flag_facts(decoded({0x74, 0})).read, u32{kFlagZero});
    EXPECT_EQ(flag_facts(decoded({0x0F, 0x9F, 0xC0})).read, u32{kFlagZero | kFlagSign | kFlagOverflow});
    EXPECT_EQ(flag_facts(decoded({0x0F, 0x47, 0xC1})).read, u32{kFlagZero | kFlagCarry});
    EXPECT_TRUE(flag_facts(decoded({0xF3, 0xA6})).conditional);  // REPE CMPSB with RCX = 0
    EXPECT_FALSE(flag_facts(decoded({0xA6})).conditional);
}

TEST(Table, Alignment) {
    EXPECT_EQ(required_alignment(decoded({0x0F, 0x28, 0x00})), 16);                // MOVAPS
    EXPECT_EQ(required_alignment(decoded({0x0F, 0x10, 0x00})), 1);                 // MOVUPS
    EXPECT_EQ(required_alignment(decoded({0x0F, 0x58, 0x00})), 16);                // ADDPS
    EXPECT_EQ(required_alignment(decoded({0xF3, 0x0F, 0x58, 0x00})), 1);           // ADDSS
    EXPECT_EQ(required_alignment(decoded({0x66, 0x0F, 0x2B, 0x00})), 16);          // MOVNTPD
    EXPECT_EQ(required_alignment(decoded({0x66, 0x0F, 0x3A, 0x63, 0x00, 0})), 1);  // PCMPISTRI
    EXPECT_EQ(required_alignment(decoded({0xC5, 0xF8, 0x58, 0x00})), 1);           // VADDPS
    EXPECT_EQ(required_alignment(decoded({0xC5, 0xFC, 0x28, 0x00})), 32);          // VMOVAPS ymm
    EXPECT_EQ(required_alignment(decoded({0x48, 0x0F, 0xC7, 0x08})), 16);          // CMPXCHG16B
    EXPECT_EQ(required_alignment(decoded({0x0F, 0xC7, 0x08})), 1);                 // CMPXCHG8B
    EXPECT_EQ(required_alignment(decoded({0x0F, 0xAE, 0x20})), 64);                // XSAVE
    EXPECT_EQ(required_alignment(decoded({0x0F, 0xAE, 0x00})), 16);                // FXSAVE
    EXPECT_EQ(required_alignment(decoded({0x0F, 0x6F, 0x00})), 1);                 // MOVQ mm
}

u32 state(std::initializer_list<u8> bytes) { return row_of(decoded(bytes)).attributes & (kX87 | kMmx | kSse | kAvx); }

TEST(Table, StateClasses) {
    EXPECT_EQ(state({0xD9, 0xE8}), u32{kX87});
    EXPECT_EQ(state({0x0F, 0x6F, 0xC1}), u32{kMmx});
    EXPECT_EQ(state({0x0F, 0x77}), u32{kMmx});
    EXPECT_EQ(state({0x0F, 0x2A, 0xC1}), u32{kMmx | kSse});
    EXPECT_EQ(state({0x0F, 0xAE, 0x10}), u32{kSse});
    EXPECT_EQ(state({0xC5, 0xF8, 0x77}), u32{kAvx});
    EXPECT_EQ(state({0x0F, 0xC3, 0x00}), 0u);              // MOVNTI
    EXPECT_EQ(state({0xC4, 0xE2, 0x78, 0xF2, 0xC0}), 0u);  // ANDN
    EXPECT_EQ(state({0x0F, 0xAE, 0xF8}), 0u);              // SFENCE
    EXPECT_EQ(state({0xF2, 0x0F, 0x38, 0xF0, 0xC0}), 0u);  // CRC32
}

TEST(Table, Classes) {
    EXPECT_EQ(execution_class(row_of(decoded({0x01, 0xC8}))), ExecutionClass::host);
    EXPECT_EQ(execution_class(row_of(decoded({0x0F, 0x58, 0xC1}))), ExecutionClass::host);
    EXPECT_EQ(execution_class(row_of(decoded({0x27}, CodeSize::bits32))), ExecutionClass::shared);
    EXPECT_EQ(execution_class(row_of(decoded({0x0F, 0xA2}))), ExecutionClass::called);
    const u32 nop = row_of(decoded({0x0F, 0x1F, 0x00})).attributes;
    EXPECT_EQ(nop & kMayFault, 0u);
    EXPECT_NE(row_of(decoded({0x8B, 0x00})).attributes & kMayFault, 0u);
    EXPECT_NE(row_of(decoded({0xF4})).attributes & kPrivileged, 0u);
    EXPECT_NE(row_of(decoded({0xC3})).attributes & kEndsBlock, 0u);
}

}  // namespace
}  // namespace bantam::isa
