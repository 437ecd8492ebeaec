// Control registers: the validity rules and side effects of writing CR0, CR3, CR4, EFER and XCR0 (SDM vol. 3, 2.5
// and 4.1).
#pragma once

#include <array>

#include "cpu/cpu.h"

namespace bantam {

/// MOV to CR0 / CR4, WRMSR of EFER, XSETBV with all checks: raise #GP(0), or take effect.
void control_write_cr0(Cpu& cpu, u64 value);
void control_write_cr3(Cpu& cpu, u64 value);
void control_write_cr4(Cpu& cpu, u64 value);
void control_write_efer(Cpu& cpu, u64 value);

/// Loads the PDPTEs that CR3 = `value` leads to when PAE paging is in use; false: reserved bits are set.
[[nodiscard]] bool control_prepare_cr3(Cpu& cpu, u64 value, std::array<u64, 4>& pdptes);
/// Sets CR3 and flushes non-global translations, as task switches and MOV CR3 do; no checks.
void control_commit_cr3(Cpu& cpu, u64 value, const std::array<u64, 4>& pdptes);

/// The CR4 bits that the model lets a guest set.
[[nodiscard]] u64 control_allowed_cr4(const Model& model);
/// The XCR0 bits (and XSAVE components) that the model has.
[[nodiscard]] u64 control_allowed_xcr0(const Model& model);

}  // namespace bantam
