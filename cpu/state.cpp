// The field list of CpuState, for hashing, printing and saving. Derived fields are left out: Cpu::update_mode makes
// them.
#include "cpu/state.h"

namespace bantam {
namespace {

void describe_segment(Archive& archive, std::string_view name, SegmentRegister& s) {
    archive.begin_section(name);
    archive.field("selector", s.selector);
    archive.field("attributes", s.attributes);
    archive.field("limit", s.limit);
    archive.field("base", s.hidden_base);
    archive.end_section();
}

void describe_table(Archive& archive, std::string_view name, DescriptorTable& table) {
    archive.begin_section(name);
    archive.field("base", table.base);
    archive.field("limit", table.limit);
    archive.end_section();
}

}  // namespace

void CpuState::describe(Archive& archive) {
    archive.field("gpr", gpr);
    archive.field("status", status);
    archive.field("flags", flags);
    archive.field("attention", attention);
    archive.field("instructions", instructions);
    constexpr std::array<std::string_view, kSegmentCount> kNames = {"es", "cs", "ss", "ds", "fs", "gs"};
    for (unsigned i = 0; i < kSegmentCount; ++i) describe_segment(archive, kNames[i], segment[i]);
    archive.field("cpl", cpl);
    archive.field("cr0", cr0);
    archive.field("cr2", cr2);
    archive.field("cr3", cr3);
    archive.field("cr4", cr4);
    archive.field("efer", efer);
    archive.field("xcr0", xcr0);
    describe_table(archive, "gdtr", gdtr);
    describe_table(archive, "idtr", idtr);
    describe_segment(archive, "ldtr", ldtr);
    describe_segment(archive, "tr", tr);
    archive.field("dr", dr);
    archive.field("pending_debug", pending_debug);
    archive.field("pdpte", pdpte);
    archive.field("intr_pin", intr_pin);
    archive.field("nmi_latched", nmi_latched);
    archive.field("smi_latched", smi_latched);
    archive.field("init_latched", init_latched);
    archive.field("nmi_blocked", nmi_blocked);
    archive.field("in_smm", in_smm);
    archive.field("nmi_blocked_before_smm", nmi_blocked_before_smm);
    archive.field("step_armed", step_armed);
    archive.field("resume_armed", resume_armed);
    archive.field("mov_ss_shadow", mov_ss_shadow);
    archive.field("monitor_armed", monitor_armed);
    archive.field("wake_on_masked", wake_on_masked);
    archive.field("shutdown", shutdown);
    archive.field("smbase", smbase);
    archive.field("apic_base", apic_base);
    archive.field("star", star);
    archive.field("lstar", lstar);
    archive.field("cstar", cstar);
    archive.field("syscall_mask", syscall_mask);
    archive.field("kernel_gs_base", kernel_gs_base);
    archive.field("sysenter_cs", sysenter_cs);
    archive.field("sysenter_esp", sysenter_esp);
    archive.field("sysenter_eip", sysenter_eip);
    archive.field("tsc_offset", tsc_offset);
    archive.field("tsc_aux", tsc_aux);
    archive.field("pat", pat);
    archive.field("misc_enable", misc_enable);
    archive.field("mtrr_def_type", mtrr_def_type);
    archive.field("mtrr_variable", mtrr_variable);
    archive.field("mtrr_fixed", mtrr_fixed);
    archive.field("microcode_revision", microcode_revision);
    archive.field("feature_control", feature_control);
    archive.field("debug_control", debug_control);
    archive.field("spec_ctrl", spec_ctrl);
    archive.field("random_state", random_state);
    archive.field("mxcsr", mxcsr);
    archive.bytes("x87", x87.data(), x87.size());
    for (VectorRegister& v : vector) archive.bytes("vector", v.bytes.data(), v.bytes.size());
    archive.field("x87_instruction_pointer", x87_instruction_pointer);
    archive.field("x87_data_pointer", x87_data_pointer);
    archive.field("x87_last_data_pointer", x87_last_data_pointer);
    archive.field("x87_code_segment", x87_code_segment);
    archive.field("x87_data_segment", x87_data_segment);
    archive.field("x87_last_data_segment", x87_last_data_segment);
    archive.field("x87_opcode", x87_opcode);
    archive.field("x87_last_opcode", x87_last_opcode);
    archive.field("ferr", ferr);
}

}  // namespace bantam
