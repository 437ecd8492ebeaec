// What the oracle may run: everything but instructions whose result depends on the operating system or the machine
// below, and byte strings that mean something to the host CPU which no Bantam model knows.
#pragma once

#include <span>

#include "cpu/isa/decoder.h"
#include "cpu/isa/instruction.h"

namespace bantam::oracle {

/// False for what enters the kernel, reads or changes what belongs to the host process or its kernel (segment registers
/// and bases, descriptor tables, time, identification), or saves more state than the model has.
bool comparable(const isa::Instruction& instruction);

/// True when `bytes`, invalid to Bantam's decoder, may belong to an extension that only the host has: AVX-512,
/// AVX-VNNI, VAES, GFNI, SSE4a, TSX, VMX, SGX, WAITPKG, CET, MOVDIR, CLWB, PKU, UINTR, AMX.
bool may_be_host_extension(std::span<const u8> bytes, isa::CodeSize mode);

}  // namespace bantam::oracle
