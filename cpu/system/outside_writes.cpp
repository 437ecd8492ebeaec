#include "cpu/system/outside_writes.h"

#include "cpu/system/control.h"
#include "cpu/system/segmentation.h"

namespace bantam {
namespace {

/// Has what `act` raises arrive here rather than at an engine. It must hold nothing that has to be released.
template <class Act>
[[gnu::noinline]] std::optional<Exception> raised_by(Cpu& cpu, const Act& act) {
    std::jmp_buf* const outer = cpu.recovery;
    std::jmp_buf here;
    cpu.recovery = &here;
    if (setjmp(here) != 0) {
        cpu.recovery = outer;
        return cpu.pending_exception;
    }
    act();
    cpu.recovery = outer;
    return std::nullopt;
}

void write_control(Cpu& cpu, ControlRegister control, u64 value) {
    // Outside IA-32e mode MOV has 32 bits to write.
    const bool too_wide = !cpu.long_mode() && value > 0xFFFFFFFF && control != ControlRegister::efer;
    if (too_wide) cpu.raise(Vector::general_protection, 0);
    switch (control) {
        case ControlRegister::cr0:
            return control_write_cr0(cpu, value);
        case ControlRegister::cr2:
            cpu.state.cr2 = value;
            return;
        case ControlRegister::cr3:
            return control_write_cr3(cpu, value);
        case ControlRegister::cr4:
            return control_write_cr4(cpu, value);
        case ControlRegister::efer:
            return control_write_efer(cpu, value);
    }
}

}  // namespace

std::optional<Exception> write_segment_from_outside(Cpu& cpu, unsigned segment, u16 selector) {
    return raised_by(cpu, [&cpu, segment, selector] {
        if (segment == kCs) return jump_to_segment(cpu, selector, cpu.state.rip());
        load_segment(cpu, segment, selector);
    });
}

std::optional<Exception> write_control_from_outside(Cpu& cpu, ControlRegister control, u64 value) {
    return raised_by(cpu, [&cpu, control, value] { write_control(cpu, control, value); });
}

}  // namespace bantam
