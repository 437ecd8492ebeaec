// Figures, not a test (run with --gtest_also_run_disabled_tests): host nanoseconds per instruction through a handler.
#include <fmt/format.h>

#include <chrono>

#include "tests/cpu_host/host_fixture.h"

namespace bantam::host {
namespace {

class Speed : public HostFixture {
protected:
    void measure(const char* name, std::initializer_list<u8> bytes) {
        const isa::Instruction i = decode(bytes);
        ASSERT_NE(i.handler, nullptr);
        cpu.state.gpr[kRbx] = kData;
        put<double>(kData, 1.0);
        constexpr unsigned kCount = 2'000'000;
        enter_fpu(cpu.state);
        const auto start = std::chrono::steady_clock::now();
        for (unsigned n = 0; n < kCount; ++n) i.handler(cpu, i);
        const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
        leave_fpu(cpu.state);
        fmt::print("{:28} {:5.1f} ns\n", name, time.count() / kCount);
    }
};

TEST_F(Speed, DISABLED_HandlersPerInstruction) {
    measure("pxor xmm0, xmm1", {0x66, 0x0F, 0xEF, 0xC1});
    measure("movdqa xmm0, [rbx]", {0x66, 0x0F, 0x6F, 0x03});
    measure("movdqu [rbx], xmm0", {0xF3, 0x0F, 0x7F, 0x03});
    measure("addps xmm0, xmm1 (MXCSR)", {0x0F, 0x58, 0xC1});
    measure("mulsd xmm0, [rbx] (MXCSR)", {0xF2, 0x0F, 0x59, 0x03});
    measure("vpaddd ymm0, ymm1, ymm2", {0xC5, 0xF5, 0xFE, 0xC2});
    run({0xD9, 0xE8});
    run({0xD9, 0xE8});
    measure("fmul st, st(1)", {0xD8, 0xC9});
    measure("fchs", {0xD9, 0xE0});
    measure("fmul qword [rbx]", {0xDC, 0x0B});
    measure("fst qword [rbx]", {0xDD, 0x13});
    measure("popcnt eax, ecx", {0xF3, 0x0F, 0xB8, 0xC1});
}

}  // namespace
}  // namespace bantam::host
