// Which EFLAGS bits an instruction reads, writes and leaves undefined, by the "Flags Affected" sections of SDM vol. 2.
// Tests check the table against Zydis; the oracle suite checks it against the host CPU.
#include <array>

#include "base/bits.h"
#include "cpu/isa/table.h"
#include "cpu/state.h"

namespace bantam::isa {

namespace {

constexpr u32 C = kFlagCarry, P = kFlagParity, A = kFlagAdjust, Z = kFlagZero, S = kFlagSign, O = kFlagOverflow;
constexpr u32 D = kFlagDirection, I = kFlagInterrupt, T = kFlagTrap;
constexpr u32 kEverything = kStatusFlags | D | I | T | kFlagIopl | kFlagNestedTask | kFlagResume | kFlagVm |
                            kFlagAlignmentCheck | kFlagVif | kFlagVip | kFlagId;

constexpr FlagFacts facts_of(Mnemonic mnemonic) {
    using enum Mnemonic;
    switch (mnemonic) {
        case Add:
        case Sub:
        case Cmp:
        case Neg:
        case Xadd:
        case Cmpxchg:
        case Popcnt:
        case Comiss:
        case Comisd:
        case Ucomiss:
        case Ucomisd:
        case Vcomiss:
        case Vcomisd:
        case Vucomiss:
        case Vucomisd:
        case Ptest:
        case Vptest:
        case Vtestps:
        case Vtestpd:
        case Pcmpestri:
        case Pcmpestrm:
        case Pcmpistri:
        case Pcmpistrm:
        case Vpcmpestri:
        case Vpcmpestrm:
        case Vpcmpistri:
        case Vpcmpistrm:
        case Rdrand:
        case Rdseed:
            return {0, kStatusFlags, 0};
        case Adc:
        case Sbb:
            return {C, kStatusFlags, 0};
        case Inc:
        case Dec:
            return {0, O | S | Z | A | P, 0};
        case And:
        case Or:
        case Xor:
        case Test:
            return {0, O | S | Z | P | C, A};
        case Mul:
        case Imul:
            return {0, O | C, S | Z | A | P};
        case Div:
        case Idiv:
        case MovCr:
        case MovDr:
            return {0, 0, kStatusFlags};
        case Daa:
        case Das:
            return {A | C, S | Z | A | P | C, O};
        case Aaa:
        case Aas:
            return {A, A | C, O | S | Z | P};
        case Aam:
        case Aad:
            return {0, S | Z | P, O | A | C};
        case Shl:
        case Sal:
        case Shr:
        case Sar:
            return {0, O | S | Z | P | C, A, true};
        case Rol:
        case Ror:
            return {0, O | C, 0, true};
        case Rcl:
        case Rcr:
            return {C, O | C, 0, true};
        case Shld:
        case Shrd:
            return {0, O | S | Z | P | C, A, true};
        case Bt:
        case Btc:
        case Btr:
        case Bts:
            return {0, C, O | S | A | P};
        case Bsf:
        case Bsr:
            return {0, Z, O | S | A | P | C};
        case Tzcnt:
        case Lzcnt:
            return {0, Z | C, O | S | A | P};
        case Andn:
        case Blsi:
        case Blsr:
        case Blsmsk:
        case Bzhi:
            return {0, O | S | Z | C, A | P};
        case Bextr:
            return {0, O | Z | C, S | A | P};
        case Adcx:
            return {C, C, 0};
        case Adox:
            return {O, O, 0};
        case Arpl:
        case Lar:
        case Lsl:
        case Verr:
        case Verw:
        case Cmpxchg8b:
        case Cmpxchg16b:
            return {0, Z, 0};
        case Cmc:
            return {C, C, 0};
        case Clc:
        case Stc:
            return {0, C, 0};
        case Cld:
        case Std:
            return {0, D, 0};
        case Cli:
        case Sti:
            return {kFlagIopl, I | kFlagVif, 0, true};
        case Clac:
        case Stac:
            return {0, kFlagAlignmentCheck, 0};
        case Sahf:
            return {0, S | Z | A | P | C, 0};
        case Lahf:
            return {S | Z | A | P | C, 0, 0};
        case Salc:
            return {C, 0, 0};
        case Loope:
        case Loopne:
            return {Z, 0, 0};
        case Fcomi:
        case Fcomip:
        case Fucomi:
        case Fucomip:
            return {0, O | S | Z | A | P | C, 0};
        case Fcmovb:
        case Fcmovnb:
            return {C, 0, 0};
        case Fcmove:
        case Fcmovne:
            return {Z, 0, 0};
        case Fcmovbe:
        case Fcmovnbe:
            return {C | Z, 0, 0};
        case Fcmovu:
        case Fcmovnu:
            return {P, 0, 0};
        case Cmpsb:
        case Cmpsw:
        case Cmpsd:
        case Cmpsq:
        case Scasb:
        case Scasw:
        case Scasd:
        case Scasq:
            return {D, kStatusFlags, 0};
        case Movsb:
        case Movsw:
        case Movsd:
        case Movsq:
        case Stosb:
        case Stosw:
        case Stosd:
        case Stosq:
        case Lodsb:
        case Lodsw:
        case Lodsd:
        case Lodsq:
            return {D, 0, 0};
        case Insb:
        case Insw:
        case Insd:
        case Outsb:
        case Outsw:
        case Outsd:
            return {D | kFlagIopl, 0, 0};
        case In:
        case Out:
            return {kFlagIopl, 0, 0};
        case Pushf:
        case Pushfd:
        case Pushfq:
            return {kEverything, 0, 0};
        // What may switch tasks, enter a handler or return from one: saves or replaces the whole register.
        case Popf:
        case Popfd:
        case Popfq:
        case Int:
        case Int1:
        case Int3:
        case Into:
        case Iret:
        case Iretd:
        case Iretq:
        case CallFar:
        case JmpFar:
        case RetFar:
        case Syscall:
        case Sysret:
        case Sysenter:
        case Sysexit:
        case Rsm:
        case Ud0:
        case Ud1:
        case Ud2:
            return {kEverything, kEverything, 0, true};
        default:
            return {};
    }
}

constexpr auto kFacts = [] {
    std::array<FlagFacts, static_cast<std::size_t>(Mnemonic::count)> facts{};
    for (std::size_t i = 0; i < facts.size(); ++i) facts[i] = facts_of(static_cast<Mnemonic>(i));
    return facts;
}();

/// Flags that condition code pairs 0/1, 2/3, ... E/F look at (SDM vol. 1, appendix B).
constexpr std::array<u32, 8> kConditionFlags = {O, C, Z, C | Z, S, P, S | O, S | O | Z};

/// A shift or rotation whose count is known: nothing changes for 0, OF is defined for 1 only, CF only below the width.
void refine_by_count(const Instruction& instruction, FlagFacts& facts) {
    const Operand& count_operand = instruction.operands[instruction.operand_count - 1u];
    const bool known = count_operand.kind == OperandKind::immediate || count_operand.kind == OperandKind::constant;
    const u32 changed = facts.written | facts.undefined;
    if (!known) {
        const u32 unsure = facts.written & O;
        facts.undefined |= unsure;
        facts.written &= ~unsure;
        return;
    }
    const u64 raw = count_operand.kind == OperandKind::constant ? count_operand.reg : instruction.immediate;
    const u8 size = instruction.operands[0].size;
    const u64 count = raw & (size == 8 ? 0x3F : 0x1F);
    const unsigned width = 8u * size;
    facts.conditional = false;
    if (count == 0) {
        facts = {};
        return;
    }
    const bool double_shift = instruction.mnemonic == Mnemonic::Shld || instruction.mnemonic == Mnemonic::Shrd;
    if (double_shift && count > width) {
        facts.undefined = changed;
    } else {
        if (count != 1) facts.undefined |= O;
        const bool drops_carry = instruction.mnemonic == Mnemonic::Shl || instruction.mnemonic == Mnemonic::Sal ||
                                 instruction.mnemonic == Mnemonic::Shr;
        if (drops_carry && count >= width) facts.undefined |= C;
    }
    facts.written = changed & ~facts.undefined;
}

}  // namespace

FlagFacts flag_facts(const Instruction& instruction) {
    FlagFacts facts = kFacts[static_cast<std::size_t>(instruction.mnemonic)];
    const u32 attributes = row_of(instruction).attributes;
    if ((attributes & kConditional) != 0) facts.read = kConditionFlags[instruction.condition >> 1];
    switch (instruction.mnemonic) {
        case Mnemonic::Shl:
        case Mnemonic::Sal:
        case Mnemonic::Shr:
        case Mnemonic::Sar:
        case Mnemonic::Rol:
        case Mnemonic::Ror:
        case Mnemonic::Rcl:
        case Mnemonic::Rcr:
        case Mnemonic::Shld:
        case Mnemonic::Shrd:
            refine_by_count(instruction, facts);
            break;
        default:
            break;
    }
    if ((attributes & kString) != 0 && instruction.repeat != RepeatPrefix::none && facts.written != 0) {
        facts.conditional = true;
    }
    return facts;
}

}  // namespace bantam::isa
