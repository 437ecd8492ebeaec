// SerialLine: a serial line whose far end is in this process: what the guest sent, and what waits for it. Input is
// taken at the run loop's looks at the host (RunLoop::kHostPeriod_ns of guest time), so in virtual time it is
// repeatable.
#pragma once

#include <string>

#include "base/types.h"

namespace bantam::host {

struct SerialLine {
    std::string output;           // all that the guest has sent
    std::string input;            // for the guest
    std::size_t input_taken = 0;  // bytes of it that the guest's UART has taken
};

}  // namespace bantam::host
