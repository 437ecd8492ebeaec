// The text of a difference between the engines: what differs, the block with its guest and host code, the registers
// before it, and a test case that tests/jit/snippet_test.cpp takes as it is.
#pragma once

#include <string>

#include "machine/lockstep/pair.h"

namespace bantam::lockstep {

[[nodiscard]] std::string report(const Difference& difference);

}  // namespace bantam::lockstep
