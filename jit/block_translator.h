// From a decoded block to host code.
#pragma once

#include "jit/emitter.h"

namespace bantam::jit {

/// Translates `translation.block` and sets its entries. False: it is left to the interpreter.
bool translate_block(const Emitter::Target& target, Translation& translation);

}  // namespace bantam::jit
