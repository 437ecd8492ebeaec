// LGDT, LIDT, SGDT, SIDT, LLDT, SLDT, LTR, STR with UMIP (SDM vol. 2; vol. 3, 2.4 and 3.5).
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"
#include "cpu/system/segmentation.h"

namespace bantam::handlers {
namespace {

DescriptorTable read_table(Cpu& cpu, const isa::Instruction& i) {
    require_cpl0(cpu);
    const u64 address = cpu.effective_address(i);
    DescriptorTable table;
    table.limit = cpu.read<u16>(i.segment, address);
    const u64 base_at = (address + 2) & i.address_mask();
    if (cpu.code64()) {
        table.base = cpu.read<u64>(i.segment, base_at);
        if (!cpu.canonical(table.base)) cpu.raise(Vector::general_protection, 0);
    } else {
        table.base = cpu.read<u32>(i.segment, base_at) & (i.operand_size == 2 ? 0xFFFFFFu : 0xFFFFFFFFu);
    }
    return table;
}

void require_umip(Cpu& cpu) {
    if (bit(cpu.state.cr4, 11)) require_cpl0(cpu);
}

void store_table(Cpu& cpu, const isa::Instruction& i, const DescriptorTable& table) {
    require_umip(cpu);
    const u64 address = cpu.effective_address(i);
    const u64 base_at = (address + 2) & i.address_mask();
    const unsigned base_size = cpu.code64() ? 8 : 4;
    cpu.probe_write(i.segment, base_at, base_size);
    cpu.write<u16>(i.segment, address, static_cast<u16>(table.limit));
    write_memory(cpu, i.segment, base_at, base_size, table.base);
}

void store_selector(Cpu& cpu, const isa::Instruction& i, u16 selector) {
    require_umip(cpu);
    const isa::Operand& to = i.operands[0];
    if (to.kind == isa::OperandKind::memory) {
        cpu.write<u16>(i.segment, cpu.effective_address(i), selector);
    } else {
        write_gpr(cpu, to, selector);
    }
}

void require_protected(Cpu& cpu) {
    if (cpu.real_or_v86()) cpu.raise(Vector::invalid_opcode);
    require_cpl0(cpu);
}

Descriptor fetch_system(Cpu& cpu, u16 selector) {
    if ((selector & 4u) != 0) cpu.raise(Vector::general_protection, selector_error(selector));
    Descriptor d = fetch_descriptor(cpu, selector);
    if (cpu.long_mode()) {
        fetch_upper_half(cpu, selector, d);
        if (bits(d.upper, 40, 5) != 0 || !cpu.canonical(d.base())) {
            cpu.raise(Vector::general_protection, selector_error(selector));
        }
    }
    return d;
}

}  // namespace

void lgdt(Cpu& cpu, const isa::Instruction& i) { cpu.state.gdtr = read_table(cpu, i); }
void lidt(Cpu& cpu, const isa::Instruction& i) { cpu.state.idtr = read_table(cpu, i); }
void sgdt(Cpu& cpu, const isa::Instruction& i) { store_table(cpu, i, cpu.state.gdtr); }
void sidt(Cpu& cpu, const isa::Instruction& i) { store_table(cpu, i, cpu.state.idtr); }
void sldt(Cpu& cpu, const isa::Instruction& i) { store_selector(cpu, i, cpu.state.ldtr.selector); }
void str(Cpu& cpu, const isa::Instruction& i) { store_selector(cpu, i, cpu.state.tr.selector); }

void lldt(Cpu& cpu, const isa::Instruction& i) {
    require_protected(cpu);
    const auto selector = static_cast<u16>(read_operand(cpu, i, i.operands[0], 2));
    if (null_selector(selector)) {
        cpu.state.ldtr = {.selector = selector};
        return;
    }
    const Descriptor d = fetch_system(cpu, selector);
    if (!d.is_system(kTypeLdt)) cpu.raise(Vector::general_protection, selector_error(selector));
    if (!d.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
    cpu.state.ldtr = segment_from(selector, d);
}

void ltr(Cpu& cpu, const isa::Instruction& i) {
    require_protected(cpu);
    const auto selector = static_cast<u16>(read_operand(cpu, i, i.operands[0], 2));
    if (null_selector(selector)) cpu.raise(Vector::general_protection, 0);
    Descriptor d = fetch_system(cpu, selector);
    const bool available = d.is_system(kTypeTss32) || (d.is_system(kTypeTss16) && !cpu.long_mode());
    if (!available) cpu.raise(Vector::general_protection, selector_error(selector));
    if (!d.present()) cpu.raise(Vector::segment_not_present, selector_error(selector));
    d.raw |= u64{2} << 40;  // busy
    cpu.write_system<u8>(d.address + 5, static_cast<u8>(d.raw >> 40));
    cpu.state.tr = segment_from(selector, d);
}

}  // namespace bantam::handlers
