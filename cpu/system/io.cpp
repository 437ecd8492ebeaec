// IN, OUT, INS, OUTS with IOPL and the I/O permission bit map of the TSS (SDM vol. 1, 19.5).
// A repeated INS or OUTS commits after each item and stops early when something is due; RIP then still points at it.
#include "cpu/system/debug.h"
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"

namespace bantam::handlers {
namespace {

constexpr u64 kItemsPerCall = 256;  // bounds how long one instruction holds off the deadline

void check_permission(Cpu& cpu, u16 port, unsigned size) {
    const CpuState& s = cpu.state;
    if (!cpu.protected_mode() || (!cpu.v86() && s.cpl <= cpu.iopl())) return;
    const bool has_map = s.tr.present() && (s.tr.type() & 8u) != 0 && s.tr.limit >= 103;
    if (!has_map) cpu.raise(Vector::general_protection, 0);
    const u32 offset = cpu.read_system<u16>({s.tr.base + 102}) + port / 8u;
    if (offset + 1 > s.tr.limit) cpu.raise(Vector::general_protection, 0);
    const u32 map = cpu.read_system<u16>({s.tr.base + offset});
    if (bits(map, port % 8u, size) != 0) cpu.raise(Vector::general_protection, 0);
}

u16 port_of(const Cpu& cpu, const isa::Operand& operand, const isa::Instruction& i) {
    return static_cast<u16>(operand.kind == isa::OperandKind::immediate ? i.immediate & 0xFF : cpu.state.gpr[kRdx]);
}

unsigned item_size(isa::Mnemonic m) {
    using isa::Mnemonic;
    if (m == Mnemonic::Insb || m == Mnemonic::Outsb) return 1;
    return m == Mnemonic::Insw || m == Mnemonic::Outsw ? 2 : 4;
}

/// Writes the low `address_size` bytes of a pointer or counter register.
void set_counted(u64& reg, u64 value, u64 mask) {
    reg = mask == 0xFFFF ? (reg & ~mask) | (value & mask) : value & mask;
}

void input_item(Cpu& cpu, const isa::Instruction& i, u16 port, unsigned size) {
    u64& rdi = cpu.state.gpr[kRdi];
    const u64 offset = rdi & i.address_mask();
    cpu.probe_write(kEs, offset, size);  // before the port is read: reading may have side effects
    const u32 value = cpu.environment.read_port(port, size);
    write_memory(cpu, kEs, offset, size, value);
    debug_io_access(cpu, port, size);
    const bool down = (cpu.state.flags & kFlagDirection) != 0;
    set_counted(rdi, down ? offset - size : offset + size, i.address_mask());
}

void output_item(Cpu& cpu, const isa::Instruction& i, u16 port, unsigned size) {
    u64& rsi = cpu.state.gpr[kRsi];
    const u64 offset = rsi & i.address_mask();
    const auto value = static_cast<u32>(read_memory(cpu, i.segment, offset, size));
    cpu.environment.write_port(port, size, value);
    debug_io_access(cpu, port, size);
    const bool down = (cpu.state.flags & kFlagDirection) != 0;
    set_counted(rsi, down ? offset - size : offset + size, i.address_mask());
}

void string_io(Cpu& cpu, const isa::Instruction& i, void (*item)(Cpu&, const isa::Instruction&, u16, unsigned)) {
    CpuState& s = cpu.state;
    const auto port = static_cast<u16>(s.gpr[kRdx]);
    const unsigned size = item_size(i.mnemonic);
    check_permission(cpu, port, size);  // even when there is nothing to repeat
    if (i.repeat == isa::RepeatPrefix::none) {
        item(cpu, i, port, size);
        return;
    }
    for (u64 turn = debug_turn(cpu, kItemsPerCall); turn != 0; --turn) {
        const u64 left = s.gpr[kRcx] & i.address_mask();
        if (left == 0) return;
        item(cpu, i, port, size);
        set_counted(s.gpr[kRcx], left - 1, i.address_mask());
        if (left == 1) return;
        if (s.attention != 0 || cpu.retired() >= s.deadline) break;  // time may pass by I/O cycles
        if (turn > 1) debug_between_elements(cpu, turn - 1);
    }
    s.rip() = s.instruction_rip;
    s.resume_armed = false;  // RF holds until the last element
    cpu.break_block();
}

}  // namespace

void in(Cpu& cpu, const isa::Instruction& i) {
    const isa::Operand& to = i.operands[0];
    const u16 port = port_of(cpu, i.operands[1], i);
    check_permission(cpu, port, to.size);
    const u32 value = cpu.environment.read_port(port, to.size);
    debug_io_access(cpu, port, to.size);
    write_gpr(cpu, to, value);
}

void out(Cpu& cpu, const isa::Instruction& i) {
    const isa::Operand& from = i.operands[1];
    const u16 port = port_of(cpu, i.operands[0], i);
    check_permission(cpu, port, from.size);
    cpu.environment.write_port(port, from.size, static_cast<u32>(read_gpr(cpu, from)));
    debug_io_access(cpu, port, from.size);
}

void ins(Cpu& cpu, const isa::Instruction& i) { string_io(cpu, i, input_item); }
void outs(Cpu& cpu, const isa::Instruction& i) { string_io(cpu, i, output_item); }

}  // namespace bantam::handlers
