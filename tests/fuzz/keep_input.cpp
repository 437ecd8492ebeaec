// A failed CHECK ends a fuzz target by abort(), so that libFuzzer keeps the input; CHECK itself would leave by _Exit.
#include <cstdlib>

#include "base/check.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    bantam::set_crash_reporter([] { std::abort(); });
    return 0;
}
