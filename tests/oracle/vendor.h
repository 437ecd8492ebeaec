// What AMD's processors do otherwise than Intel's, of which Bantam's model is one. Where both are within what the
// manuals leave open, or the manuals differ, an AMD host is no judge. As measured on family 1Ah (Zen 5), with what the
// manuals say where they say something: Intel SDM, AMD64 APM (publications 24593, 24594).
#pragma once

#include <span>

#include "cpu/isa/decoder.h"
#include "cpu/isa/instruction.h"
#include "tests/oracle/program.h"

namespace bantam::oracle {

[[nodiscard]] bool host_is_amd();

/// Whether AMD's processors may end otherwise than `outcome`, Bantam's, after `executed`; `faulted`: the last of them
/// raised what ended the program.
[[nodiscard]] bool differs_on_amd(isa::CodeSize mode, std::span<const isa::Instruction> executed, bool faulted,
                                  const ProgramState& initial, const Outcome& outcome);

}  // namespace bantam::oracle
