// FXSAVE, FXRSTOR, XSAVE, XSAVEOPT, XSAVEC, XRSTOR, LDMXCSR, STMXCSR, VZEROALL, VZEROUPPER: called instructions over
// the live x87 unit and CpuState's vector registers. SDM vol. 1, 10.5 and chapter 13.
#pragma once

#include "cpu/cpu.h"

namespace bantam::host {

void fxsave(Cpu& cpu, const isa::Instruction& instruction);
void fxrstor(Cpu& cpu, const isa::Instruction& instruction);
void xsave(Cpu& cpu, const isa::Instruction& instruction);
void xsaveopt(Cpu& cpu, const isa::Instruction& instruction);
void xsavec(Cpu& cpu, const isa::Instruction& instruction);
void xrstor(Cpu& cpu, const isa::Instruction& instruction);
void ldmxcsr(Cpu& cpu, const isa::Instruction& instruction);
void stmxcsr(Cpu& cpu, const isa::Instruction& instruction);
void vzeroall(Cpu& cpu, const isa::Instruction& instruction);
void vzeroupper(Cpu& cpu, const isa::Instruction& instruction);

/// Writable MXCSR bits of the model; the others raise #GP(0).
[[nodiscard]] u32 mxcsr_mask(const Model& model);

}  // namespace bantam::host
