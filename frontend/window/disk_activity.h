// DiskActivity: the lamp on a PC's case: which drives are read and written, from what they have counted.
#pragma once

#include <string>
#include <vector>

#include "base/types.h"
#include "machine/inventory.h"

namespace bantam::frontend {

class DiskActivity {
public:
    /// "ide0-hd0 reads", "ide0-hd0 writes, floppy0 reads", or nothing: what was done within the last period. Looks as
    /// often as it likes; changes at most five times a second, so that it can be read.
    const std::string& look(const std::vector<DriveState>& drives, u64 now_ns);

private:
    static constexpr u64 kPeriod_ns = 200'000'000;

    struct Counted {
        std::string name;
        u64 reads = 0, writes = 0;
    };
    std::vector<Counted> counted_;
    std::string text_;
    u64 next_ns_ = 0;
};

}  // namespace bantam::frontend
