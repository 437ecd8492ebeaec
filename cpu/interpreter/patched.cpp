#include "cpu/interpreter/patched.h"

#include "cpu/cpu.h"
#include "cpu/interpreter/handlers.h"

namespace bantam::interpreter {
namespace {

void execute_with_immediate(Cpu& cpu, const isa::Instruction& instruction) {
    const isa::Instruction now = with_immediate(cpu, instruction);
    now.handler(cpu, now);
}

}  // namespace

bool can_read_immediate(const isa::Instruction& i) {
    if (i.operand_count != 2 || i.operands[1].kind != isa::OperandKind::immediate || i.immediate_size > 4) return false;
    switch (i.mnemonic) {
        case isa::Mnemonic::Adc:
        case isa::Mnemonic::Add:
        case isa::Mnemonic::And:
        case isa::Mnemonic::Cmp:
        case isa::Mnemonic::Mov:
        case isa::Mnemonic::Or:
        case isa::Mnemonic::Sbb:
        case isa::Mnemonic::Sub:
        case isa::Mnemonic::Test:
        case isa::Mnemonic::Xor:
            return true;
        default:
            return false;
    }
}

void read_immediate(isa::Instruction& instruction, Physical at) {
    instruction.reads_immediate = true;
    instruction.immediate = at.value;
    instruction.handler = execute_with_immediate;
}

isa::Instruction with_immediate(Cpu& cpu, const isa::Instruction& before) {
    isa::Instruction now = before;
    const unsigned unused = 64 - 8 * before.immediate_size;
    const u64 value = cpu.mmu.memory().read({before.immediate}, before.immediate_size);
    now.immediate = static_cast<u64>(static_cast<i64>(value << unused) >> unused);
    now.reads_immediate = false;
    now.handler = integer_handler(now);
    return now;
}

}  // namespace bantam::interpreter
