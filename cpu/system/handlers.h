// The handlers of the instructions that cpu/system implements, by mnemonic. Each gets instruction_rip = its address and
// rip = the next instruction, and commits last: a raise() leaves the state as it was.
#pragma once

#include "cpu/cpu.h"

namespace bantam {

/// Handler for `instruction`, or null when its mnemonic is not implemented in cpu/system.
isa::Handler system_handler(const isa::Instruction& instruction);

namespace handlers {

// far_transfer.cpp
void call_far(Cpu& cpu, const isa::Instruction& i);
void jmp_far(Cpu& cpu, const isa::Instruction& i);
void ret_far(Cpu& cpu, const isa::Instruction& i);
// iret.cpp
void iret(Cpu& cpu, const isa::Instruction& i);
// software_interrupts.cpp
void int_n(Cpu& cpu, const isa::Instruction& i);
void int3(Cpu& cpu, const isa::Instruction& i);
void int1(Cpu& cpu, const isa::Instruction& i);
void into(Cpu& cpu, const isa::Instruction& i);
void bound(Cpu& cpu, const isa::Instruction& i);
void undefined(Cpu& cpu, const isa::Instruction& i);
void hlt(Cpu& cpu, const isa::Instruction& i);
void pause(Cpu& cpu, const isa::Instruction& i);
void monitor(Cpu& cpu, const isa::Instruction& i);
void mwait(Cpu& cpu, const isa::Instruction& i);
// flags.cpp
void pushf(Cpu& cpu, const isa::Instruction& i);
void popf(Cpu& cpu, const isa::Instruction& i);
void cli(Cpu& cpu, const isa::Instruction& i);
void sti(Cpu& cpu, const isa::Instruction& i);
void clac(Cpu& cpu, const isa::Instruction& i);
void stac(Cpu& cpu, const isa::Instruction& i);
// control_registers.cpp
void mov_cr(Cpu& cpu, const isa::Instruction& i);
void mov_dr(Cpu& cpu, const isa::Instruction& i);
void lmsw(Cpu& cpu, const isa::Instruction& i);
void smsw(Cpu& cpu, const isa::Instruction& i);
void clts(Cpu& cpu, const isa::Instruction& i);
void xgetbv(Cpu& cpu, const isa::Instruction& i);
void xsetbv(Cpu& cpu, const isa::Instruction& i);
// msr.cpp
void rdmsr(Cpu& cpu, const isa::Instruction& i);
void wrmsr(Cpu& cpu, const isa::Instruction& i);
// identification.cpp
void cpuid(Cpu& cpu, const isa::Instruction& i);
void rdtsc(Cpu& cpu, const isa::Instruction& i);
void rdtscp(Cpu& cpu, const isa::Instruction& i);
void rdpid(Cpu& cpu, const isa::Instruction& i);
void rdpmc(Cpu& cpu, const isa::Instruction& i);
void rdrand(Cpu& cpu, const isa::Instruction& i);
// syscall.cpp
void syscall(Cpu& cpu, const isa::Instruction& i);
void sysret(Cpu& cpu, const isa::Instruction& i);
void sysenter(Cpu& cpu, const isa::Instruction& i);
void sysexit(Cpu& cpu, const isa::Instruction& i);
void swapgs(Cpu& cpu, const isa::Instruction& i);
void rdfsgsbase(Cpu& cpu, const isa::Instruction& i);
void wrfsgsbase(Cpu& cpu, const isa::Instruction& i);
// descriptor_tables.cpp
void lgdt(Cpu& cpu, const isa::Instruction& i);
void lidt(Cpu& cpu, const isa::Instruction& i);
void sgdt(Cpu& cpu, const isa::Instruction& i);
void sidt(Cpu& cpu, const isa::Instruction& i);
void lldt(Cpu& cpu, const isa::Instruction& i);
void sldt(Cpu& cpu, const isa::Instruction& i);
void ltr(Cpu& cpu, const isa::Instruction& i);
void str(Cpu& cpu, const isa::Instruction& i);
// selector_checks.cpp
void lar(Cpu& cpu, const isa::Instruction& i);
void lsl(Cpu& cpu, const isa::Instruction& i);
void verr(Cpu& cpu, const isa::Instruction& i);
void verw(Cpu& cpu, const isa::Instruction& i);
void arpl(Cpu& cpu, const isa::Instruction& i);
// segment_registers.cpp
void mov_segment(Cpu& cpu, const isa::Instruction& i);
void push_segment(Cpu& cpu, const isa::Instruction& i);
void pop_segment(Cpu& cpu, const isa::Instruction& i);
void load_far_pointer(Cpu& cpu, const isa::Instruction& i);
// io.cpp
void in(Cpu& cpu, const isa::Instruction& i);
void out(Cpu& cpu, const isa::Instruction& i);
void ins(Cpu& cpu, const isa::Instruction& i);
void outs(Cpu& cpu, const isa::Instruction& i);
// caches.cpp
void invlpg(Cpu& cpu, const isa::Instruction& i);
void invpcid(Cpu& cpu, const isa::Instruction& i);
void invalidate_caches(Cpu& cpu, const isa::Instruction& i);
void clflush(Cpu& cpu, const isa::Instruction& i);
// smm.cpp
void rsm(Cpu& cpu, const isa::Instruction& i);

}  // namespace handlers
}  // namespace bantam
