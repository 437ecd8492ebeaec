// Unmasked SIMD and x87 exceptions, #NM and #UD by control registers, MS-DOS compatible error reporting: vector, what
// is left unchanged, and which flags and pointers are set. SDM vol. 1, 8.7 and 11.5; vol. 3, 2.5.
#include <csignal>

#include "tests/cpu_host/host_fixture.h"

namespace bantam::host {
namespace {

class Exceptions : public HostFixture {
protected:
    static int vector_of(const std::optional<Exception>& e) { return e ? static_cast<int>(e->vector) : -1; }
    int vector_of_run(std::initializer_list<u8> bytes) { return vector_of(run(bytes)); }
    void set_control_word(u16 value) { std::memcpy(cpu.state.x87.data(), &value, 2); }
    u16 status_word() const {
        u16 value;
        std::memcpy(&value, cpu.state.x87.data() + 2, 2);
        return value;
    }
    /// 1 / 0 with the zero-divide exception unmasked.
    void divide_by_zero() {
        set_control_word(0x37B);
        run({0xD9, 0xE8});
        run({0xD9, 0xEE});
        EXPECT_EQ(vector_of_run({0xDE, 0xF9}), -1);
        EXPECT_EQ(status_word() & 0x84, 0x84);
    }
};

TEST_F(Exceptions, UnmaskedSimdExceptionCommitsNothingButItsFlag) {
    CpuState& s = cpu.state;
    s.vector[0].bytes.fill(0x3F);
    s.mxcsr = 0x1D80;  // ZM clear
    const VectorRegister old = s.vector[0];
    EXPECT_EQ(vector_of_run({0x0F, 0x5E, 0xC1}), 19);        // divps xmm0, xmm1
    EXPECT_EQ(vector_of_run({0xC5, 0xFC, 0x5E, 0xC1}), 19);  // vdivps ymm0, ymm0, ymm1
    cpu.state.gpr[kRbx] = kData;
    EXPECT_EQ(vector_of_run({0x0F, 0x5E, 0x03}), 19);  // divps xmm0, [rbx]
    EXPECT_EQ(s.vector[0].bytes, old.bytes);
    EXPECT_EQ(s.mxcsr, 0x1D84u);
    u32 host_mxcsr;
    asm volatile("stmxcsr %0" : "=m"(host_mxcsr));
    EXPECT_EQ(host_mxcsr & 0xFFC0u, 0x1F80u);
    s.cr4 &= ~u64{0x400};
    cpu.update_mode();
    EXPECT_EQ(vector_of_run({0x0F, 0x5E, 0xC1}), 6);
}

TEST_F(Exceptions, HostDivideErrorBecomesTheGuests) {
    cpu.state.gpr[kRax] = 7;
    EXPECT_EQ(vector_of_run({0xF7, 0xF1}), 0);  // div ecx
    EXPECT_EQ(cpu.state.gpr[kRax], 7u);
}

TEST_F(Exceptions, SignalsFromElsewhereKeepTheirMeaning) {
    EXPECT_EXIT(std::raise(SIGFPE), ::testing::KilledBySignal(SIGFPE), "");
    EXPECT_EXIT(asm volatile("ud2"), ::testing::KilledBySignal(SIGILL), "");
}

TEST_F(Exceptions, PendingX87ExceptionReportedByTheNextWaitingInstruction) {
    divide_by_zero();
    EXPECT_EQ(vector_of_run({0xDF, 0xE0}), -1);  // fnstsw ax does not wait
    EXPECT_EQ(cpu.state.gpr[kRax] & 0x84, 0x84u);
    EXPECT_EQ(vector_of_run({0xD9, 0xE8}), 16);        // fld1
    EXPECT_EQ(vector_of_run({0x9B}), 16);              // fwait
    EXPECT_EQ(vector_of_run({0x0F, 0xEF, 0xC0}), 16);  // pxor mm0, mm0
    cpu.state.gpr[kRbx] = u64{1} << 62;                // before the memory fault
    EXPECT_EQ(vector_of_run({0xD9, 0x03}), 16);
    EXPECT_EQ(vector_of_run({0xDB, 0xE2}), -1);  // fnclex
    EXPECT_EQ(vector_of_run({0xD9, 0xE8}), -1);
}

TEST_F(Exceptions, OpcodeAndDataPointerFollowUnmaskedExceptions) {
    set_control_word(0x37B);
    cpu.state.gpr[kRbx] = kData;
    run({0xD9, 0xE8});
    EXPECT_EQ(vector_of_run({0xD8, 0x33}), -1);        // fdiv dword [rbx] = 0
    EXPECT_EQ(vector_of_run({0xD9, 0x73, 0x40}), -1);  // fnstenv [rbx+40h]
    EXPECT_EQ(get<u32>(kData + 0x4C), kCode);
    EXPECT_EQ(get<u32>(kData + 0x50), 0x00330000u);
    EXPECT_EQ(get<u32>(kData + 0x54), kData);
    EXPECT_EQ(get<u32>(kData + 0x58), 0xFFFF0000u);
    EXPECT_EQ(get<u16>(kData + 0x44) & 0x84, 0x84);
}

TEST_F(Exceptions, MsDosCompatibleReporting) {
    cpu.state.cr0 &= ~u64{0x20};  // NE
    cpu.update_mode();
    divide_by_zero();
    EXPECT_EQ(vector_of_run({0xD9, 0xE8}), -1);
    EXPECT_TRUE(environment.ferr);
    EXPECT_EQ(cpu.state.rip(), kCode);
    EXPECT_NE(cpu.state.attention & kAttentionFerr, 0u);
    const u16 before = status_word();

    cpu.set_ignne(true);
    EXPECT_EQ(vector_of_run({0xD9, 0xE8}), -1);  // executes
    EXPECT_EQ(cpu.state.rip(), kCode + 2);
    EXPECT_EQ(((status_word() >> 11) - (before >> 11)) & 7, 7);
    EXPECT_EQ(status_word() & 0x84, 0x84);
    cpu.set_ignne(false);

    EXPECT_EQ(vector_of_run({0xDB, 0xE2}), -1);
    EXPECT_FALSE(environment.ferr);
}

TEST_F(Exceptions, UnmaskedInvalidOperationDoesNotStoreButInexactDoes) {
    cpu.state.gpr[kRbx] = kData;
    put<u32>(kData, 0x12345678);
    set_control_word(0x37E);                     // IM clear, empty stack
    EXPECT_EQ(vector_of_run({0xDB, 0x1B}), -1);  // fistp dword [rbx]
    EXPECT_EQ(get<u32>(kData), 0x12345678u);
    EXPECT_EQ(vector_of_run({0xD9, 0xE8}), 16);
    run({0xDB, 0xE3});
    set_control_word(0x35F);  // PM clear
    run({0xD9, 0xEB});
    EXPECT_EQ(vector_of_run({0xDB, 0x1B}), -1);
    EXPECT_EQ(get<u32>(kData), 3u);
    EXPECT_EQ(vector_of_run({0xD9, 0xE8}), 16);
}

TEST_F(Exceptions, ControlRegistersGateEachUnit) {
    struct Case {
        std::initializer_list<u8> bytes;
        int emulation, switched, no_fxsr, no_xsave;
    };
    const Case cases[] = {
        {{0xD9, 0xE8}, 7, 7, -1, -1},                // fld1
        {{0xDB, 0xE3}, 7, 7, -1, -1},                // fninit
        {{0x0F, 0xEF, 0xC0}, 6, 7, -1, -1},          // pxor mm0, mm0
        {{0x0F, 0x77}, 6, 7, -1, -1},                // emms
        {{0x0F, 0x58, 0xC1}, 6, 7, 6, -1},           // addps
        {{0x66, 0x0F, 0x2A, 0xC0}, 6, 7, 6, -1},     // cvtpi2pd xmm0, mm0
        {{0xC5, 0xF8, 0x58, 0xC1}, -1, 7, -1, 6},    // vaddps
        {{0xC5, 0xF8, 0x77}, -1, 7, -1, 6},          // vzeroupper
        {{0x0F, 0x01, 0xF9}, 0, 0, 0, 0},            // rdtscp: not ours
        {{0x0F, 0x38, 0xF0, 0x03}, -1, -1, -1, -1},  // movbe eax, [rbx]
    };
    cpu.state.gpr[kRbx] = kData;
    const auto with = [&](u64 set0, u64 clear4, const Case& c) {
        enter_mode(isa::CodeSize::bits64);
        cpu.state.cr0 |= set0;
        cpu.state.cr4 &= ~clear4;
        cpu.update_mode();
        return vector_of_run(c.bytes);
    };
    for (const Case& c : cases) {
        if (c.emulation == 0) {
            EXPECT_EQ(decode(c.bytes).handler, nullptr);
            continue;
        }
        SCOPED_TRACE(static_cast<int>(*c.bytes.begin()));
        EXPECT_EQ(with(0x4, 0, c), c.emulation);
        EXPECT_EQ(with(0x8, 0, c), c.switched);
        EXPECT_EQ(with(0, 0x200, c), c.no_fxsr);
        EXPECT_EQ(with(0, 0x40000, c), c.no_xsave);
    }
    const Case wait{{0x9B}, -1, -1, -1, -1};
    EXPECT_EQ(with(0x8, 0, wait), -1);
    EXPECT_EQ(with(0xA, 0, wait), 7);
}

TEST_F(Exceptions, PendingExceptionsSurviveLeavingAndEntering) {
    divide_by_zero();
    for (int i = 0; i < 3; ++i) {
        enter_fpu(cpu.state);
        leave_fpu(cpu.state);
    }
    EXPECT_EQ(vector_of_run({0xD9, 0xE8}), 16);
}

}  // namespace
}  // namespace bantam::host
