// RDTSC, RDTSCP, RDPID, RDPMC, RDRAND, RDSEED (SDM vol. 2). The TSC counts virtual time at the model's frequency.
// RDRAND and RDSEED draw from a generator in CpuState, so that two runs of one machine are identical.
#include "cpu/system/handlers.h"
#include "cpu/system/msr.h"
#include "cpu/system/operands.h"

namespace bantam::handlers {
namespace {

void check_tsc_disable(Cpu& cpu) {
    if (bit(cpu.state.cr4, 2)) require_cpl0(cpu);
}

/// SplitMix64 (Steele, Lea, Flood 2014): one step of a Weyl sequence, mixed.
u64 next_random(CpuState& s) {
    s.random_state += 0x9E3779B97F4A7C15;
    u64 z = s.random_state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

}  // namespace

void rdtsc(Cpu& cpu, const isa::Instruction&) {
    check_tsc_disable(cpu);
    const u64 tsc = time_stamp_counter(cpu);
    cpu.state.gpr[kRax] = tsc & 0xFFFFFFFF;
    cpu.state.gpr[kRdx] = tsc >> 32;
    cpu.environment.time_stamp_read();
}

void rdtscp(Cpu& cpu, const isa::Instruction& i) {
    rdtsc(cpu, i);
    cpu.state.gpr[kRcx] = cpu.state.tsc_aux & 0xFFFFFFFF;
}

void rdpid(Cpu& cpu, const isa::Instruction& i) { write_gpr(cpu, i.operands[0], cpu.state.tsc_aux); }

void rdpmc(Cpu& cpu, const isa::Instruction&) {
    cpu.raise(Vector::general_protection, 0);  // no counter exists, whatever ECX and CR4.PCE say
}

void rdrand(Cpu& cpu, const isa::Instruction& i) {
    write_gpr(cpu, i.operands[0], next_random(cpu.state));
    cpu.write_flags(kFlagCarry, kStatusFlags);
}

}  // namespace bantam::handlers
