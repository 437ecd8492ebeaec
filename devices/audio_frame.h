// AudioFrame: what both loudspeakers get at one moment.
#pragma once

#include "base/types.h"

namespace bantam::devices {

struct AudioFrame {
    i16 left = 0;
    i16 right = 0;
    bool operator==(const AudioFrame&) const = default;
};

}  // namespace bantam::devices
