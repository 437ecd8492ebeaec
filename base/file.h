// Reading a whole input file, with errors a user can act on.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace bantam {

/// The contents of the regular file or pipe at `path`, at most `max_bytes`. Errors: bad_input when it is missing, a
/// directory, empty or larger; host_resource when the host does not let us read it. Messages name the path.
Result<std::vector<u8>> read_file(const std::string& path, u64 max_bytes);

}  // namespace bantam
