// The monitor's x and xp: memory in the formats gdb has, /COUNT FORMAT SIZE, and one line of disassembly.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "cpu/isa/decoder.h"

namespace bantam::frontend {

struct DisassembledLine {
    std::string text;  // bytes and assembly, without the address
    unsigned length;   // bytes consumed, at least 1
};
/// The instruction at bytes[0], or "(bad)" for one byte that starts none. `bytes` must not be empty.
DisassembledLine disassemble_line(std::span<const u8> bytes, u64 address, const isa::DecodeMode& mode);

/// What follows the slash of x/10xw.
struct ExamineFormat {
    unsigned count = 1;
    char format = 'x';  // x d u o c i
    unsigned size = 4;  // bytes: 1 2 4 8
};
/// Parses "10xw", "i", "" ... Errors: usage, in words.
Result<ExamineFormat> parse_examine_format(std::string_view text);

/// One byte of the memory that is examined, without side effects; nothing where there is none.
using PeekByte = std::function<std::optional<u8>(u64 address)>;

/// The lines x prints for `format` at `address`, each ending in a newline.
std::string examine(const ExamineFormat& format, u64 address, const isa::DecodeMode& mode, const PeekByte& peek);

}  // namespace bantam::frontend
