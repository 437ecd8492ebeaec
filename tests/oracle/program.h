// What both judges of an instruction sequence, host and Bantam, get and give: registers, memory, outcome.
#pragma once

#include <array>
#include <cstring>
#include <string>

#include "base/types.h"

namespace bantam::oracle {

// The arena: 64 KiB of linear addresses, the same in both worlds. In 16-bit mode all segments have kArenaBase as base.
inline constexpr u64 kArenaBase = 0x10000000;
inline constexpr u64 kArenaBytes = 0x10000;
inline constexpr u64 kDataPage = 0x1000;      // 3 pages, read and write
inline constexpr u64 kReadOnlyPage = 0x4000;  // 1 page
inline constexpr u64 kCodePage = 0x5000;      // 2 pages, read, write and execute
inline constexpr u64 kStackPage = 0x7000;     // 2 pages, read and write
inline constexpr u64 kMappedFrom = 0x1000;
inline constexpr u64 kMappedTo = 0x9000;  // everything else in the arena is not present
inline constexpr u64 kMappedBytes = kMappedTo - kMappedFrom;
inline constexpr u64 kPageBytes = 0x1000;

/// Contents of the mapped part of the arena.
struct Arena {
    std::array<u8, kMappedBytes> bytes{};
    [[nodiscard]] u8* at(u64 offset) { return bytes.data() + (offset - kMappedFrom); }
    [[nodiscard]] const u8* at(u64 offset) const { return bytes.data() + (offset - kMappedFrom); }
};

struct alignas(64) ProgramState {
    std::array<u64, 16> gpr{};
    u64 rip = 0;  // offset from CS.base
    u32 eflags = 0x202;
    std::array<u8, 512> fxsave{};  // x87, MXCSR, XMM
    std::array<std::array<u8, 16>, 16> ymm_high{};
};

struct Outcome {
    bool ended = false;  // false: still running when the limit was reached
    u8 vector = 0;
    u32 error_code = 0;
    u64 cr2 = 0;
    ProgramState state;
};

/// EFLAGS bits a program at CPL 3 can see or change.
inline constexpr u32 kVisibleFlags = 0x00257FD5;

}  // namespace bantam::oracle
