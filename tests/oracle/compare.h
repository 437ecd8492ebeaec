// Differences between what the host did and what Bantam did, in words.
#pragma once

#include <string>

#include "cpu/isa/decoder.h"
#include "tests/oracle/program.h"

namespace bantam::oracle {

/// Empty when equal; else one line a difference, "host ... bantam ...".
std::string differences(isa::CodeSize mode, const Outcome& host, const Outcome& guest, u32 defined_flags);

}  // namespace bantam::oracle
