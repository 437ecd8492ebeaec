// From a decoded block to host code.
#pragma once

#include "jit/emitter.h"

namespace bantam::jit {

/// Translates `translation.block`, which lies at linear address `linear`, and sets translation.entry. False: the host
/// code could not be made.
bool translate_block(const Emitter::Target& target, Translation& translation, u64 linear);

/// Makes translation.indirect_entry: goes on at the entry if R14 is the translation's RIP, and leaves there otherwise.
bool make_indirect_entry(CodeCache& cache, const Stubs& stubs, Translation& translation);

}  // namespace bantam::jit
