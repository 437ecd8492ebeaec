// System management mode: SMI entry and RSM (SDM vol. 3, chapter 31).
#pragma once

#include "cpu/cpu.h"

namespace bantam {

/// Takes the latched SMI: saves the state at SMBASE + FE00h.. and starts at SMBASE + 8000h.
void enter_smm(Cpu& cpu);

}  // namespace bantam
