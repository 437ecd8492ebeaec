// From a decoded block to host code.
#pragma once

#include "jit/emitter.h"

namespace bantam::jit {

/// Translates `translation.block`, which lies at linear address `linear`, and sets its entries. False: the host
/// code could not be made.
bool translate_block(const Emitter::Target& target, Translation& translation, u64 linear);

}  // namespace bantam::jit
