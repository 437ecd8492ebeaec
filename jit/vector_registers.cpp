// See vector_registers.h. Registers whose upper halves are all zero are loaded by 128-bit moves: the host then knows
// that they are, and the guest's legacy SSE instructions pay no merge with them (Intel optimization reference
// manual, 15.3).
#include "jit/vector_registers.h"

#include "jit/assembly.h"

namespace bantam::jit {
namespace {

constexpr std::size_t kRegisters = std::tuple_size_v<decltype(CpuState::vector)>;

bool host_has_avx() { return __builtin_cpu_supports("avx") != 0; }

x86::Mem low_half(const VectorRegister& reg) { return low_operand(reinterpret_cast<u64>(&reg), 16); }
x86::Mem high_half(const VectorRegister& reg) { return low_operand(reinterpret_cast<u64>(&reg) + 16, 16); }
x86::Mem whole(const VectorRegister& reg) { return low_operand(reinterpret_cast<u64>(&reg), 32); }

/// RCX becomes 0 when all upper halves are.
void or_upper_halves(x86::Assembler& a, const CpuState& state) {
    a.vmovdqu(x86::xmm0, high_half(state.vector[0]));
    for (std::size_t k = 1; k < kRegisters; ++k) a.vpor(x86::xmm0, x86::xmm0, high_half(state.vector[k]));
    a.vpunpckhqdq(x86::xmm1, x86::xmm0, x86::xmm0);
    a.vpor(x86::xmm0, x86::xmm0, x86::xmm1);
    a.vmovq(x86::rcx, x86::xmm0);
}

/// JRCXZ beyond its reach of 127 bytes.
void jump_if_rcx_zero(x86::Assembler& a, const asmjit::Label& target) {
    const asmjit::Label zero = a.newLabel();
    const asmjit::Label not_zero = a.newLabel();
    a.jecxz(x86::rcx, zero);
    a.short_().jmp(not_zero);
    a.bind(zero);
    a.jmp(target);
    a.bind(not_zero);
}

void load_registers(x86::Assembler& a, const CpuState& state) {
    if (!host_has_avx()) {
        for (u32 k = 0; k < kRegisters; ++k) a.movups(x86::xmm(k), low_half(state.vector[k]));
        return;
    }
    const asmjit::Label upper_zero = a.newLabel();
    const asmjit::Label loaded = a.newLabel();
    or_upper_halves(a, state);
    jump_if_rcx_zero(a, upper_zero);
    for (u32 k = 0; k < kRegisters; ++k) a.vmovups(x86::ymm(k), whole(state.vector[k]));
    a.jmp(loaded);
    a.bind(upper_zero);
    for (u32 k = 0; k < kRegisters; ++k) a.vmovups(x86::xmm(k), low_half(state.vector[k]));
    a.bind(loaded);
}

}  // namespace

void write_vector_load(x86::Assembler& a, const CpuState& state, const Context& context) {
    const asmjit::Label done = a.newLabel();
    a.mov(kAddend, x86::rcx);
    a.mov(x86::rcx, low_operand(&context.vectors_away));
    jump_if_rcx_zero(a, done);
    load_registers(a, state);
    a.ldmxcsr(low_operand(&state.mxcsr));
    a.mov(low_operand(&context.vectors_away), 0);
    a.bind(done);
    a.mov(x86::rcx, kAddend);
}

void write_vector_store(x86::Assembler& a, const CpuState& state, const Context& context) {
    const asmjit::Label done = a.newLabel();
    a.cmp(low_operand(&context.vectors_away), 0);
    a.jne(done);
    for (u32 k = 0; k < kRegisters; ++k) {
        if (host_has_avx()) {
            a.vmovups(whole(state.vector[k]), x86::ymm(k));
        } else {
            a.movups(low_half(state.vector[k]), x86::xmm(k));
        }
    }
    if (host_has_avx()) a.vzeroupper();
    a.stmxcsr(low_operand(&state.mxcsr));
    a.ldmxcsr(low_operand(reinterpret_cast<u64>(&context.host_mxcsr), 4));
    a.mov(low_operand(&context.vectors_away), 1);
    a.bind(done);
}

}  // namespace bantam::jit
