// Keys by place: USB HID usages (HID Usage Tables 1.12, page 7), which SDL's scan codes are too, and the set 1 scan
// codes of a PC keyboard (Microsoft, "Keyboard Scan Code Specification", appendix C).
#pragma once

#include <optional>

#include "base/types.h"

namespace bantam::devices {

/// E0xx: prefixed. Nothing for keys that a PC keyboard does not have.
std::optional<u16> set1_of_hid(unsigned usage);
/// The usage of the key with that set 1 code (E0xx: prefixed), the lower one where two share it; nothing for keys that
/// are not on page 7.
std::optional<u8> hid_of_set1(u16 code);

constexpr u8 kFirstHidModifier = 0xE0;  // left control; then left shift, Alt, GUI, and the right ones to E7h

}  // namespace bantam::devices
