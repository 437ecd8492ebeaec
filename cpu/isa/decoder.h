// The decoder: bytes to Instruction, by the table in isa/table.h.
#pragma once

#include <span>

#include "cpu/isa/features.h"
#include "cpu/isa/instruction.h"

namespace bantam::isa {

enum class CodeSize : u8 { bits16, bits32, bits64 };

/// What the meaning of bytes depends on.
struct DecodeMode {
    CodeSize code_size = CodeSize::bits64;    // CS.L and CS.D
    bool protected_mode = true;               // CR0.PE = 1 and EFLAGS.VM = 0: VEX, LLDT, ARPL... exist only here
    FeatureSet features = FeatureSet::all();  // the CPU model's: an encoding of an absent feature is invalid
};

enum class DecodeStatus : u8 {
    ok,
    invalid,    // #UD
    truncated,  // the bytes end inside the instruction: fetch more
    too_long,   // over 15 bytes: #GP(0)
};

/// Decodes the instruction that starts at bytes[0] into `out` (handler and thunk stay null). On anything but ok, `out`
/// is unspecified, except that on invalid out.length says how many bytes were looked at. Source: SDM vol. 2, chapters
/// 2-5 and appendix A.
DecodeStatus decode(std::span<const u8> bytes, const DecodeMode& mode, Instruction& out);

}  // namespace bantam::isa
