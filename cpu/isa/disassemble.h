// Disassembly for people: traces, the monitor, `bantam disassemble`. Not for deciding anything; the decoder does that.
#pragma once

#include <span>
#include <string>

#include "cpu/isa/decoder.h"

namespace bantam::isa {

/// The first instruction of `bytes`, at `rip`, in Intel syntax: "mov eax, dword ptr [rbx + 8]". Bytes that are no
/// instruction give "(bad)"; no byte at all gives "".
std::string disassemble(std::span<const u8> bytes, u64 rip, CodeSize code_size);

}  // namespace bantam::isa
