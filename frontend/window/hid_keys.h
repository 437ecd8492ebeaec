// Keys by place: USB HID usages (HID Usage Tables 1.12, page 7), which SDL's scan codes are, to the set 1 scan codes of
// a PC keyboard (Microsoft, "Keyboard Scan Code Specification", appendix C).
#pragma once

#include <optional>

#include "base/types.h"

namespace bantam::frontend {

/// E0xx: prefixed. Nothing for keys that a PC keyboard does not have.
std::optional<u16> set1_of_hid(unsigned usage);

}  // namespace bantam::frontend
