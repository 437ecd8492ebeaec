// Reader of MOO 1.1 files, the format of hardware-captured instruction tests (SingleStepTests): chunks of a 4-byte tag
// and a little-endian u32 length. Only what the tests of real-mode CPUs need is kept.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace bantam::vectors {

/// Registers in the files' order.
enum Register : u8 { kAx, kBx, kCx, kDx, kCs, kSs, kDs, kEs, kSp, kBp, kSi, kDi, kIp, kFlags, kRegisterCount };

struct MemoryByte {
    u32 address = 0;
    u8 value = 0;
};

struct Snapshot {
    std::array<std::optional<u16>, kRegisterCount> registers;  // final: only what changed
    std::vector<MemoryByte> memory;
};

struct PushedException {
    u8 vector = 0;
};

struct Test {
    u32 index = 0;
    std::vector<u8> bytes;
    Snapshot before;
    Snapshot after;
    std::optional<PushedException> exception;
    std::array<u16, kRegisterCount> mask{};  // bits of final registers that are defined
};

/// All tests of a gzip-compressed file. Errors: bad_input naming the file.
Result<std::vector<Test>> read_moo(const std::string& path);

}  // namespace bantam::vectors
