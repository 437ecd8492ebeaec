// Row: one encoding of the instruction table, and the notation the table is written in (parsed by row_parser.h at
// compile time). The notation follows SDM vol. 2, 3.1.1 and appendix A.2: a pattern ("66 0F38 00 /r"), operand codes
// ("+Vx Wx") and attributes; a mistake in either string is a compile error.
//
// Pattern: [NP|66|F3|F2|NFx|NF3] [0F|0F38|0F3A] OP[+r|+cc] [/r|/0../7] [mem|reg] [rmN] [oN] [aN] [bN] [no64|only64], or
//   VEX.pp.map[.W0|.W1][.L0|.L1] OP ...  NP: none of 66, F3, F2; NFx: no F2 or F3; NF3: no F3; nothing: all are
//   allowed. oN: effective operand size in bits (o16 o32 o64 o1632 o3264), aN: address size, b0/b1: REX.B.
// Operand: [=|+|-] CODE. '=' is written, '+' read and written, '-' not accessed at all, otherwise read.
#pragma once

#include <array>
#include <string_view>

#include "base/types.h"
#include "cpu/isa/features.h"
#include "cpu/isa/instruction.h"
#include "cpu/isa/mnemonic.h"

namespace bantam::isa {

/// Row::attributes. The second half is derived from the pattern and the operands, never written in the table.
enum Attribute : u32 {
    kEndsBlock = 1u << 0,       // control does not (always) continue with the next instruction, or modes may change
    kBranch = 1u << 1,          // near jump, call or return
    kPrivileged = 1u << 2,      // #GP(0) unless CPL is 0
    kIo = 1u << 3,              // IN, OUT, INS, OUTS: checked against IOPL and the I/O permission bitmap
    kIoplSensitive = 1u << 4,   // meaning or permission depends on IOPL: CLI, STI, PUSHF, POPF, IRET, INT n
    kLockable = 1u << 5,        // LOCK is allowed when the first operand is memory
    kString = 1u << 6,          // string instruction: implied rSI/rDI operands, REP applies
    kCalled = 1u << 7,          // executed by ordinary C++ over CpuState (DESIGN section 3)
    kShared = 1u << 8,          // short integer semantics that the host cannot execute in 64-bit mode
    kDefault64 = 1u << 9,       // operand size 64 by default in 64-bit mode, 66h makes it 16
    kForce64 = 1u << 10,        // operand size always 64 in 64-bit mode
    kProtectedOnly = 1u << 11,  // #UD in real and virtual-8086 mode
    kUnaligned = 1u << 12,      // a legacy SSE form whose 16-byte memory operand may be misaligned
    kAligned = 1u << 13,        // #GP(0) when the memory operand is not aligned to alignment()
    kVsib = 1u << 14,           // Instruction::index names a vector register; destination, index and mask must differ
    kElsePlain = 1u << 15,      // without the feature the F3 prefix is ignored (LZCNT is BSR, TZCNT is BSF)
    kTraps = 1u << 16,          // may raise an exception although it has no memory operand
    kX87 = 1u << 17,            // uses x87 state: #NM by CR0.EM or CR0.TS
    kMmx = 1u << 18,            // uses MMX state: #UD by CR0.EM, #NM by CR0.TS
    kSse = 1u << 19,            // uses XMM state or MXCSR: #UD by CR0.EM or CR4.OSFXSR, #NM by CR0.TS
    kAvx = 1u << 20,            // uses VEX-encoded vector state: #UD by CR4.OSXSAVE or XCR0, #NM by CR0.TS
    kMayFault = 1u << 21,       // derived: kTraps, kPrivileged, kIo, a memory operand, or any of the four states
    kHasMemory = 1u << 22,      // derived: an operand can be in memory, and is accessed there
    kUsesVvvv = 1u << 23,       // derived: an operand comes from VEX.vvvv
    kSegmentLoad = 1u << 24,    // loads a segment register
    kConditional = 1u << 25,    // Instruction::condition is meaningful: Jcc, SETcc, CMOVcc
    kIgnoresMod = 1u << 26,     // derived: ModRM.mod means nothing, rm is always a register (MOV CR, MOV DR)
};

enum class OperandSource : u8 {
    none,
    rm_gpr,
    reg_gpr,
    rm_gpr_only,
    opcode_gpr,
    vvvv_gpr,
    fixed_gpr,
    memory,
    offset,
    immediate,
    immediate_signed,
    relative,
    far_pointer,
    reg_segment,
    fixed_segment,
    reg_control,
    reg_debug,
    reg_mmx,
    rm_mmx,
    rm_mmx_only,
    reg_vector,
    rm_vector,
    rm_vector_only,
    vvvv_vector,
    immediate_vector,
    fixed_vector,
    st0,
    st_rm,
    constant,
    vsib,
};

/// How many bytes an operand has; x, h, f and e are the vector length and its half, fourth and eighth.
enum class SizeCode : u8 {
    none,
    b,
    w,
    d,
    q,
    dq,
    qq,
    t,
    v,
    z,
    y,
    x,
    h,
    f,
    e,
    p,
    s,
    a,
    env,
    fpu_state,
    fxsave,
    reg_v_mem_w,
    reg_d_mem_b,
    reg_d_mem_w,

    stack,
};

struct OperandSpec {
    OperandSource source = OperandSource::none;
    SizeCode size = SizeCode::none;
    u8 access = kAccessNone;
    u8 value = 0;  // register or constant of fixed operands
};

/// Bits of Row::prefixes, also the prefix selector of the decoder's maps.
enum PrefixSelector : u8 { kSelectNone, kSelect66, kSelectF3, kSelectF2 };

struct Row {
    std::array<OperandSpec, 5> operands{};
    u32 attributes = 0;
    Mnemonic mnemonic = Mnemonic::Invalid;
    Feature feature = Feature::base;
    u8 operand_count = 0;
    u8 prefixes = 0xF;  // allowed PrefixSelector values
    bool has_modrm = false;
    bool vex = false;
    u8 map = 0;     // as Instruction::opcode_map
    u8 opcode = 0;  // the first of opcode_count
    u8 opcode_count = 1;
    u8 reg = 0xFF;         // allowed ModRM.reg values, one bit each
    u8 rm = 0xFF;          // allowed ModRM.rm values
    u8 mod = 3;            // bit 0: memory form, bit 1: register form
    u8 vector_length = 3;  // allowed VEX.L
    u8 w = 3;              // allowed VEX.W
    u8 operand_sizes = 7;  // bits 0-2: 16, 32, 64
    u8 address_sizes = 7;  // bits 0-2: 16, 32, 64
    u8 rex_b = 3;          // allowed REX.B
    u8 modes = 3;          // bit 0: outside 64-bit mode, bit 1: in 64-bit mode
};

/// A row as it is written in the table files.
struct RowText {
    std::string_view pattern;
    Mnemonic mnemonic;
    Feature feature;
    std::string_view operands;
    u32 attributes = 0;
};

}  // namespace bantam::isa
