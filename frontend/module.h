// Modules: code that knows a large library, or one whose licence is not Bantam's, in a shared object of its own. It is
// loaded when it is wanted and stays loaded.
#pragma once

#include <string_view>

#include "base/result.h"

namespace bantam::frontend {

/// The function called `function` in the module `name` ("bantam-window.so"), which lies beside the program or in
/// ../lib/bantam. `missing` says what to do where there is none. The error says the cause and nothing else.
Result<void*> find_in_module(std::string_view name, const char* function, std::string_view missing);

/// The module that holds all code that knows SDL.
Result<void*> find_in_window_module(const char* function);

}  // namespace bantam::frontend
