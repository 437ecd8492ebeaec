// LAR, LSL, VERR, VERW, ARPL: asking about selectors without loading them (SDM vol. 2; vol. 3, 5.10).
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"
#include "cpu/system/segmentation.h"

namespace bantam::handlers {
namespace {

void set_zero_flag(Cpu& cpu, bool value) { cpu.write_flags(value ? u32{kFlagZero} : 0, kFlagZero); }

void require_protected(Cpu& cpu) {
    if (cpu.real_or_v86()) cpu.raise(Vector::invalid_opcode);
}

bool visible(const Cpu& cpu, u16 selector, const Descriptor& d) {
    return d.is_conforming() || (d.dpl() >= cpu.state.cpl && d.dpl() >= (selector & 3u));
}

bool find_visible(Cpu& cpu, u16 selector, Descriptor& d) {
    return !null_selector(selector) && find_descriptor(cpu, selector, d) && visible(cpu, selector, d);
}

/// System descriptor types that LAR (table 3-55) and LSL (table 3-60) accept, one bit each.
bool accepted(const Cpu& cpu, const Descriptor& d, u32 legacy, u32 ia32e) {
    return d.is_code_or_data() || bit(cpu.long_mode() ? ia32e : legacy, d.type());
}

}  // namespace

void lar(Cpu& cpu, const isa::Instruction& i) {
    require_protected(cpu);
    const auto selector = static_cast<u16>(read_operand(cpu, i, i.operands[1], 2));
    Descriptor d;
    if (!find_visible(cpu, selector, d) || !accepted(cpu, d, 0x1A3E, 0x1A04)) return set_zero_flag(cpu, false);
    write_gpr(cpu, i.operands[0], (d.raw >> 32) & 0x00FFFF00);
    set_zero_flag(cpu, true);
}

void lsl(Cpu& cpu, const isa::Instruction& i) {
    require_protected(cpu);
    const auto selector = static_cast<u16>(read_operand(cpu, i, i.operands[1], 2));
    Descriptor d;
    if (!find_visible(cpu, selector, d) || !accepted(cpu, d, 0x0A0E, 0x0A04)) return set_zero_flag(cpu, false);
    write_gpr(cpu, i.operands[0], d.limit());
    set_zero_flag(cpu, true);
}

void verr(Cpu& cpu, const isa::Instruction& i) {
    require_protected(cpu);
    const auto selector = static_cast<u16>(read_operand(cpu, i, i.operands[0], 2));
    Descriptor d;
    set_zero_flag(cpu, find_visible(cpu, selector, d) && d.is_readable());
}

void verw(Cpu& cpu, const isa::Instruction& i) {
    require_protected(cpu);
    const auto selector = static_cast<u16>(read_operand(cpu, i, i.operands[0], 2));
    Descriptor d;
    set_zero_flag(cpu, find_visible(cpu, selector, d) && d.is_writable_data());
}

void arpl(Cpu& cpu, const isa::Instruction& i) {
    require_protected(cpu);
    const u64 source = read_operand(cpu, i, i.operands[1], 2);
    const u64 target = read_operand(cpu, i, i.operands[0], 2);
    const bool raise_rpl = (target & 3) < (source & 3);
    if (i.operands[0].kind == isa::OperandKind::memory) {
        // As measured on a processor: without a change nothing is written, nor checked for writing.
        if (raise_rpl)
            cpu.write<u16>(i.segment, cpu.effective_address(i), static_cast<u16>((target & ~u64{3}) | (source & 3)));
    } else if (raise_rpl) {
        write_gpr(cpu, i.operands[0], (target & ~u64{3}) | (source & 3));
    }
    set_zero_flag(cpu, raise_rpl);
}

}  // namespace bantam::handlers
