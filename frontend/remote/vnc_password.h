// The password of a remote display, in a file that nobody else can read.
#pragma once

#include <string>

#include "base/result.h"

namespace bantam::frontend {

/// The first line of the file. Errors (bad_input): it cannot be read, others can read it, it has no password, or one
/// that is longer than VNC knows.
Result<std::string> read_vnc_password(const std::string& path);

}  // namespace bantam::frontend
