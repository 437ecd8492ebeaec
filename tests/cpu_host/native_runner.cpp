// See native_runner.h. The generated function keeps callee-saved registers on the stack and addresses the state by RAX.
#include "tests/cpu_host/native_runner.h"

#include <sys/mman.h>

#include <cstddef>
#include <cstring>

#include "base/check.h"

namespace bantam::host {
namespace {

constexpr std::size_t kCodeSize = 4096;
constexpr u8 kCalleeSaved[] = {3, 5, 12, 13, 14, 15};

struct Code {
    u8* at;
    void bytes(std::initializer_list<unsigned> values) {
        for (const unsigned value : values) *at++ = static_cast<u8>(value);
    }
    void value32(u32 value) { std::memcpy(at, &value, 4), at += 4; }
    void value64(u64 value) { std::memcpy(at, &value, 8), at += 8; }
    void push(unsigned reg) { reg >= 8 ? bytes({0x41, 0x50 | (reg & 7)}) : bytes({0x50 | reg}); }
    void pop(unsigned reg) { reg >= 8 ? bytes({0x41, 0x58 | (reg & 7)}) : bytes({0x58 | reg}); }
    void state_in_rax(const NativeState& state) {
        bytes({0x48, 0xB8});
        value64(reinterpret_cast<u64>(&state));
    }
    void move(unsigned opcode, unsigned reg, std::size_t offset) {  // opcode r64, [rax + offset]
        bytes({0x48 | (reg >> 3) << 2, opcode, 0x80 | (reg & 7) << 3});
        value32(static_cast<u32>(offset));
    }
    void move_ymm(unsigned opcode, unsigned reg, std::size_t offset) {
        bytes({0xC5, reg >= 8 ? 0x7Cu : 0xFCu, opcode, 0x80 | (reg & 7) << 3});
        value32(static_cast<u32>(offset));
    }
};

std::size_t gpr_at(unsigned reg) { return offsetof(NativeState, gpr) + 8 * reg; }
std::size_t vector_at(unsigned reg) { return offsetof(NativeState, vector) + 32 * reg; }

}  // namespace

NativeRunner::NativeRunner() {
    void* memory = mmap(nullptr, kCodeSize, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    code_ = static_cast<u8*>(memory);
}

NativeRunner::~NativeRunner() { munmap(code_, kCodeSize); }

void NativeRunner::run(std::span<const u8> instruction, NativeState& state) {
    static const u32 kDefaultMxcsr = 0x1F80;
    Code code{code_};
    for (const u8 reg : kCalleeSaved) code.push(reg);
    code.state_in_rax(state);
    code.bytes({0x48, 0x0F, 0xAE, 0x08});  // fxrstor64 [rax]
    for (unsigned v = 0; v < 16; ++v) code.move_ymm(0x10, v, vector_at(v));
    code.bytes({0xFF, 0xB0});  // push [rax + flags]
    code.value32(offsetof(NativeState, flags));
    code.bytes({0x9D});  // popfq
    for (unsigned reg = 1; reg < 16; ++reg) {
        if (reg != 4) code.move(0x8B, reg, gpr_at(reg));
    }
    code.move(0x8B, 0, gpr_at(0));
    std::memcpy(code.at, instruction.data(), instruction.size());
    code.at += instruction.size();
    code.bytes({0x9C, 0x50});  // pushfq; push rax
    code.state_in_rax(state);
    code.bytes({0x8F, 0x80});  // pop [rax + rax slot]
    code.value32(static_cast<u32>(gpr_at(0)));
    code.bytes({0x8F, 0x80});
    code.value32(offsetof(NativeState, flags));
    for (unsigned reg = 1; reg < 16; ++reg) {
        if (reg != 4) code.move(0x89, reg, gpr_at(reg));
    }
    for (unsigned v = 0; v < 16; ++v) code.move_ymm(0x11, v, vector_at(v));
    code.bytes({0x48, 0x0F, 0xAE, 0x00, 0xDB, 0xE3, 0xC5, 0xF8, 0x77, 0xFC});  // fxsave64; fninit; vzeroupper; cld
    code.bytes({0x48, 0xB8});
    code.value64(reinterpret_cast<u64>(&kDefaultMxcsr));
    code.bytes({0x0F, 0xAE, 0x10});  // ldmxcsr [rax]
    for (unsigned i = 6; i-- > 0;) code.pop(kCalleeSaved[i]);
    code.bytes({0xC3});
    asm volatile("call *%0"
                 :
                 : "r"(code_)
                 : "memory", "cc", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2",
                   "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                   "xmm15");
}

}  // namespace bantam::host
