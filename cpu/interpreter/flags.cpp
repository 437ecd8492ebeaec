// CLC, STC, CMC, CLD, STD, LAHF, SAHF, SALC, and the instructions that do nothing here: NOP, PAUSE, prefetches
// and fences (one CPU runs at a time, in order).
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"

namespace bantam::interpreter {
namespace {

constexpr Status kCarry = 0x0100;

void clear_carry(Cpu& cpu, const Instruction&) { cpu.state.status = static_cast<Status>(cpu.state.status & ~kCarry); }
void set_carry(Cpu& cpu, const Instruction&) { cpu.state.status = static_cast<Status>(cpu.state.status | kCarry); }
void complement_carry(Cpu& cpu, const Instruction&) {
    cpu.state.status = static_cast<Status>(cpu.state.status ^ kCarry);
}
void clear_direction(Cpu& cpu, const Instruction&) { cpu.state.flags &= ~static_cast<u32>(kFlagDirection); }
void set_direction(Cpu& cpu, const Instruction&) { cpu.state.flags |= kFlagDirection; }

void load_ah_from_flags(Cpu& cpu, const Instruction&) {
    set_register<u8>(cpu.state, 1, static_cast<u8>(cpu.state.status >> 8));
}
void store_ah_into_flags(Cpu& cpu, const Instruction&) {
    const auto ah = get_register<u8>(cpu.state, 1);
    cpu.state.status = static_cast<Status>((cpu.state.status & 1u) | static_cast<u32>((ah & 0xD5u) | 2u) << 8);
}
void set_al_on_carry(Cpu& cpu, const Instruction&) {
    set_register<u8>(cpu.state, 0, (cpu.state.status & kCarry) != 0 ? 0xFF : 0);
}

void no_operation(Cpu&, const Instruction&) {}

}  // namespace

Handler flag_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    switch (instruction.mnemonic) {
        case Mnemonic::Clc:
            return &clear_carry;
        case Mnemonic::Stc:
            return &set_carry;
        case Mnemonic::Cmc:
            return &complement_carry;
        case Mnemonic::Cld:
            return &clear_direction;
        case Mnemonic::Std:
            return &set_direction;
        case Mnemonic::Lahf:
            return &load_ah_from_flags;
        case Mnemonic::Sahf:
            return &store_ah_into_flags;
        case Mnemonic::Salc:
            return &set_al_on_carry;
        case Mnemonic::Nop:
        case Mnemonic::Prefetch:
        case Mnemonic::Prefetchw:
        case Mnemonic::Lfence:
        case Mnemonic::Mfence:
        case Mnemonic::Sfence:
            return &no_operation;
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
