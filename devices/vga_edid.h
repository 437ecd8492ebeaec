// EDID: what a monitor says of itself over its cable (VESA Enhanced Extended Display Identification Data Standard,
// release A, revision 1: EDID structure 1.3).
#pragma once

#include <array>

#include "base/types.h"

namespace bantam::devices {

/// The base block, without extensions: a monitor that prefers 1024x768 at 60 Hz and takes up to 2560x1600.
[[nodiscard]] std::array<u8, 128> monitor_edid();

}  // namespace bantam::devices
