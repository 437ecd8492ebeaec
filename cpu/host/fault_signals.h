// Host exceptions raised by thunks. A process-wide handler for SIGFPE and SIGILL, installed with the first arena and
// chained to whatever was there before, recognises a RIP inside a registered arena and continues at that arena's fault
// exit; all other signals go to the previous handler. The handler only reads the registry, which is lock-free and never
// shrinks. Source: SDM vol. 3, 6.15 (#DE, #UD, #MF, #XM are faults: RIP is that of the instruction).
#pragma once

#include <atomic>

#include "base/types.h"

namespace bantam::host {

/// A stretch of generated code and where a fault inside it continues, with 1 + the exception's vector in EAX.
struct FaultRange {
    std::atomic<u64> begin{0};
    std::atomic<u64> end{0};
    std::atomic<u64> simd_exit{0};   // #XM: the guest's MXCSR is still loaded and holds the new flags
    std::atomic<u64> other_exit{0};  // #DE, #UD, #MF
    FaultRange* next = nullptr;
};

/// Thread-safe. Installs the handlers on the first call. The range stays valid until release_fault_range.
FaultRange* register_fault_range(u64 begin, u64 end, u64 simd_exit, u64 other_exit);
void release_fault_range(FaultRange* range);

}  // namespace bantam::host
