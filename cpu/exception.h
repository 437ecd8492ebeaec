// Exceptions: vectors and what travels with one (SDM vol. 3, 6.3.1 and table 6-1).
#pragma once

#include "base/types.h"

namespace bantam {

enum class Vector : u8 {
    divide_error = 0,
    debug = 1,
    nmi = 2,
    breakpoint = 3,
    overflow = 4,
    bound_range = 5,
    invalid_opcode = 6,
    device_not_available = 7,
    double_fault = 8,
    invalid_tss = 10,
    segment_not_present = 11,
    stack_fault = 12,
    general_protection = 13,
    page_fault = 14,
    x87_error = 16,
    alignment_check = 17,
    machine_check = 18,
    simd_error = 19,
};

struct Exception {
    Vector vector = Vector::divide_error;
    bool has_error_code = false;
    u32 error_code = 0;
    u64 cr2 = 0;  // page faults: written to CR2 on delivery
};

}  // namespace bantam
