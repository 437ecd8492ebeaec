#include "jit/stack_window.h"

#include <sys/auxv.h>

namespace bantam::jit::stack_window {

bool host_allows() {
    constexpr u64 kFsGsBase = 2;  // AT_HWCAP2: the kernel allows RDGSBASE and WRGSBASE
    static const bool kAllowed = (getauxval(AT_HWCAP2) & kFsGsBase) != 0;
    return kAllowed;
}

/// Legacy prefixes come before all others (SDM vol. 2, 2.1.1).
bool accesses(const u8* code) {
    constexpr u8 kGs = 0x65;
    const auto is_legacy_prefix = [](u8 byte) {
        return byte == 0x66 || byte == 0x67 || byte == 0xF0 || byte == 0xF2 || byte == 0xF3;
    };
    while (is_legacy_prefix(*code)) ++code;
    return *code == kGs;
}

}  // namespace bantam::jit::stack_window
