// X11 keysyms, by which viewers name keys (RFC 6143, section 7.5.4; values: X Window System Protocol, appendix A), to
// the keys of a US keyboard.
#pragma once

#include <optional>

#include "devices/key_names.h"

namespace bantam::frontend {

struct KeysymKey {
    devices::KeyCode key;
    bool character = false;  // that the key makes with or without `shift`; other keys are the same with and without
    bool shift = false;
    bool letter = false;  // caps lock counts
};

/// Nothing: no key of a US keyboard is meant, or makes that character.
std::optional<KeysymKey> key_by_keysym(u32 keysym);

}  // namespace bantam::frontend
