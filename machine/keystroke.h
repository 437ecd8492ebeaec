// Keystrokes: keys that a person presses and releases together, by their names or for a text.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "devices/key_names.h"

namespace bantam {

/// Keys that are held together, in the order of pressing.
using Chord = std::vector<devices::KeyCode>;

struct Keystroke {
    Chord keys;
    u64 hold_ns = 0;       // how long they are down, in guest time; 0: until the guest has read that they are pressed
    bool letter = false;   // with Shift or without for a capital or small one: Caps Lock exchanges them
    bool insists = false;  // does not wait for ever until a program takes the last key from the BIOS
};

/// "ctrl-alt-delete": keys by QEMU's names, or by set-1 scan codes as 0x1d. Errors (usage): no such key.
Result<Chord> parse_chord(std::string_view keys);

/// The keys of a US keyboard for `text`. Errors: usage, for a character it does not have.
Result<std::vector<Keystroke>> keystrokes_for_text(std::string_view text);

}  // namespace bantam
