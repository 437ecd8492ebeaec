// Memory operands: alignment, #AC, segment limits, what a fault leaves unchanged, masked-off elements, restartable
// gathers.
#include "tests/cpu_host/host_fixture.h"

namespace bantam::host {
namespace {

class Memory : public HostFixture {
protected:
    int fault(std::initializer_list<u8> bytes, u64 address) {
        cpu.state.gpr[kRbx] = cpu.state.gpr[kRdi] = address;
        const auto e = run(bytes);
        return e ? static_cast<int>(e->vector) : -1;
    }
    /// 32-bit mode with DS ending after `limit`.
    void limit_data(u32 limit) {
        enter_mode(isa::CodeSize::bits32);
        cpu.set_segment(kDs, 0x10, 0, limit, 0x4093);
    }
    template <class T>
    void set(unsigned v, unsigned k, T value) {
        std::memcpy(cpu.state.vector[v].bytes.data() + k * sizeof(T), &value, sizeof(T));
    }
    u32 lane(unsigned v, unsigned k) const {
        u32 value;
        std::memcpy(&value, cpu.state.vector[v].bytes.data() + 4 * k, 4);
        return value;
    }
};

TEST_F(Memory, LegacyVectorsMustBeAligned) {
    EXPECT_EQ(fault({0x0F, 0x28, 0x03}, kData + 8), 13);                 // movaps
    EXPECT_EQ(fault({0x0F, 0x58, 0x03}, kData + 4), 13);                 // addps
    EXPECT_EQ(fault({0x66, 0x0F, 0xE7, 0x03}, kData + 1), 13);           // movntdq
    EXPECT_EQ(fault({0x0F, 0x10, 0x03}, kData + 1), -1);                 // movups
    EXPECT_EQ(fault({0xF2, 0x0F, 0xF0, 0x03}, kData + 1), -1);           // lddqu
    EXPECT_EQ(fault({0x66, 0x0F, 0x3A, 0x63, 0x03, 0}, kData + 1), -1);  // pcmpistri
    EXPECT_EQ(fault({0xC5, 0xF8, 0x58, 0x03}, kData + 1), -1);           // vaddps
    EXPECT_EQ(fault({0xC5, 0xF8, 0x28, 0x03}, kData + 8), 13);           // vmovaps xmm
    EXPECT_EQ(fault({0xC5, 0xFC, 0x28, 0x03}, kData + 16), 13);          // vmovaps ymm
    EXPECT_EQ(fault({0xC5, 0xFC, 0x28, 0x03}, kData + 32), -1);
    EXPECT_EQ(fault({0x0F, 0xAE, 0x03}, kData + 8), 13);   // fxsave
    EXPECT_EQ(fault({0x0F, 0xAE, 0x23}, kData + 32), 13);  // xsave
}

TEST_F(Memory, AlignmentChecksFollowTheProcessor) {
    cpu.state.cr0 |= 0x40000;
    cpu.state.flags |= kFlagAlignmentCheck;
    cpu.state.cpl = 3;
    cpu.update_mode();
    EXPECT_EQ(fault({0x0F, 0x10, 0x03}, kData + 1), -1);  // movups
    EXPECT_EQ(fault({0x0F, 0x28, 0x03}, kData + 4), 13);  // movaps
    EXPECT_EQ(fault({0x0F, 0x28, 0x03}, kData + 1), 13);
    EXPECT_EQ(fault({0xDB, 0x2B}, kData + 8), -1);  // fld m80
    EXPECT_EQ(fault({0xDB, 0x2B}, kData + 4), 17);
    EXPECT_EQ(fault({0xDD, 0x03}, kData + 4), 17);              // fld m64
    EXPECT_EQ(fault({0xDF, 0x03}, kData + 1), 17);              // fild m16
    EXPECT_EQ(fault({0xF3, 0x0F, 0x10, 0x03}, kData + 2), 17);  // movss
    EXPECT_EQ(fault({0xD9, 0x33}, kData + 4), -1);              // fnstenv
    EXPECT_EQ(fault({0xD9, 0x33}, kData + 2), 17);
    EXPECT_EQ(fault({0x66, 0xD9, 0x33}, kData + 2), -1);
    EXPECT_EQ(fault({0x0F, 0xAE, 0x03}, kData + 4), 13);  // fxsave
    EXPECT_EQ(fault({0x0F, 0xAE, 0x03}, kData + 1), 17);
    EXPECT_EQ(fault({0x0F, 0xAE, 0x1B}, kData + 2), 17);  // stmxcsr
}

TEST_F(Memory, LimitBeforeAlignmentIsThatOfTheFirstEightBytes) {
    limit_data(static_cast<u32>(kData + 15));
    cpu.state.cr0 |= 0x40000;
    cpu.state.flags |= kFlagAlignmentCheck;
    cpu.state.cpl = 3;
    cpu.update_mode();
    for (const u8 modrm : {u8{0x2B}, u8{0x3B}}) {  // fld m80, fstp m80
        EXPECT_EQ(fault({0xDB, modrm}, kData + 8), 13);
        EXPECT_EQ(fault({0xDB, modrm}, kData + 7), 17);
        EXPECT_EQ(fault({0xDB, modrm}, kData + 9), 13);
    }
}

TEST_F(Memory, ReservedMxcsrBitsFault) {
    put<u32>(kData, 0x11F80);
    EXPECT_EQ(fault({0x0F, 0xAE, 0x13}, kData), 13);
    put<u32>(kData, 0x9FC0);
    EXPECT_EQ(fault({0x0F, 0xAE, 0x13}, kData), -1);
    EXPECT_EQ(cpu.state.mxcsr, 0x9FC0u);
    put<u32>(kData + 24, 0x80000000);
    EXPECT_EQ(fault({0x0F, 0xAE, 0x0B}, kData), 13);  // fxrstor
    EXPECT_EQ(cpu.state.mxcsr, 0x9FC0u);
}

TEST_F(Memory, FaultingX87StoreKeepsTheStack) {
    limit_data(static_cast<u32>(kData + 7));
    enter_fpu(cpu.state);
    leave_fpu(cpu.state);
    run({0xD9, 0xE8});
    const auto before = cpu.state.x87;
    EXPECT_EQ(fault({0xDB, 0x3B}, kData), 13);  // fstp m80
    EXPECT_EQ(fault({0xDD, 0x1B}, kData + 4), 13);
    EXPECT_EQ(fault({0xDD, 0x33}, kData), 13);  // fnsave
    EXPECT_EQ(cpu.state.x87, before);
    EXPECT_EQ(fault({0xDD, 0x1B}, kData), -1);
    EXPECT_EQ(get<u64>(kData), 0x3FF0000000000000u);
}

TEST_F(Memory, MaskedOffElementsDoNotFault) {
    limit_data(static_cast<u32>(kData + 7));
    put<u64>(kData, 0x2222222211111111);
    for (unsigned k = 0; k < 8; ++k) set<u32>(1, k, k < 2 ? 0x80000000 : 0);
    EXPECT_EQ(fault({0xC4, 0xE2, 0x75, 0x2C, 0x03}, kData), -1);  // vmaskmovps ymm0, ymm1, [ebx]
    EXPECT_EQ(lane(0, 0), 0x11111111u);
    EXPECT_EQ(lane(0, 1), 0x22222222u);
    EXPECT_EQ(lane(0, 2), 0u);
    EXPECT_EQ(fault({0xC4, 0xE2, 0x75, 0x8E, 0x03}, kData), -1);  // vpmaskmovd [ebx], ymm1, ymm0
    set<u32>(1, 3, 0x80000000);
    set<u32>(0, 0, 7);
    EXPECT_EQ(fault({0xC4, 0xE2, 0x75, 0x8E, 0x03}, kData), 13);
    EXPECT_EQ(get<u32>(kData), 0x11111111u);
    EXPECT_EQ(fault({0xC4, 0xE2, 0x75, 0x2C, 0x03}, kData), 13);
    EXPECT_EQ(lane(0, 0), 7u);

    for (unsigned k = 0; k < 16; ++k) set<u8>(2, k, k == 3 ? 0x80 : 0x7F);
    EXPECT_EQ(fault({0x66, 0x0F, 0xF7, 0xC2}, kData - 8), -1);  // maskmovdqu xmm0, xmm2
    EXPECT_EQ(get<u32>(kData), 0x11111111u);
    // All of its operand counts, whatever the mask.
    EXPECT_EQ(fault({0x66, 0x0F, 0xF7, 0xC2}, kData), 13);
}

TEST_F(Memory, FaultingGatherHasFinishedTheElementsBefore) {
    limit_data(static_cast<u32>(kData + 0xFF));
    put<u32>(kData + 0, 0xAAAA);
    put<u32>(kData + 8, 0xBBBB);
    for (unsigned k = 0; k < 4; ++k) set<u32>(1, k, 0xFFFFFFFF);
    set<u32>(2, 0, 0), set<u32>(2, 1, 2), set<u32>(2, 2, 0x40), set<u32>(2, 3, 2);
    EXPECT_EQ(fault({0xC4, 0xE2, 0x71, 0x90, 0x04, 0x93}, kData), 13);  // vpgatherdd xmm0, [ebx+xmm2*4], xmm1
    EXPECT_EQ(lane(0, 0), 0xAAAAu);
    EXPECT_EQ(lane(0, 1), 0xBBBBu);
    EXPECT_EQ(lane(1, 1), 0u);
    EXPECT_EQ(lane(1, 2), 0xFFFFFFFFu);
    set<u32>(2, 2, 0);
    EXPECT_EQ(fault({0xC4, 0xE2, 0x71, 0x90, 0x04, 0x93}, kData), -1);
    EXPECT_EQ(lane(0, 2), 0xAAAAu);
    EXPECT_EQ(lane(0, 3), 0xBBBBu);
    EXPECT_EQ(lane(1, 3), 0u);
}

TEST_F(Memory, SixteenBitCodeRunsTheSameThunks) {
    enter_mode(isa::CodeSize::bits16);
    put<u16>(kData & 0xFFFF, 0x1234);
    cpu.state.gpr[kRbx] = kData & 0xFFFF;
    cpu.state.gpr[kRax] = 0xFFFFFFFF;
    const auto popcnt = run({0xF3, 0x0F, 0xB8, 0x07});  // popcnt ax, [bx]
    EXPECT_FALSE(popcnt.has_value());
    EXPECT_EQ(cpu.state.gpr[kRax], 0xFFFF0005u);
    run({0x66, 0x0F, 0x6E, 0xC0});  // movd xmm0, eax
    EXPECT_EQ(lane(0, 0), 0xFFFF0005u);
}

TEST_F(Memory, ExecutorStaysWithinItsArena) {
    auto small = std::move(HostExecutor::create(HostExecutor::kReserve + 16384).value());
    unsigned made = 0;
    for (unsigned modrm = 0xC0; modrm < 0x100 && !small->nearly_full(); ++modrm) {
        for (const u8 opcode : std::initializer_list<u8>{0x51, 0x54, 0x57, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F}) {
            isa::Instruction i;
            ASSERT_EQ(isa::decode(std::vector<u8>{0x0F, opcode, static_cast<u8>(modrm)}, cpu.decode_mode(), i),
                      isa::DecodeStatus::ok);
            ASSERT_NE(small->handler_for(cpu, i), nullptr);
            ++made;
        }
    }
    EXPECT_TRUE(small->nearly_full());
    EXPECT_EQ(small->thunk_count(), made);
    small->flush();
    EXPECT_FALSE(small->nearly_full());
    EXPECT_EQ(small->thunk_count(), 0u);
}

}  // namespace
}  // namespace bantam::host
