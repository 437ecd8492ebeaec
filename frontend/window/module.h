// The module bantam-window.so, which holds all code that knows SDL.
#pragma once

#include "base/result.h"

namespace bantam::frontend {

/// The function called `name` in the module beside the program or in ../lib/bantam, which stays loaded. The error says
/// the cause and nothing else.
Result<void*> find_in_window_module(const char* name);

}  // namespace bantam::frontend
