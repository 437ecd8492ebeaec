// Operand access for the handlers of cpu/system: see operands.h.
#include "cpu/system/operands.h"

namespace bantam {

using isa::OperandKind;

u64 read_gpr(const Cpu& cpu, const isa::Operand& operand) {
    const auto* bytes = reinterpret_cast<const u8*>(cpu.state.gpr.data()) + operand.gpr_offset;
    u64 value = 0;
    std::memcpy(&value, bytes, operand.size <= 8 ? operand.size : 8);
    return value;
}

void write_gpr(Cpu& cpu, const isa::Operand& operand, u64 value) {
    auto* bytes = reinterpret_cast<u8*>(cpu.state.gpr.data()) + operand.gpr_offset;
    if (operand.size >= 4) {
        value &= mask_for(operand.size >= 8 ? 8 : 4);
        std::memcpy(bytes, &value, 8);
    } else {
        std::memcpy(bytes, &value, operand.size);
    }
}

u64 read_memory(Cpu& cpu, unsigned segment, u64 offset, unsigned size) {
    switch (size) {
        case 1:
            return cpu.read<u8>(segment, offset);
        case 2:
            return cpu.read<u16>(segment, offset);
        case 4:
            return cpu.read<u32>(segment, offset);
        default:
            return cpu.read<u64>(segment, offset);
    }
}

void write_memory(Cpu& cpu, unsigned segment, u64 offset, unsigned size, u64 value) {
    switch (size) {
        case 1:
            cpu.write<u8>(segment, offset, static_cast<u8>(value));
            break;
        case 2:
            cpu.write<u16>(segment, offset, static_cast<u16>(value));
            break;
        case 4:
            cpu.write<u32>(segment, offset, static_cast<u32>(value));
            break;
        default:
            cpu.write<u64>(segment, offset, value);
            break;
    }
}

u64 read_operand(Cpu& cpu, const isa::Instruction& i, const isa::Operand& operand, unsigned size) {
    switch (operand.kind) {
        case OperandKind::gpr:
            return read_gpr(cpu, operand) & mask_for(size);
        case OperandKind::memory:
            return read_memory(cpu, i.segment, cpu.effective_address(i), size);
        case OperandKind::immediate2:
            return i.immediate2;
        case OperandKind::constant:
            return operand.reg;
        default:
            return i.immediate;
    }
}

u64 read_operand(Cpu& cpu, const isa::Instruction& i, const isa::Operand& operand) {
    return read_operand(cpu, i, operand, operand.size);
}

void write_operand(Cpu& cpu, const isa::Instruction& i, const isa::Operand& operand, u64 value) {
    if (operand.kind == OperandKind::gpr) {
        write_gpr(cpu, operand, value);
    } else {
        write_memory(cpu, i.segment, cpu.effective_address(i), operand.size, value);
    }
}

}  // namespace bantam
