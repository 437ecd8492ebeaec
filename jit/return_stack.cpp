#include "jit/return_stack.h"

#include <sys/mman.h>

#include "base/check.h"

namespace bantam::jit {

ReturnStack::ReturnStack() : memory_(reinterpret_cast<u64>(allocate_low(kBytes))) {
    CHECK(mprotect(reinterpret_cast<void*>(memory_), kGuardBytes, PROT_NONE) == 0);
}

ReturnStack::~ReturnStack() { release_low(reinterpret_cast<void*>(memory_), kBytes); }

}  // namespace bantam::jit
