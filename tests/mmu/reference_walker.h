// ReferenceWalker: paging written a second time, level by level and format by format, straight from the tables of SDM
// vol. 3, chapter 4, sharing nothing with mmu/paging.cpp. Slow and plain on purpose.
#pragma once

#include <vector>

#include "mmu/paging.h"

namespace bantam::test {

struct ReferenceResult {
    bool ok = false;
    u32 error_code = 0;
    u64 physical = 0;
    bool global = false;
    u64 page_bytes = 0;
    struct Change {
        Physical entry;
        unsigned size;
        u64 value;
    };
    std::vector<Change> changes{};  // entries as they must be after the access; empty when it faults
};

ReferenceResult reference_translate(PhysicalMemory& memory, const PagingControls& controls, u64 linear, AccessType type,
                                    Privilege privilege);

}  // namespace bantam::test
