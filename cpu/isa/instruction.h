// Instruction: one decoded instruction, the only decoded form there is. The decoder fills it from the table
// (isa/table.h); the interpreter adds its handler, the disassembler and the translator read it.
#pragma once

#include <array>

#include "base/types.h"
#include "cpu/isa/mnemonic.h"

namespace bantam {
class Cpu;
}

namespace bantam::isa {

/// Bytes of the longest instruction (SDM vol. 2, 2.3.11).
inline constexpr unsigned kLongestInstruction = 15;

/// Slots of CpuState::gpr. 0-15 are RAX..R15 in encoding order.
inline constexpr u8 kSlotRip = 16;   // address of the next instruction while one executes
inline constexpr u8 kSlotZero = 17;  // always 0: the base or index of an address that has none

enum class OperandKind : u8 {
    none,
    gpr,          // general register; gpr_offset and size say which bytes
    memory,       // described by Instruction::base, index, scale, displacement, segment
    immediate,    // Instruction::immediate, already sign- or zero-extended as the SDM says
    immediate2,   // Instruction::immediate2 (ENTER's level, EXTRQ...)
    relative,     // branch displacement in Instruction::immediate, sign-extended
    far_pointer,  // selector in immediate2, offset in immediate
    segment,      // reg: ES CS SS DS FS GS = 0..5
    control,      // CRn
    debug,        // DRn
    x87,          // ST(reg)
    mmx,          // MMreg
    vector,       // XMMreg (size <= 16) or YMMreg (size 32)
    constant,     // an implied number, e.g. the 1 of D1 /4; value in reg
};

enum Access : u8 { kAccessNone = 0, kAccessRead = 1, kAccessWrite = 2, kAccessReadWrite = 3 };

struct Operand {
    OperandKind kind : 4 = OperandKind::none;
    u8 access : 2 = kAccessNone;
    bool is_high : 1 = false;  // AH, CH, DH, BH
    u8 size = 0;        // bytes touched: 1, 2, 4, 6, 8, 10, 16, 32, ... ; 0 for address-only operands (LEA, INVLPG) and
                        // FXSAVE, XSAVE
    u8 reg = 0;         // register number; for 8-bit gprs the architectural number 0-15 (high bytes: 4-7 with is_high)
    u8 gpr_offset = 0;  // byte offset into CpuState::gpr of a gpr operand: 8*number, or 8*(number-4)+1 for high bytes
};

enum class RepeatPrefix : u8 { none, repne /* F2 */, rep /* F3 */ };

struct Instruction;
/// Executes one instruction; may leave through Cpu::raise.
using Handler = void (*)(Cpu& cpu, const Instruction& instruction);

/// PERF: guests' cold code is decoded, executed a few times and forgotten, so its size counts.
struct Instruction {
    Handler handler = nullptr;  // set by the interpreter when it builds a block
    void* thunk = nullptr;      // host code for host-executed forms (cpu/host), set with the handler
    u64 immediate = 0;
    i64 displacement = 0;  // of the memory operand; for moffs forms the whole 64-bit address
    Mnemonic mnemonic = Mnemonic::Invalid;
    u16 row = 0;  // index into isa::kTable: facts are looked up there
    u16 immediate2 = 0;
    u16 next_offset = 0;  // from the start of the block to the end of this instruction; set with the handler
    std::array<Operand, 5> operands{};
    u8 base = kSlotZero;   // gpr slot
    u8 index = kSlotZero;  // gpr slot; of a gather (kVsib), the number of a vector register
    u8 scale = 0;          // shift of the index: 0..3
    u8 opcode = 0;         // last opcode byte
    u8 modrm = 0;
    u8 rex = 0;  // 40h..4Fh, or 0
    u8 operand_count : 4 = 0;
    u8 length : 4 = 0;          // bytes, 1..15
    u8 operand_size : 4 = 0;    // effective operand size: 2, 4 or 8
    u8 address_size : 4 = 0;    // effective address size: 2, 4 or 8
    u8 immediate_size : 4 = 0;  // bytes of immediate in the encoding (0, 1, 2, 4, 8)
    u8 condition : 4 = 0;       // low 4 opcode bits of Jcc, SETcc, CMOVcc
    u8 vex_vvvv : 4 = 0;        // register number, already un-inverted
    u8 segment : 3 = 3;         // segment register of the memory operand, default or override applied (ES..GS = 0..5)
    bool vex : 1 = false;       // VEX encoded; then rex holds the equivalent W R X B bits | 40h
    u8 vex_pp : 2 = 0;          // 0, 1 = 66, 2 = F3, 3 = F2
    // As written, also where it is a mandatory prefix's leftover or ignored.
    RepeatPrefix repeat : 2 = RepeatPrefix::none;
    bool vex_l : 1 = false;  // 256-bit
    bool lock : 1 = false;
    bool reads_immediate : 1 = false;  // `immediate` is its physical address: see cpu/interpreter/patched.h
    u8 opcode_map : 5 = 0;             // 0 = one byte, 1 = 0F, 2 = 0F38, 3 = 0F3A; of VEX any
    bool has_segment_override : 1 = false;
    bool operand_size_prefix : 1 = false;  // 66h present
    bool has_modrm : 1 = false;

    /// Effective addresses wrap there: 2^(8*address_size) - 1.
    [[nodiscard]] u64 address_mask() const { return ~u64{0} >> (64 - 8 * address_size); }
    [[nodiscard]] const Operand* memory_operand() const {
        for (u8 i = 0; i < operand_count; ++i) {
            if (operands[i].kind == OperandKind::memory) return &operands[i];
        }
        return nullptr;
    }
};
static_assert(sizeof(Instruction) == 72);

}  // namespace bantam::isa
